// A small room is told at once; a crowd is counted now and then.
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { en } from "../texts/en.ts";
import { Crowd } from "./crowd.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const members = (from: number, to: number) => Array.from({ length: to - from }, (_, n) => ({ session: `s${from + n}`, client: `c${from + n}`, name: `Name ${from + n}` }));

test("in a small room each who comes and goes is told, but not oneself", () => {
  const told: unknown[] = [];
  const crowd = new Crowd(() => en, (changes) => told.push(...changes), () => new Set(["c0"]));
  crowd.are(members(0, 2));
  crowd.are(members(0, 3));
  crowd.are(members(1, 3));
  expect(told).toEqual([{ kind: "joined", name: "Name 2" }]);
  expect(crowd.people.map(({ person }) => person)).toEqual(["c1", "c2"]);
});

test("5,000 who come and go are counted once a second, and not told", () => {
  let counted = 0;
  const crowd = new Crowd(() => en, (changes) => {
    counted += 1;
    expect(changes).toEqual([]);
  }, () => new Set());
  for (let n = 0; n < 500; n += 1) {
    crowd.are(members(n, 5_000 + n));
    vi.advanceTimersByTime(4);
  }
  vi.advanceTimersByTime(1_000);
  expect(counted).toBeLessThanOrEqual(4);
  expect(crowd.people.length).toBe(5_000);
  expect(crowd.people.some(({ person }) => person === "c5498")).toBe(true);
  crowd.end();
});
