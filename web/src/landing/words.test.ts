// Units of the first page.
import { expect, test } from "vitest";
import { bytes, count, duration, rate, slow, storage, who } from "./words.ts";

test.each([[0, "0 bytes"], [1023, "1023 bytes"], [65_536, "64 KiB"], [262_144, "256 KiB"], [1_572_864, "1.5 MiB"], [2 ** 31, "2 GiB"]])("%i bytes are %s", (value, said) => {
  expect(bytes(value)).toBe(said);
});

test.each([
  [0, "0 seconds"], [-5, "0 seconds"], [999, "0 seconds"], [1000, "1 second"], [61_000, "1 minute 1 second"], [3_600_000, "1 hour"],
  [7_500_000, "2 hours 5 minutes"], [3_601_000, "1 hour"], [2_592_000_000, "30 days"], [90_061_000, "1 day 1 hour"],
])("%i ms are %s", (ms, said) => {
  expect(duration(ms)).toBe(said);
});

test("durations, briefly", () => {
  expect([duration(0, true), duration(61_000, true), duration(7_500_000, true), duration(90_061_000, true)]).toEqual(["0 s", "1 min 1 s", "2 h 5 min", "1 d 1 h"]);
});

test("numbers", () => {
  expect([rate(0), rate(0.5), rate(9.96), rate(12.4), rate(12_345)]).toEqual(["0", "0.5", "10.0", "12", "12,345"]);
  expect(count(1_234_567)).toBe("1,234,567");
});

test("words of the configuration, and those of later versions as they are", () => {
  expect([storage("durable"), storage("memory"), storage("tape")]).toEqual(["on disk", "in memory", "tape"]);
  expect([who("anyone"), who("members"), who("nobody"), who("admins")]).toEqual(["anyone", "those it names", "nobody", "admins"]);
  expect([slow("keep-latest"), slow("new")]).toEqual(["gets the newest alone", "new"]);
});
