// How texts, bytes, times and sizes look.
import { describe, expect, test } from "vitest";
import type { Row } from "../model.ts";
import { bytesText, clock, fullTime, plural, rate, span } from "./format.ts";
import { hexDump, hexText, narrowHexDump } from "./hex.ts";
import { base64, fromBase64 } from "../../ui/base64.ts";
import { excerpt, preview } from "./preview.ts";
import { clip, literal, pieces, splitMatches } from "./visible.ts";
import { inSight, moved, reveal } from "./window.ts";
import { points } from "./meter.tsx";

const flat = (text: string, lines = false) => pieces(text, lines).map((piece) => (piece.hidden === undefined ? piece.text : `<${piece.text}>`)).join("");

describe("pieces", () => {
  test.each([
    ["plain", "plain"], ["a\nb\tc", "a<↵>b<→>c"], ["\u001b[31mred", "<ESC>[31mred"], ["\u0000", "<NUL>"], ["a\u202egnp.exe", "a<RLO>gnp.exe"],
    ["\u2066x\u2069", "<LRI>x<PDI>"], ["a\u200bb", "a<ZWSP>b"], ["a\u200db", "a<ZWJ>b"], ["\ufeffa", "<BOM>a"], ["a\ud800b", "a<U+D800>b"],
    ["\u0085", "<U+0085>"], ["\u2028", "<LS>"], ["a\u{e0041}", "a<U+E0041>"], ["a\u3164b", "a<U+3164>b"], ["a\u00adb", "a<SHY>b"],
  ])("%j becomes %s", (text, shown) => {
    expect(flat(text)).toBe(shown);
  });

  test.each(["👩‍👩‍👧‍👦", "👍🏽", "❤️", "👩🏽‍💻", "سلام دنیا", "漢字", "नमस्ते", "<script>"])("%s stays as it is", (text) => {
    expect(pieces(text)).toEqual([{ text }]);
  });

  test("lines keep their feeds and tabs, nothing else", () => {
    expect(flat("a\n\tb\r", true)).toBe("a\n\tb<CR>");
  });

  test("says the name of what it shows", () => {
    expect(pieces("\u202e")[0]?.hidden).toBe("U+202E right-to-left override");
  });
});

describe("matches and cuts", () => {
  test("a text is found in any case, and is no expression", () => {
    expect(splitMatches("a.B a.b axb", literal("A.b"))).toEqual(["", "a.B", " ", "a.b", " axb"]);
    expect(splitMatches("abc", undefined)).toEqual(["abc"]);
    expect(literal("")).toBeUndefined();
    // Also when the same pattern was asked before, as the search does.
    const used = literal("hello")!;
    used.test("say hello");
    expect(splitMatches("hello", used)).toEqual(["", "hello", ""]);
  });

  test.each(["a/b", "[", "\\", "(a+)+$", "^$", "-", "{1}", "😀", "|"])("%j can be searched for", (text) => {
    expect(splitMatches(`x${text}y`, literal(text))).toEqual(["x", text, "y"]);
  });

  test("a cut never leaves half a pair", () => {
    expect(clip("a😀b", 0, 2)).toBe("a😀");
    expect(clip("a😀b", 2, 2)).toBe("b");
    expect(clip("abc", 1, 1)).toBe("b");
  });

  test("portions of a text together are the text", () => {
    const text = "x😀".repeat(50);
    const parts = Array.from({ length: 22 }, (_, index) => clip(text, index * 7, 7));
    expect(parts.join("")).toBe(text);
  });

  test("a row shows 500 characters, or those around a match", () => {
    const long = `${"x".repeat(2_000_000)}needle${"y".repeat(1000)}`;
    expect(excerpt(long)).toHaveLength(501);
    expect(excerpt(long, literal("needle"))).toContain("xneedley");
    expect(excerpt(long, literal("needle")).length).toBeLessThan(510);
    expect(excerpt("short", literal("s"))).toBe("short");
  });

  test("what rows say", () => {
    const row = (more: Partial<Row>) => ({ id: 1, at: 0, size: 0, way: "in", kind: "text", ...more }) as Row;
    expect(preview(row({ kind: "binary", bytes: new Uint8Array([0, 255]) }))).toBe("00 ff");
    expect(preview(row({ kind: "close", code: 1006 }))).toMatch(/^1006 Abnormal closure: No Close frame came/);
    expect(preview(row({ kind: "close", code: 4001, reason: "shutdown", text: "Closed by the server" }))).toBe("4001 Hub: shutdown “shutdown”: Closed by the server");
  });
});

describe("hex", () => {
  test("a dump has offset, two groups, ASCII", () => {
    const bytes = Uint8Array.from({ length: 18 }, (_, index) => index + 0x41);
    expect(hexDump(bytes)).toBe([
      "00000000  41 42 43 44 45 46 47 48  49 4a 4b 4c 4d 4e 4f 50  ABCDEFGHIJKLMNOP",
      "00000010  51 52                                             QR",
    ].join("\n"));
    expect(narrowHexDump(bytes, 8, 8)).toBe("000008 49 4a 4b 4c 4d 4e 4f 50 IJKLMNOP");
  });

  test("what is not printable is a dot; nothing gives nothing", () => {
    expect(hexDump(Uint8Array.of(0, 31, 127, 128, 255, 60))).toMatch(/ {2}\.\.\.\.\.<$/);
    expect(hexDump(new Uint8Array())).toBe("");
  });

  test("base64 goes both ways, also for many bytes", () => {
    const bytes = Uint8Array.from({ length: 100_000 }, (_, index) => index % 251);
    expect(fromBase64(base64(bytes))).toEqual(bytes);
    expect(fromBase64("*")).toBeUndefined();
    expect(hexText(Uint8Array.of(1, 2, 3), 2)).toBe("01 02");
  });
});

describe("times and sizes", () => {
  test.each([[0.4, "+0.4 ms"], [120, "+120 ms"], [3210, "+3.21 s"], [245_000, "+4 min 05 s"], [7_500_000, "+2 h 05 min"], [2e8, "+2 d"], [0, "+0 ms"], [-5, "−5.0 ms"], [NaN, ""]])("a span of %d ms: %s", (ms, said) => {
    expect(span(ms)).toBe(said);
  });

  test.each([[0, "0 B"], [1023, "1023 B"], [1024, "1.0 KiB"], [20_480, "20 KiB"], [5 * 1024 ** 2, "5.0 MiB"], [3 * 1024 ** 4, "3072 GiB"]])("%d bytes: %s", (bytes, said) => {
    expect(bytesText(bytes)).toBe(said);
  });

  test("the clock has milliseconds, and bears any number", () => {
    expect(clock(new Date(2026, 0, 2, 3, 4, 5, 6).getTime())).toBe("03:04:05.006");
    expect(fullTime(new Date(2026, 0, 2, 3, 4, 5, 6).getTime())).toMatch(/^2026-01-02 03:04:05\.006 \(UTC /);
    expect([clock(NaN), fullTime(1e300)]).toEqual(["no time", "no time"]);
  });

  test("counts", () => {
    expect([plural(1, "row"), plural(2000, "row"), rate(0), rate(2.25), rate(1234.4)]).toEqual(["1 row", "2,000 rows", "0", "2.3", "1,234"]);
  });

  test("the line of rates has a point for each second", () => {
    const values = [...Array.from({ length: 59 }, () => 0), 10];
    expect(points(values).split(" ")).toHaveLength(60);
    expect(points(values)).toMatch(/ 96\.0,1\.0$/);
  });
});

describe("the list's window", () => {
  test("makes what is in sight and a little more, never what is not there", () => {
    expect(inSight(0, 260, 26, 100_000)).toEqual({ from: 0, to: 18 });
    expect(inSight(26_000, 260, 26, 100_000)).toEqual({ from: 992, to: 1018 });
    expect(inSight(5000, 260, 26, 3)).toEqual({ from: 3, to: 3 });
    expect(inSight(0, 260, 26, 0)).toEqual({ from: 0, to: 0 });
  });

  test("scrolls only as far as needed", () => {
    expect(reveal(5, 0, 260, 26)).toBeUndefined();
    expect(reveal(10, 0, 260, 26)).toBe(26);
    expect(reveal(2, 260, 260, 26)).toBe(52);
  });

  test.each([["ArrowDown", 5, 6], ["ArrowUp", 0, 0], ["PageDown", 5, 15], ["PageDown", 95, 99], ["Home", 50, 0], ["End", 50, 99], ["ArrowUp", -1, 99], ["Home", -1, 0], ["x", 5, undefined]])("%s from %i goes to %s", (key, from, to) => {
    expect(moved(key, from, 100, 10)).toBe(to);
  });
});
