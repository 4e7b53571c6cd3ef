// JSON: the same verdict as the engine's own parser, places that can be found, nothing lost.
import { describe, expect, test } from "vitest";
import { checkJson, minify, prettify } from "./json.ts";

const GOOD = ["1", "-0.5e+10", '"a\\u00e9\\n"', "[]", "{}", " [1 , 2,{\"a\":null}] ", "true", '{"a":{"b":[1,[2]]}}', "[{},[]]"];
const BAD = ["", " ", "{", "[1,]", '{"a":1,}', "{a:1}", "'a'", "01", "1.", ".5", "+1", "nul", "truex", '"\\x"', '"a\nb"', "[1 2]", "1 2", '{"a" 1}', '"', "NaN", "[,1]", "\u00a01", "1e", "--1"];

test.each(GOOD)("%j is JSON, and stays the same value", (text) => {
  for (const laid of [prettify(text), minify(text)]) {
    expect(laid.ok && JSON.parse(laid.text)).toEqual(JSON.parse(text));
  }
});

test.each(BAD)("%j is not", (text) => {
  expect(() => JSON.parse(text) as unknown).toThrow();
  expect(checkJson(text).ok).toBe(false);
});

test("numbers and escapes stay as they were written", () => {
  const text = '{"big":12345678901234567890,"e":1.50E+2,"s":"\\u0041","a":1,"a":2}';
  expect(minify(text)).toEqual({ ok: true, text });
});

test("lays out as people expect", () => {
  expect(prettify('{"a":[1,{}],"b":[]}')).toEqual({ ok: true, text: '{\n  "a": [\n    1,\n    {}\n  ],\n  "b": []\n}' });
});

describe("places", () => {
  test.each([
    ['{\n  "a": 1,\n  b: 2\n}', 3, 3],
    ["[1, x]", 1, 5],
    ['{"\u{1f600}": x}', 1, 7],
    ["[1,\n2", 2, 2],
  ])("%j", (text, line, column) => {
    expect(checkJson(text)).toMatchObject({ ok: false, line, column });
  });
});

test("a hundred thousand brackets are refused, not followed", () => {
  expect(checkJson("[".repeat(100_000))).toMatchObject({ ok: false });
});
