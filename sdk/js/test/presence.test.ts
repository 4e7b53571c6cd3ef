// Who is here: a list that joins and leaves keep right, and that is read again where one was missed.
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Wire } from "../src/codec.js";
import type { Member, Presence, Tidewire } from "../src/index.js";
import { FakeHub } from "./fake-hub.js";
import { pass, record } from "./tools.js";

const LOBBY = "chat:lobby";
let hub: FakeHub;
let tide: Tidewire;
let presence: Presence;

beforeEach(() => {
  vi.useFakeTimers();
  hub = new FakeHub();
  tide = hub.client({ transports: ["websocket"] });
  presence = tide.channel("lobby").presence;
  hub.rooms.set(LOBBY, { v: 5, members: [{ session: "a", name: "Ann" }] });
});

afterEach(async () => {
  await tide.close();
  vi.useRealTimers();
});

const change = (op: string, v: number, session: string): void => hub.line.say({ op, channel: LOBBY, v, session, name: session.toUpperCase(), sessions: 1 });
const sessions = (members: readonly Member[] = presence.members): string => members.map(({ session }) => session).join("");
const told = (all: unknown[][]): string[] =>
  all.map(([event, ...rest]) => `${String(event)} ${event === "sync" ? "" : (rest[0] as Member).session}→${sessions(rest.at(-1) as Member[])}`);

test("the first listener subscribes with joins and leaves, and reads the list", async () => {
  const all = record(presence, "sync", "join", "leave");
  await pass();
  change("join", 6, "b");
  change("leave", 7, "a");
  await pass();
  expect(hub.asked("subscribe")).toMatchObject([{ channel: LOBBY, presence: true }]);
  expect(told(all)).toEqual(["sync →a", "join b→ab", "leave a→b"]);
  expect(presence.members).toEqual([{ session: "b", name: "B" }]);
});

test.each(["websocket", "sse", "poll"] as const)("who listens later, in a channel that is live over %s, gets the list", async (way) => {
  const late = hub.client({ transports: [way] });
  const room = late.channel("lobby").subscribe();
  await pass(100);
  expect(room.state).toBe("live");
  const all = record(room.presence, "sync");
  await pass(1500);
  expect(told(all)[0]).toBe("sync →a");
  await late.close();
});

test("a stream that was opened again reads the list again", async () => {
  const late = hub.client({ transports: ["sse"] });
  const all = record(late.channel("lobby").presence, "sync");
  await pass(6000);
  hub.rooms.set(LOBBY, { v: 6, members: [{ session: "a" }, { session: "b" }] });
  hub.drop();
  await pass(200);
  expect(told(all).at(-1)).toBe("sync →ab");
  await late.close();
});

test("get() reads once, and subscribes to nothing", async () => {
  const members = presence.get();
  await pass();
  expect([await members, hub.asked("subscribe")]).toEqual([[{ session: "a", name: "Ann" }], []]);
});

test("a change that was missed: the list is read again", async () => {
  const all = record(presence, "sync", "join", "leave");
  await pass();
  hub.rooms.set(LOBBY, { v: 8, members: [{ session: "c" }] });
  change("leave", 8, "a");
  await pass();
  change("join", 9, "d");
  await pass();
  expect(told(all)).toEqual(["sync →a", "sync →c", "join d→cd"]);
});

test("changes that come while the list is read are taken in if they are newer than it", async () => {
  const all = record(presence, "sync", "join", "leave");
  await pass(16);
  // The list of version 5 is under way, or about to be.
  change("join", 5, "x");
  change("join", 6, "b");
  await pass();
  expect(sessions()).toBe("ab");
  expect(told(all)[0]).toMatch(/^sync/);
});

test("a change that is there twice, or old, changes nothing", async () => {
  const all = record(presence, "sync", "join", "leave");
  await pass();
  change("join", 6, "b");
  change("join", 6, "b");
  change("leave", 3, "a");
  await pass();
  expect(told(all)).toEqual(["sync →a", "join b→ab"]);
});

test("a long list is read page by page", async () => {
  const everybody = [...Array(5).keys()].map((n) => ({ session: `s${n}` }));
  hub.script = ({ op, after }) => {
    if (op !== "presence") {
      return undefined;
    }
    const at = everybody.findIndex(({ session }) => session === after) + 1;
    return [{ op: "ok", channel: LOBBY, v: 9, total: 5, more: at + 2 < 5, members: everybody.slice(at, at + 2) }];
  };
  const members = presence.get();
  await pass();
  expect((await members).map(({ session }) => session)).toEqual(["s0", "s1", "s2", "s3", "s4"]);
  expect(hub.asked("presence").map(({ after }) => after)).toEqual([undefined, "s1", "s3"]);
});

test("a long list that changes is begun again, but not without end", async () => {
  let v = 0;
  hub.script = ({ op, after }) => (op === "presence" ? [{ op: "ok", channel: LOBBY, v: ++v, total: 2, more: !after, members: [{ session: after ? "b" : "a" }] }] : undefined);
  const members = presence.get();
  await pass(500);
  expect(sessions(await members)).toBe("ab");
  expect(hub.asked("presence").length).toBe(8);
});

test("a list that never ends ends", async () => {
  hub.script = ({ op }) => (op === "presence" ? [{ op: "ok", channel: LOBBY, v: 1, more: true, members: [{ session: "a" }] }] : undefined);
  const members = presence.get();
  await pass(500);
  expect(sessions(await members)).toBe("a");
});

test("after a break it is read anew, whatever its version", async () => {
  const all = record(presence, "sync", "join", "leave");
  await pass();
  hub.rooms.set(LOBBY, { v: 1, members: [{ session: "z" }] });
  hub.drop();
  await pass(2000);
  change("join", 2, "y");
  await pass();
  expect(told(all)).toEqual(["sync →a", "sync →z", "join y→zy"]);
});

test("what is no change is ignored", async () => {
  const all = record(presence, "sync", "join", "leave");
  await pass();
  for (const wrong of [{ v: "6" }, { v: 6 }, { session: "b" }, { v: 6, session: 1 }] as Wire[]) {
    hub.line.say({ op: "join", channel: LOBBY, ...wrong });
  }
  await pass();
  expect(told(all)).toEqual(["sync →a"]);
});

test("a list that a busy hub does not give is asked for again, as long as it is wanted", async () => {
  const all = record(presence, "sync");
  let busy = 3;
  hub.script = ({ op }) => (op === "presence" && busy-- > 0 ? [{ op: "error", code: "overloaded", message: "busy" }] : undefined);
  await pass(10_000);
  expect(told(all)).toEqual(["sync →a"]);
  busy = Infinity;
  change("join", 9, "z");
  await pass(2000);
  tide.channel("lobby").unsubscribe();
  await pass();
  const asked = hub.asked("presence").length;
  await pass(10_000);
  expect(hub.asked("presence").length).toBe(asked);
});

test("a list that may not be read is an error of the channel", async () => {
  hub.script = ({ op }) => (op === "presence" ? [{ op: "error", code: "forbidden", message: "no" }] : undefined);
  const errors = record(tide.channel("lobby"), "error");
  presence.on("sync", () => {});
  await pass();
  expect(errors.length).toBe(1);
  const refused = presence.get().catch((error: { code: string }) => error.code);
  await pass();
  expect(await refused).toBe("forbidden");
});
