// Few messages are all said; of a flood a sum, now and then.
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Speech } from "./speech.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test("a few are said, each", () => {
  const speech = new Speech<number>(() => undefined);
  vi.advanceTimersByTime(10_000);
  for (let n = 0; n < 20; n += 1) {
    speech.add(n);
    expect(speech.said.at(-1)).toBe(n);
    vi.advanceTimersByTime(1_500);
  }
  expect([speech.said.length, speech.more]).toEqual([5, 0]);
});

test("of a flood the first are said, and later how many more there were", () => {
  let told = 0;
  const speech = new Speech<number>(() => (told += 1));
  vi.advanceTimersByTime(10_000);
  for (let n = 0; n < 1_000; n += 1) {
    speech.add(n);
    vi.advanceTimersByTime(5);
  }
  vi.advanceTimersByTime(5_000);
  expect(speech.said).toEqual([0, 1, 2, 3, 4]);
  expect(told).toBeLessThan(4);
  expect(speech.more).toBeGreaterThan(100);
  vi.advanceTimersByTime(5_000);
  speech.add(1_000);
  expect([speech.said.at(-1), speech.more]).toEqual([1_000, 0]);
  speech.end();
});
