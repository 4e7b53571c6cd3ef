// Every close code has a meaning.
import { expect, test } from "vitest";
import { CLOSE_CODES, closeMeaning } from "./close-codes.ts";

test("the whole registry is there", () => {
  for (let code = 1000; code <= 1015; code += 1) {
    expect(CLOSE_CODES.has(code)).toBe(true);
  }
  expect([...CLOSE_CODES.keys()].filter((code) => code > 1015)).toEqual([3000, 3003, 3008, 4001, 4002, 4003, 4500, 4501]);
});

test("1006 says that no Close frame came, and why that usually is", () => {
  expect(closeMeaning(1006).text).toMatch(/No Close frame came: usually a proxy, TLS, the network or an idle timeout/);
  expect(closeMeaning(1006)).toMatchObject({ clean: false, local: true });
});

test.each([[1000, true], [1001, true], [1005, true], [1006, false], [1011, false], [4000, false]])("%i is clean: %s", (code, clean) => {
  expect(closeMeaning(code).clean).toBe(clean);
});

test.each([
  [0, "Not a close code"], [999, "Not a close code"], [-1, "Not a close code"], [1016, "Reserved"], [2999, "Reserved"],
  [3001, "Library or framework"], [3999, "Library or framework"], [4000, "Application's own"], [4999, "Application's own"],
  [5000, "Not a close code"], [65535, "Not a close code"], [NaN, "Not a close code"],
])("%i: %s", (code, name) => {
  expect(closeMeaning(code).name).toBe(name);
});
