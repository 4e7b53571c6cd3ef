// Messages go in order, each once, until kept or refused.
import type { Ack, Payload } from "tidewire";
import { expect, test } from "vitest";
import { Outbox, newKey } from "./outbox.ts";
import { Sender } from "./sender.ts";

/** As the client throws it. */
class Refusal extends Error {
  constructor(readonly code: string, message: string, readonly temporary = false, readonly retryAfter?: number) {
    super(message);
  }
}

const nowhere = { get: () => null, set: () => true };

function setUp(answer: (payload: Payload, times: number) => Ack | Refusal) {
  const outbox = new Outbox(nowhere, "a");
  const sent: Payload[] = [];
  const told: string[] = [];
  const world = { isReady: true, wouldBeSeen: false, now: 1_000, pauses: [] as number[] };
  const sender = new Sender({
    outbox,
    async publish(payload) {
      sent.push(payload);
      const result = answer(payload, sent.length);
      if (result instanceof Refusal) {
        throw result;
      }
      return result;
    },
    isReady: () => world.isReady,
    wouldBeSeen: () => world.wouldBeSeen,
    told: (_, progress) => told.push(progress.state + ("why" in progress ? `: ${progress.why}` : "")),
    kept: (_, ack) => told.push(`kept ${ack.pos}`),
    words: { unsure: "unsure", tooLarge: "too large" },
    now: () => world.now,
    pause: async (ms) => void world.pauses.push(ms),
  });
  return { outbox, sender, sent, told, world };
}

test("in order, then nothing waits", async () => {
  const { outbox, sender, sent, told } = setUp((_, n) => ({ pos: `p-${n}` }));
  outbox.add({ key: newKey(), at: 0, text: "a" });
  outbox.add({ key: newKey(), at: 0, image: "AQI=" });
  await Promise.all([sender.flush(), sender.flush()]);
  expect(sent).toEqual([{ text: "a" }, Uint8Array.of(1, 2)]);
  expect(told).toEqual(["sending", "kept p-1", "sending", "kept p-2"]);
  expect(outbox.items).toEqual([]);
});

test("without a connection nothing goes", async () => {
  const { outbox, sender, sent, world } = setUp(() => ({}));
  world.isReady = false;
  outbox.add({ key: "1", at: 0, text: "a" });
  await sender.flush();
  expect(sent).toEqual([]);
});

test("what is refused for now is repeated with its key after the pause", async () => {
  const { outbox, sender, told, world } = setUp((_, n) => (n === 1 ? new Refusal("rate_limited", "slow down", true, 300) : { pos: "p" }));
  outbox.add({ key: "1", at: 0, text: "a" });
  await sender.flush();
  expect(world.pauses).toEqual([300]);
  expect(told).toEqual(["sending", "waiting: slow down", "sending", "kept p"]);
});

test("what is refused for good lets the next go", async () => {
  const { outbox, sender, told } = setUp((_, n) => (n === 1 ? new Refusal("too_large", "payload…") : { pos: "p" }));
  outbox.add({ key: "1", at: 0, text: "a" });
  outbox.add({ key: "2", at: 0, text: "b" });
  await sender.flush();
  expect(told).toEqual(["sending", "failed: too large", "sending", "kept p"]);
  expect(outbox.items).toMatchObject([{ key: "1", failed: "too large" }]);
});

test("what was sent too long ago is not repeated, unless it would have been seen", async () => {
  const stale = setUp(() => ({ pos: "p" }));
  stale.world.now = 10_000_000;
  stale.outbox.add({ key: "1", at: 0, text: "a", tried: 1 });
  await stale.sender.flush();
  expect(stale.sent).toEqual([]);
  expect(stale.told).toEqual(["failed: unsure"]);
  const seen = setUp(() => ({ pos: "p" }));
  seen.world.now = 10_000_000;
  seen.world.wouldBeSeen = true;
  seen.outbox.add({ key: "1", at: 0, text: "a", tried: 1 });
  await seen.sender.flush();
  expect(seen.sent).toHaveLength(1);
});

test("after the end, or when it was deleted meanwhile, nothing is told", async () => {
  const { outbox, sender, told } = setUp(() => {
    outbox.drop("1");
    return new Refusal("forbidden", "no");
  });
  outbox.add({ key: "1", at: 0, text: "a" });
  await sender.flush();
  expect(told).toEqual(["sending"]);
  sender.end();
  outbox.add({ key: "2", at: 0, text: "b" });
  await sender.flush();
  expect(told).toEqual(["sending"]);
});
