// Emoji are found by name, spelled out, and told from text.
import { expect, test } from "vitest";
import { EMOJI } from "./emoji-names.ts";
import { isOnlyEmoji, search, spelled } from "./emoji.ts";

test("the list is whole: a sign and a code each, none twice", () => {
  expect(EMOJI).toHaveLength(190);
  expect(new Set(EMOJI.map(({ code }) => code)).size).toBe(190);
  expect(new Set(EMOJI.map(({ sign }) => sign)).size).toBe(190);
  for (const { sign, code } of EMOJI) {
    expect(isOnlyEmoji(sign), code).toBe(true);
    expect(code).toMatch(/^[a-z0-9_]+$/);
  }
});

test("search: by beginning of a name first, then inside", () => {
  expect(search("rocket").map(({ sign }) => sign)).toEqual(["🚀"]);
  expect(search("heart")[0]?.sign).toBe("😍");
  expect(search("heart").length).toBeGreaterThan(6);
  expect(search(":thumbs_up:")[0]?.sign).toBe("👍");
  expect(search("")).toHaveLength(190);
  expect(search("qqq")).toEqual([]);
});

test("shortcodes become emoji; times, addresses and unknown words stay", () => {
  expect(spelled("hi :smile: :+1:")).toBe("hi 😄 👍");
  for (const text of ["10:30:45", "a::b", ":nothing:", "http://a:fire://", "x:fire:", "std::fire::x"]) {
    expect(spelled(text)).toBe(text);
  }
});

test("only emoji: flags, skin tones, families, keycaps; no digits, no letters, not too many", () => {
  for (const text of ["👍", "👍🏽", "👨‍👩‍👧", "🇩🇪", "3️⃣", "❤️", "😀 😀\n😀"]) {
    expect(isOnlyEmoji(text), text).toBe(true);
  }
  for (const text of ["", " ", "3", "#", "hi 👍", "©", "😀".repeat(7), "1 2"]) {
    expect(isOnlyEmoji(text), text).toBe(false);
  }
});
