// Each kind of publication is told for what it is.
import { expect, test } from "vitest";
import { contentOf, shortOf, sizeText, typingOf } from "./content.ts";

test("text of plain clients, {text}, {user,content}", () => {
  expect(contentOf({ text: "hi" })).toEqual({ kind: "text", text: "hi" });
  expect(contentOf({ data: { text: "hi" } })).toEqual({ kind: "text", text: "hi" });
  expect(contentOf({ data: { user: "Ann", content: "hi" } })).toEqual({ kind: "text", text: "hi", claim: "Ann" });
  expect(contentOf({ data: { user: "\u202eAnn", content: "hi" } })).toEqual({ kind: "text", text: "hi", claim: "Ann" });
  expect(contentOf({ data: { user: 5, content: "hi" } })).toEqual({ kind: "text", text: "hi" });
  expect(contentOf({ text: "{\"text\":\"hi\"}" })).toEqual({ kind: "text", text: "{\"text\":\"hi\"}" });
});

test("other JSON is a line, cut when long", () => {
  expect(contentOf({ data: { a: [1, null] } })).toEqual({ kind: "json", json: "{\"a\":[1,null]}", size: 14 });
  expect(contentOf({ data: "hi" })).toEqual({ kind: "json", json: "\"hi\"", size: 4 });
  expect(contentOf({ data: null })).toEqual({ kind: "json", json: "null", size: 4 });
  expect(contentOf({ data: { text: 5 } })).toMatchObject({ kind: "json" });
  const long = contentOf({ data: "x".repeat(900) });
  expect(long).toMatchObject({ kind: "json", size: 902 });
  expect(long.kind === "json" && long.json.length).toBe(501);
});

test("removed, empty, bytes, an image", () => {
  expect(contentOf({ redacted: true, text: "still here?" })).toEqual({ kind: "removed" });
  expect(contentOf({})).toEqual({ kind: "empty" });
  expect(contentOf({ text: " \n" })).toEqual({ kind: "empty" });
  expect(contentOf({ bytes: Uint8Array.of(1, 2, 3) })).toMatchObject({ kind: "bytes", blob: { size: 3, type: "application/octet-stream" } });
  const gif = Uint8Array.from([..."GIF89a"].map((sign) => sign.charCodeAt(0)).concat([1, 0, 1, 0, 0, 0, 0]));
  expect(contentOf({ bytes: gif })).toMatchObject({ kind: "image", info: { width: 1, height: 1 }, blob: { type: "image/gif" } });
  expect(contentOf({ bytes: new TextEncoder().encode("<svg onload=alert(1)>") })).toMatchObject({ kind: "bytes" });
});

test("typing is what is not kept and says so", () => {
  expect(typingOf({ data: { typing: true } })).toBe(true);
  expect(typingOf({ data: { typing: false } })).toBe(false);
  expect(typingOf({ pos: "a-1", data: { typing: true } })).toBeUndefined();
  expect(typingOf({ data: { text: "x" } })).toBeUndefined();
  expect(typingOf({ data: ["typing"] })).toBeUndefined();
});

test("long texts are cut at a line or a letter", () => {
  expect(shortOf("short")).toBeUndefined();
  expect(shortOf("a\n".repeat(40))?.split("\n")).toHaveLength(14);
  expect(shortOf("x".repeat(1_500))).toBeUndefined();
  expect(shortOf("x".repeat(5_000))).toHaveLength(1_400);
  expect(shortOf(`x${"😀".repeat(3_000)}`)?.endsWith("😀")).toBe(true);
});

test("sizes", () => {
  expect(sizeText(5, "en")).toBe("5 B");
  expect(sizeText(184_320, "en")).toBe("180 KiB");
  expect(sizeText(1_600, "de")).toBe("1,6 KiB");
  expect(sizeText(3 << 20, "en")).toBe("3 MiB");
});
