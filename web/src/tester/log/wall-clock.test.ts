// Rows' times after a sleep, and after the system's clock was set.
import { expect, test } from "vitest";
import { wallClock } from "./wall-clock.ts";

test("runs with the fine clock, and follows the system's when that jumps", () => {
  let fine = 1000.5;
  let system = 1000;
  const now = wallClock(() => fine, () => system);
  expect(now()).toBe(1000.5);
  fine += 10.25;
  system += 10;
  expect(now()).toBe(1010.75);
  // Asleep: the fine clock stood still.
  system += 3_600_000;
  expect(now()).toBe(3_601_010);
  fine += 1.5;
  expect(now()).toBe(3_601_011.5);
  // Set back.
  system = 500;
  expect(now()).toBe(500);
});
