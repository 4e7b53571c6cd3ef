// Files of rows: there and back, what other programs write, and what is broken or hostile.
import { describe, expect, test } from "vitest";
import type { NewRow, Row } from "../model.ts";
import { cell, toCsv } from "./csv.ts";
import { type Format, exportRows, importRows } from "./files.ts";
import { fromHar } from "./har.ts";
import { Log } from "./store.ts";

const T = 1_790_000_000_000;
const ROWS: NewRow[] = [
  { at: T, way: "event", kind: "connecting", text: "Connecting", detail: { url: "wss://example.com/a" } },
  { at: T + 10.125, way: "event", kind: "open", text: "Open", detail: { protocol: "v1", ok: true, ms: 2.5 } },
  { at: T + 20, way: "out", kind: "text", text: 'hi "you"\n\u202e=1+1 😀' },
  { at: T + 20, way: "in", kind: "text", text: "" },
  { at: T + 20, way: "in", kind: "pong", text: "0.4 ms" },
  { at: T + 21, way: "in", kind: "binary", bytes: Uint8Array.of(0, 1, 255) },
  { at: T + 30, way: "event", kind: "close", code: 1006, reason: "", text: "Closed" },
  { at: T + 40, way: "event", kind: "connecting", text: "Connecting to ws://b.example/x", detail: { url: "ws://b.example/x" } },
  { at: T + 50, way: "out", kind: "binary", bytes: new Uint8Array(), detail: { note: "empty" } },
];

const rowsOf = (rows: readonly NewRow[]): readonly Row[] => {
  const log = new Log();
  log.addAll(rows);
  return log.rows();
};

const written = (rows: readonly NewRow[], format: Format) => exportRows(rowsOf(rows), format);
const read = (text: string, name = "x.ndjson") => importRows(new Blob([text]), name);

test("CSV is not read back, and that is said", async () => {
  await expect(read("time,at\n", "x.csv")).rejects.toThrow(/Export NDJSON or HAR/);
});

describe.each(["ndjson", "har"] as const)("%s", (format) => {
  test("comes back as it was", async () => {
    expect(await importRows(await written(ROWS, format), `x.${format}`)).toEqual(ROWS);
  });

  test("is known by its content, whatever its name", async () => {
    expect(await importRows(await written(ROWS, format), "x.txt")).toHaveLength(ROWS.length);
  });

  test("holds many rows", async () => {
    const many = Array.from({ length: 20_000 }, (_, index): NewRow => ({ at: T + index, way: "in", kind: "text", text: `row ${index}` }));
    const back = await importRows(await written(many, format), `x.${format}`);
    expect(back.filter((row) => row.kind === "text")).toEqual(many);
  });

  test("text of every kind survives", async () => {
    const odd = ["\u0000\u001f", "\ud800", "\u2028", "</script>", "\ufeff", "a\r\nb", '"\\'].map((text): NewRow => ({ at: T, way: "in", kind: "text", text }));
    const back = await importRows(await written(odd, format), `x.${format}`);
    expect(back.filter((row) => row.kind === "text").map((row) => row.text)).toEqual(odd.map((row) => row.text));
  });
});

describe("NDJSON of unknown origin", () => {
  const line = (more: object) => JSON.stringify({ at: T, way: "in", kind: "text", text: "x", ...more });

  test("takes CRLF, empty lines, a byte order mark, no last line feed, and ISO times", async () => {
    expect(await read(`\ufeff${line({})}\r\n\r\n${line({ at: undefined, time: "2026-01-02T03:04:05.678Z" })}`)).toMatchObject([{ at: T }, { at: Date.UTC(2026, 0, 2, 3, 4, 5, 678) }]);
  });

  test.each([
    [`${line({})}\n{broken`, /^line 2 is not JSON: "\{broken"/],
    ["\n\n[1]", /^line 3: must be an object/],
    ["null", /^line 1: must be an object/],
    [line({ way: "up" }), /^line 1: "way" must be/],
    [line({ way: "__proto__" }), /"way" must be/],
    [line({ kind: "constructor" }), /"kind" must be one of/],
    [line({ at: "now" }), /"at" must be a time/],
    [line({ at: 1e300 }), /"at" must be a time/],
    [line({ text: 5 }), /"text" must be a text/],
    [line({ text: undefined }), /a text message needs "text"/],
    [line({ kind: "binary" }), /a binary message needs "base64"/],
    [line({ kind: "binary", base64: "%%%" }), /"base64" must be base64/],
    [line({ code: -1 }), /"code" must be/],
    [line({ code: 1.5 }), /"code" must be/],
    [line({ reason: {} }), /"reason" must be a text/],
    [line({ detail: [] }), /"detail" must be an object/],
    [line({ detail: { a: { b: 1 } } }), /"detail" may hold/],
    ["", /holds no rows/],
    ["\n \n", /holds no rows/],
    ["[".repeat(100_000), /^line 1 is not JSON/],
  ])("%#: is refused with the line", async (text, message) => {
    await expect(read(text)).rejects.toThrow(message);
  });

  test("bytes that are no text are refused", async () => {
    await expect(importRows(new Blob([Uint8Array.of(0xff, 0xfe, 0, 1)]), "x.ndjson")).rejects.toThrow(/not text in UTF-8/);
  });

  test("a name like __proto__ changes nothing", async () => {
    const [row] = await read(`{"at":${T},"way":"in","kind":"text","text":"x","detail":{"__proto__":"y"},"__proto__":{"code":1}}`);
    expect(Object.keys(row?.detail ?? {})).toEqual(["__proto__"]);
    expect(row?.code).toBeUndefined();
    expect(({} as { y?: string }).y).toBeUndefined();
  });
});

describe("HAR of unknown origin", () => {
  const har = (entries: unknown) => JSON.stringify({ log: { version: "1.2", entries } });
  const messages = (...list: unknown[]) => har([{ request: { url: "wss://x/" }, startedDateTime: "2026-01-02T03:04:05.678Z", _webSocketMessages: list }]);

  test("takes what Chrome writes", () => {
    const rows = fromHar(messages(
      { type: "send", time: 1767323046.123456, opcode: 1, data: "hi" },
      { type: "receive", time: 1767323046.2, opcode: 2, data: "AAH/" },
      { type: "error", time: 1767323046.3, opcode: -1, data: "Connection failed" },
    ));
    expect(rows).toEqual([
      { at: Date.UTC(2026, 0, 2, 3, 4, 5, 678), way: "event", kind: "connecting", text: "Connecting to wss://x/", detail: { url: "wss://x/" } },
      { at: 1767323046123.456, way: "out", kind: "text", text: "hi" },
      { at: 1767323046200, way: "in", kind: "binary", bytes: Uint8Array.of(0, 1, 255) },
      { at: 1767323046300, way: "event", kind: "error", text: "Connection failed" },
    ]);
  });

  test("other entries are left aside; several sockets come in order of time", () => {
    const socket = (time: number) => ({ _webSocketMessages: [{ type: "send", time, opcode: 1, data: String(time) }] });
    expect(fromHar(har([{ request: {} }, null, 5, socket(3), socket(1)])).map((row) => row.text)).toEqual(["1", "3"]);
  });

  test.each([
    ["{", /line 1 is not JSON/],
    ['{"log":\n{"entries":\n[,]}}', /line 3 is not JSON: a value was expected, not ","/],
    ["[]", /not a HAR file/],
    ['{"log":{}}', /not a HAR file/],
    [har([{}]), /no WebSocket messages/],
    [messages({ type: "send", time: 1, opcode: 1, data: "a" }, 7), /^entry 1, message 2: must be an object/],
    [messages({ type: "up", time: 1, opcode: 1, data: "a" }), /"type" must be/],
    [messages({ type: "send", time: "1", opcode: 1, data: "a" }), /"time" must be/],
    [messages({ type: "send", time: 1e300, opcode: 1, data: "a" }), /"time" must be/],
    [messages({ type: "send", time: 1, opcode: 3, data: "a" }), /"opcode" must be/],
    [messages({ type: "send", time: 1, opcode: 2, data: "*" }), /must be base64/],
    [messages({ type: "send", time: 1, opcode: 1, data: {} }), /"data" must be a text/],
    [har([{ _tidewireEvents: [{ way: "event" }] }]), /^entry 1, event 1: "kind"/],
  ])("%#: is refused, and where is said", (text, message) => {
    expect(() => fromHar(text)).toThrow(message);
  });

  test("is HAR 1.2 as the format asks", async () => {
    const file = JSON.parse(await (await written(ROWS, "har")).text()) as { log: { version: string; entries: Record<string, unknown>[] } };
    expect(file.log.version).toBe("1.2");
    expect(file.log.entries.map((entry) => (entry["request"] as { url: string }).url)).toEqual(["wss://example.com/a", "ws://b.example/x"]);
    for (const entry of file.log.entries) {
      expect(Object.keys(entry)).toEqual(expect.arrayContaining(["startedDateTime", "time", "request", "response", "cache", "timings", "_webSocketMessages"]));
    }
    expect(file.log.entries[0]?.["_webSocketMessages"]).toContainEqual({ type: "receive", time: (T + 21) / 1000, opcode: 2, data: "AAH/" });
  });
});

describe("CSV", () => {
  /** Reads CSV by RFC 4180. */
  function parse(text: string): string[][] {
    return text.replace(/^\ufeff/, "").split(/\r\n(?=(?:[^"]*"[^"]*")*[^"]*$)/).filter((line) => line !== "").map((line) =>
      [...line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g)].map(([, quoted, bare]) => quoted?.replaceAll('""', '"') ?? bare ?? ""));
  }

  test("reads back, with a formula made harmless", () => {
    const hostile: NewRow[] = ["=cmd|' /C calc'!A0", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", " =1", "＝1", "|x", 'a"b,c\r\nd', "plain"].map((text) => ({ at: T, way: "in", kind: "text", text }));
    const [heads, ...rows] = parse([...toCsv(rowsOf(hostile))].join(""));
    const place = heads!.indexOf("text");
    expect(rows.map((row) => row[place])).toEqual(["'=cmd|' /C calc'!A0", "'+1", "'-1", "'@SUM(A1)", "'\t=1", "'\r=1", "' =1", "'＝1", "'|x", 'a"b,c\r\nd', "plain"]);
    expect(rows.every((row) => row.length === heads!.length)).toBe(true);
  });

  test("has the meaning of close codes, and binary as base64", () => {
    const csv = [...toCsv(rowsOf(ROWS))].join("");
    expect(csv).toContain(",1006,Abnormal closure,");
    expect(csv).toContain(",binary,3,,AAH/,");
    expect(csv.startsWith("\ufefftime,at,direction")).toBe(true);
  });

  test("cells are quoted where needed only", () => {
    expect([cell("a"), cell("a b"), cell("a,b"), cell(" a"), cell('"')]).toEqual(["a", "a b", '"a,b"', '" a"', '""""']);
  });
});
