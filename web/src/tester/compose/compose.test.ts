// The composer's logic: variables, building, history, repeating, replaying, snippets.
import { afterEach, describe, expect, test, vi } from "vitest";
import type { Row } from "../model.ts";
import { Recall } from "./history.ts";
import { build } from "./message.ts";
import { Repeater } from "./repeat.ts";
import { planOf } from "./replay.ts";
import { exportText, importText, save, search } from "./snippets.ts";
import { fill, hasVariables, uuid } from "./variables.ts";

const source = { i: 7, now: () => 1234.5, uuid: () => "u-u", random: () => 0.5 };

afterEach(() => void vi.useRealTimers());

describe("variables", () => {
  test("are filled, others are left", () => {
    expect(fill("{{i}} {{ ts }} {{uuid}} {{random}} {{name}} {i} {{I}}", source)).toBe("7 1234 u-u 500000 {{name}} {i} {{I}}");
    expect(hasVariables("a {{i}}")).toBe(true);
    expect(hasVariables("a {{j}}")).toBe(false);
  });
  test("what is filled in is not filled again", () => {
    expect(fill("{{uuid}}", { ...source, uuid: () => "{{i}}$&" })).toBe("{{i}}$&");
  });
  test("a UUID of version 4", () => {
    expect(uuid(new Uint8Array(16).fill(255))).toBe("ffffffff-ffff-4fff-bfff-ffffffffffff");
    expect(uuid()).toMatch(/^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/);
  });
});

describe("building", () => {
  test("text, JSON, bytes", () => {
    expect(build({ kind: "text", text: "a{{i}}" }, source)).toEqual({ ok: true, payload: "a7" });
    expect(build({ kind: "json", text: '{"n": {{i}}}' }, source)).toEqual({ ok: true, payload: '{"n": 7}' });
    expect(build({ kind: "hex", text: "0{{i}}" }, source)).toEqual({ ok: true, payload: Uint8Array.of(7) });
    expect(build({ kind: "base64", text: "AQI=" }, source)).toEqual({ ok: true, payload: Uint8Array.of(1, 2) });
  });
  test("says where the JSON is wrong", () => {
    expect(build({ kind: "json", text: "[1,\n x]" }, source)).toEqual({ ok: false, error: "Line 2, column 2: Expected a value, but here is “x”.", at: 5 });
  });
  test("a file is sent as bytes only", () => {
    const file = { name: "f", bytes: Uint8Array.of(9) };
    expect(build({ kind: "hex", text: "zz", file }, source)).toEqual({ ok: true, payload: file.bytes });
    expect(build({ kind: "text", text: "t", file }, source)).toEqual({ ok: true, payload: "t" });
  });
});

test("history goes back to the draft", () => {
  const recall = new Recall();
  const past = ["a", "b", "c"];
  expect(recall.newer(past)).toBeUndefined();
  expect([recall.older(past, "draft"), recall.older(past, "c"), recall.older(past, "b"), recall.older(past, "a")]).toEqual(["c", "b", "a", undefined]);
  expect([recall.newer(past), recall.newer(past), recall.newer(past), recall.newer(past)]).toEqual(["b", "c", "draft", undefined]);
  // What was just sent is not shown a second time.
  expect(new Recall().older(past, "c")).toBe("b");
});

describe("repeating", () => {
  test("sends so often, so far apart, and then says that it is over", () => {
    vi.useFakeTimers();
    const told: unknown[] = [];
    let sent = 0;
    new Repeater(() => ++sent > 0, (state) => told.push(state)).start(100, 3);
    expect(sent).toBe(1);
    vi.advanceTimersByTime(99);
    expect(sent).toBe(1);
    vi.advanceTimersByTime(1000);
    expect(sent).toBe(3);
    expect(told).toEqual([{ sent: 1, times: 3 }, { sent: 2, times: 3 }, undefined]);
  });

  test("waits while the queue is full, and never too long for a timer", () => {
    vi.useFakeTimers();
    let sent = 0;
    let queued = 100e6;
    const repeater = new Repeater(() => ++sent > 0, () => undefined, () => queued);
    repeater.start(10, 2);
    vi.advanceTimersByTime(500);
    expect(sent).toBe(0);
    queued = 0;
    vi.advanceTimersByTime(100);
    expect(sent).toBe(2);
    repeater.start(1e12, 0);
    vi.advanceTimersByTime(60_000);
    expect(sent).toBe(3);
    repeater.stop();
  });

  test("ends when it cannot send, or is stopped", () => {
    vi.useFakeTimers();
    let sent = 0;
    const repeater = new Repeater(() => ++sent < 3, () => undefined);
    repeater.start(1, 0);
    vi.advanceTimersByTime(100);
    expect(sent).toBe(3);
    repeater.start(50, 0);
    repeater.stop();
    vi.advanceTimersByTime(100);
    expect(sent).toBe(4);
  });
});

test("replays what was sent, with its pauses", () => {
  const row = (at: number, way: Row["way"], text: string): Row => ({ id: at, at, way, kind: "text", text, size: text.length });
  expect(planOf([row(0, "in", "x"), row(1000, "out", "a"), row(1200, "in", "y"), row(1500, "out", "b"), row(999_999, "out", "c"), row(5, "out", "d")]))
    .toEqual([{ wait: 0, payload: "a" }, { wait: 500, payload: "b" }, { wait: 10_000, payload: "c" }, { wait: 0, payload: "d" }]);
});

describe("snippets", () => {
  const all = save(save([], { name: "join", kind: "json", text: '{"op":"join"}' }), { name: "bye", kind: "text", text: "leave now" });
  test("are saved by name, and found by words", () => {
    expect(all.map(({ name }) => name)).toEqual(["bye", "join"]);
    expect(save(all, { name: "bye", kind: "text", text: "new" })).toHaveLength(2);
    expect(search(all, "NOW leave").map(({ name }) => name)).toEqual(["bye"]);
    expect(search(all, "nothing")).toEqual([]);
  });
  test("go through a file", () => {
    expect(importText(exportText(all))).toEqual({ ok: true, snippets: all, left: 0 });
  });
  test("a strange file does no harm", () => {
    expect(importText("{")).toMatchObject({ ok: false });
    expect(importText("null")).toMatchObject({ ok: false });
    expect(importText('{"snippets":[1,null,{"name":"a","kind":"exe","text":""},{"name":"b","kind":"text","text":"<b>","x":1}]}'))
      .toEqual({ ok: true, snippets: [{ name: "b", kind: "text", text: "<b>" }], left: 3 });
  });
});
