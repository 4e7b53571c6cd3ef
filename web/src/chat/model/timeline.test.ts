// The list of a room: each message once, in order, whatever way it comes.
import type { Message } from "tidewire";
import { expect, test } from "vitest";
import { Timeline } from "./timeline.ts";

const message = (n: number, more: Partial<Message> = {}): Message => ({ channel: "chat:a", pos: `p-${n}`, at: 1_000 * n, from: { client: "c" }, text: `m${n}`, ...more });
const shown = (timeline: Timeline) => [
  ...timeline.entries.map((entry) => (entry.kind === "message" ? (entry.content.kind === "text" ? entry.content.text : entry.content.kind) : entry.kind)),
  ...timeline.pending.map(({ content, progress }) => `${content.kind === "text" ? content.text : content.kind} ${progress.state}`),
];
const text = (words: string) => ({ kind: "text", text: words }) as const;

test("each position once, at the end and at the top", () => {
  const timeline = new Timeline();
  expect(timeline.add(message(3))).toBeDefined();
  expect(timeline.add(message(3))).toBeUndefined();
  expect(timeline.prepend([message(1), message(2), message(3)])).toBe(2);
  expect(shown(timeline)).toEqual(["m1", "m2", "m3"]);
  expect([timeline.oldest, timeline.newest]).toEqual(["p-1", "p-3"]);
});

test("what has no position is shown each time it comes", () => {
  const timeline = new Timeline();
  const { pos: _, ...passing } = message(1);
  timeline.add(passing);
  timeline.add(passing);
  expect(shown(timeline)).toEqual(["m1", "m1"]);
  expect(timeline.oldest).toBeUndefined();
});

test("an own message: pending, then its echo, then its answer", () => {
  const timeline = new Timeline();
  timeline.send("k1", text("hi"), 5);
  expect(shown(timeline)).toEqual(["hi sending"]);
  const id = timeline.pending[0]?.id;
  timeline.add(message(1, { key: "k1", text: "hi" }));
  expect(shown(timeline)).toEqual(["hi"]);
  expect(timeline.entries[0]).toMatchObject({ id, isSent: true, pos: "p-1" });
  timeline.confirm("k1", "p-1");
  expect(shown(timeline)).toEqual(["hi"]);
});

test("the answer before the echo, and an echo without the key", () => {
  const timeline = new Timeline();
  timeline.send("k1", text("hi"), 5);
  timeline.confirm("k1", "p-1");
  expect(shown(timeline)).toEqual(["hi kept"]);
  timeline.add(message(1, { text: "hi" }));
  expect(shown(timeline)).toEqual(["hi"]);
});

test("sent again after a reload, and it had been kept: shown once", () => {
  const timeline = new Timeline();
  timeline.send("k1", text("hi"), 5);
  timeline.add(message(1, { text: "hi" }));
  timeline.confirm("k1", "p-1");
  expect(shown(timeline)).toEqual(["hi"]);
});

test("failed, again, deleted", () => {
  const timeline = new Timeline();
  timeline.send("k1", text("a"), 5);
  timeline.send("k2", text("b"), 6);
  timeline.tell("k1", { state: "failed", why: "no" });
  expect(shown(timeline)).toEqual(["a failed", "b sending"]);
  timeline.tell("k1", { state: "sending" });
  timeline.drop("k2");
  expect(shown(timeline)).toEqual(["a sending"]);
});

test("a gap stays where it is; what is read goes to its place", () => {
  const timeline = new Timeline();
  timeline.add(message(1));
  const gap = timeline.gap(1)!;
  timeline.add(message(9));
  timeline.fill(gap, [message(7), message(8), message(9)], false);
  expect(shown(timeline)).toEqual(["m1", "gap", "m7", "m8", "m9"]);
});

test("a gap that turns out to be none goes", () => {
  const timeline = new Timeline();
  expect(timeline.gap(0)).toBeUndefined();
  timeline.add(message(1));
  const gap = timeline.gap(1)!;
  expect(timeline.gap(1)).toBe(gap);
  timeline.fill(gap, [message(1), message(2)], false);
  expect(shown(timeline)).toEqual(["m1", "m2"]);
  const other = timeline.gap(1)!;
  timeline.fill(other, [], true);
  expect(shown(timeline)).toEqual(["m1", "m2"]);
});

test("an own message that comes with what was read about a gap is not shown twice", () => {
  const timeline = new Timeline();
  timeline.add(message(1));
  timeline.send("k", text("mine"), 2);
  timeline.confirm("k", "p-2");
  timeline.fill(timeline.gap(2)!, [message(2, { text: "mine" })], true);
  expect(shown(timeline)).toEqual(["m1", "mine"]);
});

test("the oldest are let go in steps, and may come again", () => {
  const timeline = new Timeline();
  for (let n = 0; n < 1_500; n += 1) {
    timeline.add(message(n));
  }
  expect(timeline.trim(true)).toBe(false);
  timeline.add(message(1_500));
  expect(timeline.trim(false)).toBe(false);
  expect(timeline.trim(true)).toBe(true);
  expect(timeline.entries).toHaveLength(1_000);
  expect(timeline.oldest).toBe("p-501");
  expect(timeline.prepend([message(499), message(500)])).toBe(2);
});

test("while somebody reads further up more is held, but not without end", () => {
  const timeline = new Timeline();
  for (let n = 0; n < 60_000; n += 500) {
    timeline.prepend(Array.from({ length: 500 }, (_, i) => message(n + i)));
    timeline.trim(false);
  }
  expect(timeline.entries.length).toBeLessThanOrEqual(20_500);
  expect(timeline.heldFrom("of long ago")).toBe(timeline.entries[0]!.id);
  expect(timeline.heldFrom(timeline.entries[7]!.id)).toBe(timeline.entries[7]!.id);
});

test("a time that no calendar knows does no harm", () => {
  const timeline = new Timeline();
  for (const [n, at] of [NaN, Infinity, -1e300, 8.7e15].entries()) {
    expect(timeline.add({ ...message(n), at })?.at).toBe(0);
  }
});

test("where the device's clock is off, what is sent has the hub's time", () => {
  const timeline = new Timeline();
  const now = Date.now();
  const sent = () => {
    timeline.send("k", { kind: "text", text: "x" }, now);
    const { at } = timeline.pending.at(-1)!;
    timeline.drop("k");
    return Math.round((at - now) / 60_000);
  };
  timeline.add({ ...message(1), at: now - 3_600_000 });
  expect(sent()).toBe(0); // an old message
  timeline.add({ ...message(2), at: now + 3_600_000 });
  expect(sent()).toBe(60);
  timeline.send("own", { kind: "text", text: "x" }, now);
  timeline.add({ ...message(3), at: now - 7_200_000, key: "own" });
  expect(sent()).toBe(-120);
});
