// The points of a sparkline.
import { expect, test } from "vitest";
import { curve } from "./spark-curve.ts";

test("the newest is at the right, the highest at the top, zero at the bottom", () => {
  expect(curve([0, 5, 10], 3)).toBe("0,26 50,14 100,2");
  expect(curve([5, 10], 3)).toBe("50,14 100,2");
  expect(curve([1, 2, 0, 5, 10], 3)).toBe("0,26 50,14 100,2");
  expect(curve([0, 0], 2)).toBe("0,26 100,26");
});

test("one value is no line", () => {
  expect([curve([], 60), curve([3], 60)]).toEqual(["", ""]);
});
