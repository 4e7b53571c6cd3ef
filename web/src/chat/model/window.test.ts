// The piece of the list in the document is bounded, and gets everywhere.
import { expect, test } from "vitest";
import { MOST, atEnd, downwards, moved, upwards } from "./window.ts";

test("from the end to the top and back, never more than the most", () => {
  let piece = atEnd(10_000);
  expect(piece.end).toBe(10_000);
  let steps = 0;
  while (piece.start > 0) {
    piece = upwards(piece);
    expect(piece.end - piece.start).toBeLessThanOrEqual(MOST);
    steps += 1;
  }
  expect(steps).toBeLessThan(130);
  while (piece.end < 10_000) {
    piece = downwards(piece, 10_000);
    expect(piece.end - piece.start).toBeLessThanOrEqual(MOST);
  }
});

test("the piece at the end moves in steps", () => {
  expect(atEnd(30)).toEqual({ start: 0, end: 30 });
  const starts = new Set(Array.from({ length: 400 }, (_, n) => atEnd(n).start));
  expect([...starts]).toEqual([0, 80, 160]);
});

test("older rows above: the same rows stay; newer below: they come in while there is room", () => {
  expect(moved({ start: 0, end: 100 }, 50, 100, 150)).toEqual({ start: 50, end: 150 });
  expect(moved({ start: 0, end: 100 }, 0, 100, 101)).toEqual({ start: 0, end: 101 });
  expect(moved({ start: 0, end: MOST }, 0, MOST, MOST + 5)).toEqual({ start: 0, end: MOST });
  expect(moved({ start: 100, end: 200 }, 0, 400, 405)).toEqual({ start: 100, end: 200 });
  expect(moved({ start: 100, end: 200 }, -500, 900, 400)).toEqual({ start: 0, end: 0 });
});
