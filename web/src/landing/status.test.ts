// The hub's state: what is read of an answer, and the rates between two.
import { expect, test } from "vitest";
import { KEPT, type Numbers, type Rates, type Status, asStatus, rates } from "./status.ts";
import { FIRST, ask, next } from "./use-status.ts";

const NUMBERS: Numbers = { connections: 3, sessions: 2, websocket: 1, sse: 1, poll: 0, channels: 4, subscriptions: 5, published: 100, delivered: 400 };
const status = (now: number, numbers: Partial<Numbers> | null, started = 1000): Status => ({
  version: "0.1.0", started, now, development: true, tls: false, listening: [], namespaces: [], numbers: numbers === null ? null : { ...NUMBERS, ...numbers },
});
const NONE: Rates = { in: [], out: [] };

test("what is missing is empty; what is no status is none", () => {
  expect(asStatus({ version: "9", started: 5, numbers: { connections: "many" }, namespaces: [{ name: "chat" }, 7], listening: ["a", 1] })).toMatchObject({
    version: "9", now: 0, development: false, listening: ["a"], namespaces: [{ name: "chat", storage: "", max_message: 0 }], numbers: { connections: 0 },
  });
  expect([null, [], "x", {}, { version: 1, started: 1 }].map(asStatus)).toEqual([undefined, undefined, undefined, undefined, undefined]);
  expect(asStatus({ version: "9", started: 5, numbers: null })?.numbers).toBeNull();
});

test("rates are by the hub's clock", () => {
  expect(rates(NONE, status(2000, {}), status(6000, { published: 110, delivered: 440 }))).toEqual({ in: [2.5], out: [10] });
});

test("no rate from the first answer, without numbers, without time, or across a restart", () => {
  const before = { in: [1], out: [2] };
  expect(rates(before, undefined, status(2000, {}))).toBe(before);
  expect(rates(before, status(2000, {}), status(4000, null))).toBe(before);
  expect(rates(before, status(2000, {}), status(2000, {}))).toBe(before);
  expect(rates(before, status(2000, {}), status(4000, { published: 1 }, 3000))).toBe(before);
});

test("the newest two minutes are kept", () => {
  const many = { in: Array.from({ length: KEPT }, (_, at) => at), out: [] };
  const after = rates(many, status(2000, {}), status(3000, { published: 107 }));
  expect(after.in).toHaveLength(KEPT);
  expect([after.in[0], after.in.at(-1)]).toEqual([1, 7]);
});

test("a failure keeps the last answer, and the next answer ends it", () => {
  const known = next(FIRST, { status: status(2000, {}) });
  const failed = next(known, { problem: "no" });
  expect(failed).toEqual({ ...known, problem: "no" });
  expect(next(failed, { status: status(4000, {}) }).problem).toBeUndefined();
});

test("answers that are none say why", async () => {
  const answering = (answer: Response | Error) => ask((async () => {
    if (answer instanceof Error) {
      throw answer;
    }
    return answer;
  }) as typeof fetch);
  expect(await answering(new Response("", { status: 404 }))).toEqual({ problem: "This hub is of a version that does not tell its state." });
  expect(await answering(new Response("", { status: 403 }))).toEqual({ problem: "The hub does not tell its state here (HTTP 403)." });
  expect(await answering(new Response("<html>"))).toEqual({ problem: "The hub does not answer right now." });
  expect(await answering(new Response("{}"))).toEqual({ problem: "The hub's answer is not understood by this page." });
  expect(await answering(new TypeError("failed"))).toEqual({ problem: "The hub does not answer right now." });
  expect(await answering(Response.json(status(1, null)))).toMatchObject({ status: { version: "0.1.0", numbers: null } });
});
