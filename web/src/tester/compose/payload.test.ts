// Hex and base64 as people paste them.
import { describe, expect, test } from "vitest";
import { parseBase64, parseHex } from "./payload.ts";
import { bytesText } from "../log/format.ts";
import { hexText } from "../log/hex.ts";
import { base64 } from "../../ui/base64.ts";
import { utf8Length } from "../log/store.ts";

const hello = [0x48, 0x65, 0x6c, 0x6c, 0x6f];

describe("hex", () => {
  test.each([
    ["48656c6c6f", hello],
    ["48 65 6C 6C 6F", hello],
    [" 48:65:6c:6c:6f ", hello],
    ["0x48, 0x65, 0x6c, 0x6c, 0x6f", hello],
    ["\\x48\\x65\\x6c\\x6c\\x6f", hello],
    ["48 65\n6c 6c\r\n6f\n", hello],
    ["00000000  48 65 6c 6c 6f                                    |Hello|", hello],
    ["00000000  48 65 6c 6c\n00000004  6f", hello],
    ["00000000: 4865 6c6c 6f                             Hello", hello],
    ["0000: 48 65 6c\n0003: 6c 6f", hello],
    ["4 8", [4, 8]],
    ["", []],
  ])("%j", (text, bytes) => {
    const parsed = parseHex(text);
    expect(parsed).toMatchObject({ ok: true });
    expect([...(parsed.ok ? parsed.bytes : [])]).toEqual(bytes);
  });

  test.each([["4g", "g"], ["486", "odd"], ["48 65\n6x", "Line 2"], ["48 <b>", "<"]])("%j is told", (text, word) => {
    expect(parseHex(text)).toMatchObject({ ok: false, error: expect.stringContaining(word) as string });
  });

  test("a dump's text column that looks like hex is no byte", () => {
    const parsed = parseHex("00000000  61 62 63 64  |abcd|\n00000004  0a  |.|");
    expect(parsed.ok && hexText(parsed.bytes)).toBe("61 62 63 64 0a");
  });

  test("a plain line of many bytes has no offset", () => {
    const parsed = parseHex("00010203 04050607");
    expect(parsed.ok && hexText(parsed.bytes)).toBe("00 01 02 03 04 05 06 07");
  });
});

describe("base64", () => {
  test.each([["SGVsbG8=", hello], ["SGVsbG8", hello], ["SGVs\nbG8=\n", hello], ["data:text/plain;base64,SGVsbG8=", hello], ["-_8=", [0xfb, 0xff]], ["", []]])("%j", (text, bytes) => {
    const parsed = parseBase64(text);
    expect([...(parsed.ok ? parsed.bytes : [-1])]).toEqual(bytes);
  });
  test.each(["SGVsbG8*", "S", "SGVsb", "é", "=SGV"])("%j is told", (text) => {
    expect(parseBase64(text)).toMatchObject({ ok: false });
  });
  test("round trip of every byte, and of more than one call's worth", () => {
    const all = Uint8Array.from({ length: 100_000 }, (_, index) => index & 255);
    const parsed = parseBase64(base64(all));
    expect(parsed.ok && hexText(parsed.bytes)).toBe(hexText(all));
  });
});

test("sizes", () => {
  expect([0, 1, 1023, 1024, 10_240, 1_048_576].map(bytesText)).toEqual(["0 B", "1 B", "1023 B", "1.0 KiB", "10 KiB", "1.0 MiB"]);
  expect(utf8Length("é\u{1f600}")).toBe(6);
});
