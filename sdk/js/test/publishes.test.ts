// What is published: kept once, in order, whatever happens to connections.
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Tidewire } from "../src/index.js";
import { FakeHub } from "./fake-hub.js";
import { pass } from "./tools.js";

const LOBBY = "chat:lobby";
let hub: FakeHub;
let tide: Tidewire;

beforeEach(() => {
  vi.useFakeTimers();
  hub = new FakeHub();
  tide = hub.client({ transports: ["websocket"] });
});

afterEach(async () => {
  await tide.close();
  vi.useRealTimers();
});

/** What is in the log. */
const log = (): unknown[] => hub.entries(LOBBY).map(({ message }) => message["data"]);

/** How it ended: a position, or a code. */
const outcome = (ack: Promise<{ pos?: string }>): Promise<string | undefined> =>
  ack.then(({ pos }) => pos, (error: { code: string }) => error.code);

const refuse = (code: string, times = Infinity, more = {}): void => {
  hub.script = ({ op }) => (op === "publish" && times-- > 0 ? [{ op: "error", code, message: code, ...more }] : undefined);
};

describe("payloads", () => {
  test.each<[string, unknown, object]>([
    ["a string", "hi", { text: "hi" }],
    ["an object", { text: "hi" }, { data: { text: "hi" } }],
    ["a number", 0, { data: 0 }],
    ["null", null, { data: null }],
    ["nothing", undefined, { data: null }],
    ["bytes", new Uint8Array([0, 255, 10]), { base64: "AP8K" }],
    ["a part of bytes", new Uint8Array([9, 0, 255, 10, 9]).subarray(1, 4), { base64: "AP8K" }],
    ["a buffer", new Uint8Array([0, 255, 10]).buffer, { base64: "AP8K" }],
    ["numbers of two bytes", new Uint16Array([1]), { base64: "AQA=" }],
    ["no bytes", new Uint8Array(), { base64: "" }],
  ])("%s", async (_, payload, fields) => {
    void tide.publish("lobby", payload as string);
    await pass();
    expect(hub.asked("publish")).toMatchObject([{ channel: LOBBY, ...fields }]);
  });

  test("what the program changes later is not what it published", async () => {
    const payload = { n: 1 };
    void tide.publish("lobby", payload);
    payload.n = 2;
    await pass();
    expect(log()).toEqual([{ n: 1 }]);
  });

  test("what is no JSON is refused at once", async () => {
    const ring: { self?: unknown } = {};
    ring.self = ring;
    await expect(tide.publish("lobby", ring as never)).rejects.toThrow("circular");
    await expect(tide.publish("lobby", 1n as never)).rejects.toThrow("BigInt");
  });
});

describe("without a connection", () => {
  test("they wait, and go in order", async () => {
    hub.socket = "refused";
    const acks = Promise.all([1, 2, 3].map((n) => tide.publish("lobby", n)));
    await pass(2000);
    hub.socket = "works";
    await pass(5000);
    expect((await acks).map(({ pos }) => pos)).toEqual(["t-1", "t-2", "t-3"]);
    expect(log()).toEqual([1, 2, 3]);
  });

  test("no more wait than were agreed", async () => {
    await tide.close();
    tide = hub.client({ transports: ["websocket"], queue: 2 });
    hub.socket = "refused";
    const outcomes = [1, 2, 3].map((n) => outcome(tide.publish("lobby", n)));
    await pass(2000);
    expect(await outcomes[2]).toBe("queue_full");
    hub.socket = "works";
    await pass(5000);
    expect(await Promise.all(outcomes)).toEqual(["t-1", "t-2", "queue_full"]);
  });

  test("what was given up before is not sent, kept or not", async () => {
    tide.connect();
    await pass();
    const signal = AbortSignal.abort();
    const all = [true, false].map((keep) => outcome(tide.publish("lobby", 1, { keep, signal })));
    await pass();
    expect([await Promise.all(all), hub.asked("publish")]).toEqual([["aborted", "aborted"], []]);
  });

  test("what is not to be kept is refused at once", async () => {
    expect(await outcome(tide.publish("lobby", "typing", { keep: false }))).toBe("offline");
    await pass(5000);
    expect(hub.asked("publish")).toEqual([]);
  });

  test("one that is taken back does not go", async () => {
    hub.socket = "refused";
    const give = new AbortController();
    const outcomes = [
      outcome(tide.publish("lobby", 1)),
      outcome(tide.publish("lobby", 2, { signal: give.signal })),
      outcome(tide.publish("lobby", 3, { signal: AbortSignal.abort() })),
    ];
    await pass();
    give.abort();
    expect(await outcomes[1]).toBe("aborted");
    hub.socket = "works";
    await pass(5000);
    expect([await Promise.all(outcomes), log()]).toEqual([["t-1", "aborted", "aborted"], [1]]);
  });

  test("close() refuses what waits, and says what may have been kept", async () => {
    tide.connect();
    await pass();
    hub.script = ({ op }) => (op === "publish" ? [] : undefined);
    const sent = outcome(tide.publish("lobby", 1));
    await pass();
    hub.socket = "refused";
    hub.drop();
    const waits = outcome(tide.publish("lobby", 2));
    await tide.close();
    expect([await sent, await waits]).toEqual(["unconfirmed", "closed"]);
  });
});

describe("over a connection", () => {
  test("each has a key, and its own if it was given one", async () => {
    const ack = tide.publish("lobby", 1);
    const mine = tide.publish("lobby", 2, { key: "mine" });
    await pass();
    expect((await mine).key).toBe("mine");
    const [first, second] = hub.asked("publish").map(({ key }) => key);
    expect([first, second]).toEqual([(await ack).key, "mine"]);
  });

  test("echo and keep are passed on, and what is not kept has no key", async () => {
    tide.connect();
    await pass();
    const ack = tide.publish("lobby", 1, { keep: false, echo: false });
    await pass();
    expect(await ack).toEqual({});
    expect(hub.asked("publish")).toEqual([{ id: expect.any(Number) as number, op: "publish", channel: LOBBY, data: 1, keep: false, echo: false }]);
  });

  test("what was not answered is repeated under the same key, in order, and is kept once", async () => {
    tide.connect();
    await pass();
    // The first three arrive, and their answers are lost.
    const acks = Promise.all([1, 2, 3].map((n) => tide.publish("lobby", n)));
    await pass(6);
    expect(log()).toEqual([1, 2, 3]);
    hub.drop();
    const more = tide.publish("lobby", 4);
    await pass(2000);
    expect((await acks).map(({ pos }) => pos)).toEqual(["t-1", "t-2", "t-3"]);
    expect((await more).pos).toBe("t-4");
    expect(log()).toEqual([1, 2, 3, 4]);
    const keys = hub.asked("publish").map(({ key }) => key);
    expect(keys.slice(3, 6)).toEqual(keys.slice(0, 3));
  });

  test("what is not to be kept is never repeated", async () => {
    tide.connect();
    await pass();
    const ack = outcome(tide.publish("lobby", "typing", { keep: false }));
    await pass(6);
    hub.drop();
    await pass(2000);
    expect([await ack, hub.asked("publish").length]).toEqual(["unconfirmed", 1]);
  });

  test("few are on the way at once", async () => {
    tide.connect();
    await pass();
    hub.script = ({ op }) => (op === "publish" ? [] : undefined);
    const all = [...Array(100).keys()].map((n) => outcome(tide.publish("lobby", n)));
    await pass();
    expect(hub.asked("publish").length).toBe(16);
    hub.script = () => undefined;
    hub.drop();
    await pass(5000);
    await Promise.all(all);
    expect(log()).toEqual([...Array(100).keys()]);
  });

  test("one that is taken back after it was sent is not repeated", async () => {
    tide.connect();
    await pass();
    hub.script = ({ op }) => (op === "publish" ? [] : undefined);
    const give = new AbortController();
    const ack = outcome(tide.publish("lobby", 1, { signal: give.signal }));
    await pass();
    give.abort();
    hub.drop();
    await pass(2000);
    expect([await ack, hub.asked("publish").length]).toEqual(["aborted", 1]);
  });
});

describe("refusals", () => {
  test.each(["bad_request", "forbidden", "too_large", "unknown_namespace", "bad_channel"])("%s is final", async (code) => {
    refuse(code, 1);
    const [first, second] = [outcome(tide.publish("lobby", 1)), outcome(tide.publish("lobby", 2))];
    await pass();
    expect([await first, await second]).toEqual([code, "t-1"]);
  });

  test("rate_limited: the pause is kept, and the order from there on", async () => {
    refuse("rate_limited", 40, { retry_after_ms: 1000 });
    const all = [...Array(20).keys()].map((n) => outcome(tide.publish("lobby", n)));
    await pass(900);
    expect(hub.asked("publish").length).toBe(16);
    await pass(100_000);
    expect(await Promise.all(all)).toEqual([...Array(20).keys()].map((n) => `t-${n + 1}`));
    expect(log()).toEqual([...Array(20).keys()]);
  });

  test.each(["overloaded", "storage_full"])("%s is repeated for a while, then told", async (code) => {
    refuse(code, 3, { retry_after_ms: 100 });
    const ack = outcome(tide.publish("lobby", 1));
    await pass(10_000);
    expect(await ack).toBe("t-1");
    refuse(code);
    const failed = tide.publish("lobby", 2).catch((error: unknown) => error);
    await pass(200_000);
    expect(await failed).toMatchObject({ code, temporary: true });
  });

  test("unavailable is repeated under its key, and in the end nobody knows", async () => {
    refuse("unavailable", 2);
    const ack = outcome(tide.publish("lobby", 1));
    await pass(10_000);
    expect(await ack).toBe("t-1");
    expect(new Set(hub.asked("publish").map(({ key }) => key)).size).toBe(1);
    refuse("unavailable");
    const unknown = outcome(tide.publish("lobby", 2));
    await pass(200_000);
    expect(await unknown).toBe("unconfirmed");
  });
});

describe("what nobody can confirm", () => {
  /** A publish that was sent, and is not answered. */
  const sent = async (): Promise<{ ack: Promise<string | undefined> }> => {
    tide.connect();
    await pass();
    hub.script = ({ op }) => (op === "publish" ? [] : undefined);
    const ack = outcome(tide.publish("lobby", 1));
    await pass();
    return { ack };
  };

  test("is told when its key may be forgotten, also without a connection", async () => {
    const { ack } = await sent();
    hub.socket = "refused";
    hub.drop();
    await pass(539_000);
    let known = false;
    void ack.then(() => (known = true));
    await pass(500);
    expect(known).toBe(false);
    await pass(1000);
    expect(await ack).toBe("unconfirmed");
  });

  test("is not repeated after a long sleep, whose timers did not run", async () => {
    const { ack } = await sent();
    vi.setSystemTime(Date.now() + 3_600_000);
    hub.script = () => undefined;
    hub.drop();
    await pass(2000);
    expect([await ack, log()]).toEqual(["unconfirmed", []]);
  });

  test("is not repeated as somebody else", async () => {
    const { ack } = await sent();
    tide.on("error", () => {});
    hub.script = () => undefined;
    hub.tokens.clear();
    hub.drop();
    const fresh = outcome(tide.publish("lobby", 2));
    await pass(2000);
    expect([await ack, await fresh, log()]).toEqual(["unconfirmed", "t-1", [2]]);
  });

  test("a refusal that kept nothing begins the clock anew", async () => {
    tide.connect();
    await pass();
    refuse("rate_limited", 1, { retry_after_ms: 530_000 });
    const ack = outcome(tide.publish("lobby", 1));
    await pass(900_000);
    expect(await ack).toBe("t-1");
  });
});
