// Typing is told now and then, and forgotten by itself.
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Typing } from "./typing.ts";

beforeEach(() => void vi.useFakeTimers({ now: 1_000_000 }));
afterEach(() => void vi.useRealTimers());

test("told at the first letter, then every 2.5 seconds, and when the field is empty", () => {
  const told: boolean[] = [];
  const typing = new Typing((is) => told.push(is), () => {});
  typing.typed(false);
  typing.typed(true);
  typing.typed(true);
  vi.advanceTimersByTime(2_600);
  typing.typed(true);
  typing.typed(false);
  typing.typed(false);
  expect(told).toEqual([true, true, false]);
  typing.typed(true);
  typing.sent();
  typing.typed(true);
  expect(told).toEqual([true, true, false, true, true]);
});

test("who writes is shown for five seconds after the last sign", () => {
  let count = 0;
  const typing = new Typing(() => {}, () => (count += 1));
  typing.heard("a", "Ann", true);
  typing.heard("b", "Bob", true);
  vi.advanceTimersByTime(4_000);
  typing.heard("a", "Ann", true);
  vi.advanceTimersByTime(2_000);
  expect(typing.names).toEqual(["Ann"]);
  typing.heard("a", "", false);
  typing.heard("c", "", false);
  expect(typing.names).toEqual([]);
  expect(count).toBe(5);
  typing.heard("a", "Ann", true);
  typing.end();
  expect(typing.names).toEqual([]);
});
