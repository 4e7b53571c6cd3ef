// Images are known by their bytes; what claims too much is none.
import { expect, test } from "vitest";
import { attempts, imageOf, typeOf } from "./image.ts";

const bytes = (...parts: (string | number[])[]) => Uint8Array.from(parts.flatMap((part) => (typeof part === "string" ? [...part].map((sign) => sign.charCodeAt(0)) : part)));
const u32 = (n: number) => [n >>> 24, (n >>> 16) & 255, (n >>> 8) & 255, n & 255];
const u16 = (n: number) => [n >> 8, n & 255];
const png = (width: number, height: number) => bytes("\u0089PNG\r\n\u001a\n", u32(13), "IHDR", u32(width), u32(height), [8, 6, 0, 0, 0]);
const frame = (width: number, height: number) => [0xff, 0xc0, ...u16(11), 8, ...u16(height), ...u16(width), 1, 1, 0x11, 0];
const exif = (turn: number) => [0xff, 0xe1, ...u16(34), ...bytes("Exif\0\0MM"), ...u16(42), ...u32(8), ...u16(1), ...u16(0x112), ...u16(3), ...u32(1), ...u16(turn), 0, 0, ...u32(0)];

test("each kind tells its size", () => {
  expect(imageOf(png(640, 480))).toEqual({ type: "image/png", width: 640, height: 480 });
  expect(imageOf(bytes("GIF89a", [10, 0, 20, 0, 0, 0, 0]))).toEqual({ type: "image/gif", width: 10, height: 20 });
  expect(imageOf(bytes([0xff, 0xd8, 0xff, 0xe0, ...u16(4), 0, 0], frame(30, 40)))).toEqual({ type: "image/jpeg", width: 30, height: 40 });
  expect(imageOf(bytes("RIFF", [0, 0, 0, 0], "WEBPVP8 ", [0, 0, 0, 0, 0, 0, 0, 0x9d, 1, 0x2a, 44, 1, 200, 0]))).toEqual({ type: "image/webp", width: 300, height: 200 });
  expect(imageOf(bytes("RIFF", [0, 0, 0, 0], "WEBPVP8L", [0, 0, 0, 0, 0x2f, 9, 0xc0, 4, 0]))).toMatchObject({ width: 10, height: 20 });
  expect(imageOf(bytes("RIFF", [0, 0, 0, 0], "WEBPVP8X", [10, 0, 0, 0, 0, 0, 0, 0, 0x1f, 3, 0, 0x57, 2, 0]))).toMatchObject({ width: 800, height: 600 });
});

test("a picture that lies on its side is told as it is shown", () => {
  expect(imageOf(bytes([0xff, 0xd8], exif(6), frame(30, 40)))).toMatchObject({ width: 40, height: 30 });
  expect(imageOf(bytes([0xff, 0xd8], exif(1), frame(30, 40)))).toMatchObject({ width: 30, height: 40 });
});

test("no image: other bytes, a cut header, no size, far too many pixels", () => {
  for (const other of [bytes(), bytes("<svg xmlns="), bytes("<?xml version"), bytes("%PDF-1.7"), bytes("BM"), bytes("\u0089PNG"), bytes("GIF89a"),
    bytes([0xff, 0xd8, 0xff]), png(0, 5), png(40_000, 40_000), png(16_384, 16_384), png(4_000_000_000, 1), bytes("RIFF____WEBPVP8Z______")]) {
    expect(imageOf(other)).toBeUndefined();
  }
  expect(typeOf(bytes("<svg onload=alert(1)>"))).toBeUndefined();
});

test("bytes in the middle of a buffer are read from where they begin", () => {
  const whole = new Uint8Array(100);
  whole.set(png(3, 4), 7);
  expect(imageOf(whole.subarray(7))).toMatchObject({ width: 3, height: 4 });
});

test("attempts get smaller, keep the shape, and never enlarge", () => {
  const tries = attempts(4000, 1000);
  expect(tries[0]).toEqual({ width: 1600, height: 400, quality: 0.86 });
  for (const { width, height } of tries) {
    expect(width / height).toBeCloseTo(4, 0);
  }
  expect(attempts(50, 20).every(({ width }) => width === 50)).toBe(true);
  expect(attempts(1, 9000).every(({ width }) => width >= 1)).toBe(true);
});
