// The judge of views must be able to find what is wrong with one.
import { expect, test } from "vitest";
import { type Known, learn, View } from "./view.js";

const CHANNEL = "chat:a";

/** What becomes of a client that was told this, when the log has 1, 2, 4 and 5. */
function judge(told: (view: View) => void, whole = true): number {
  const known: Known = new Map();
  ["t-1", "t-2", "t-4", "t-5"].forEach((pos) => learn(known, CHANNEL, pos, `m${pos}`));
  const view = new View(CHANNEL, whole);
  told(view);
  view.tell(known);
  return view.check(known);
}

const record = (view: View, pos: string): void => view.message(pos, `m${pos}`);

test("a view that is the log passes", () => {
  expect(judge((view) => { view.live("t-1"); record(view, "t-2"); record(view, "t-4"); view.live("t-4"); record(view, "t-5"); })).toBe(3);
  expect(judge((view) => { view.live("t-0"); record(view, "t-1"); view.gap("t-1", "t-4"); record(view, "t-5"); }, false)).toBe(2);
});

test.each<[string, (view: View) => void, boolean?]>([
  ["one is missing", (view) => { view.live("t-1"); record(view, "t-4"); }],
  ["one is missing at the end", (view) => { view.live("t-1"); record(view, "t-2"); view.live("t-4"); }],
  ["one came twice", (view) => { view.live("t-1"); record(view, "t-2"); record(view, "t-2"); }],
  ["one came late", (view) => { view.live("t-1"); record(view, "t-4"); record(view, "t-2"); }],
  ["one is of another life of the channel", (view) => { view.live("t-1"); record(view, "u-2"); }],
  ["one was never published", (view) => { view.live("t-1"); record(view, "t-2"); view.message("t-4", "forged"); }],
  ["something comes before a beginning", (view) => record(view, "t-1")],
  ["live is behind", (view) => { view.live("t-4"); view.live("t-2"); }],
  ["a gap where everything is kept", (view) => { view.live("t-1"); view.gap("t-1", "t-4"); }],
  ["a gap from elsewhere", (view) => { view.live("t-1"); view.gap("t-2", "t-4"); }, false],
  ["a gap to nowhere", (view) => { view.live("t-1"); view.gap("t-1", undefined); }, false],
  ["one is missing after a gap", (view) => { view.live("t-0"); view.gap("t-0", "t-2"); record(view, "t-5"); }, false],
])("%s: found", (_, told, whole) => {
  expect(() => judge(told, whole)).toThrow();
});
