// A channel: where the program is in it, and that nothing is lost and nothing comes twice.
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Wire } from "../src/codec.js";
import type { Channel, Tidewire } from "../src/index.js";
import { FakeHub } from "./fake-hub.js";
import { pass, record } from "./tools.js";

const LOBBY = "chat:lobby";
let hub: FakeHub;
let tide: Tidewire;
let room: Channel;

beforeEach(() => {
  vi.useFakeTimers();
  hub = new FakeHub();
  tide = hub.client({ transports: ["websocket"] });
  room = tide.channel("lobby");
});

afterEach(async () => {
  await tide.close();
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const hear = (): unknown[] => {
  const said: unknown[] = [];
  room.on("message", ({ data }) => said.push(data));
  return said;
};

const say = (object: Wire): void => hub.line.say({ channel: LOBBY, ...object });

describe("names", () => {
  test("a name without a colon is of the namespace chat, and one name is one object", () => {
    expect(room.name).toBe("chat:lobby");
    expect(tide.channel("chat:lobby")).toBe(room);
    expect(tide.channel("live:x").name).toBe("live:x");
  });
});

describe("subscribing", () => {
  test("the first listener of messages subscribes", async () => {
    room.on("gap", () => {});
    await pass();
    expect(room.state).toBe("idle");
    const told = record(room, "state", "live");
    hear();
    await pass();
    expect(told).toEqual([["state", "subscribing"], ["state", "live"], ["live", "t-0"]]);
  });

  test("what the program keeps is where it goes on", async () => {
    ["a", "b", "c"].forEach((data) => hub.say(LOBBY, data));
    tide.channel("lobby", { since: "t-1" });
    const said = hear();
    await pass();
    expect([said, room.pos, room.state]).toEqual([["b", "c"], "t-3", "live"]);
  });

  test("the newest come first, if they are asked for", async () => {
    ["a", "b", "c"].forEach((data) => hub.say(LOBBY, data));
    tide.channel("lobby", { history: 2 });
    const said = hear();
    await pass();
    expect([said, room.pos, room.state]).toEqual([["b", "c"], "t-3", "live"]);
  });

  test("a connection that is lost before the newest came asks for them again", async () => {
    ["a", "b", "c"].forEach((data) => hub.say(LOBBY, data));
    tide.channel("lobby", { history: 2 });
    hub.script = ({ op }) => (op === "subscribe" ? [{ op: "ok", channel: LOBBY, pos: "t-3" }] : undefined);
    const said = hear();
    await pass();
    expect([room.state, room.pos]).toEqual(["recovering", undefined]);
    hub.script = () => undefined;
    hub.drop();
    await pass(1000);
    expect(said).toEqual(["b", "c"]);
  });

  test("unsubscribe() and subscribe() go on where it was", async () => {
    const said = hear();
    await pass();
    hub.say(LOBBY, 1);
    await pass();
    room.unsubscribe();
    hub.say(LOBBY, 2);
    await pass();
    expect([said, room.state]).toEqual([[1], "idle"]);
    room.subscribe();
    await pass();
    expect(said).toEqual([1, 2]);
  });

  test("unsubscribe() and subscribe() at once lose nothing, and nothing comes twice", async () => {
    const said = hear();
    await pass();
    for (let n = 0; n < 20; n++) {
      hub.say(LOBBY, n);
      room.unsubscribe();
      room.subscribe();
      await pass(n % 7);
    }
    await pass();
    expect(said).toEqual([...Array(20).keys()]);
  });

  test("asking for presence later loses nothing, and nothing comes twice", async () => {
    const said = hear();
    await pass();
    hub.say(LOBBY, 1);
    await pass(3);
    room.presence.on("join", () => {});
    const states = record(room, "state");
    for (let n = 2; n < 10; n++) {
      hub.say(LOBBY, n);
      await pass(2);
    }
    await pass();
    expect(said).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(hub.asked("subscribe").map(({ presence }) => presence)).toEqual([false, true]);
    expect(states).toEqual([]);
  });

  test("what only passes by has no position, and moves none", async () => {
    const said = hear();
    await pass();
    hub.say(LOBBY, 1);
    hub.pass(LOBBY, "typing");
    await pass();
    expect([said, room.pos]).toEqual([[1, "typing"], "t-1"]);
  });

  test("a refusal is told once, and the channel is left", async () => {
    hub.script = ({ op }) => (op === "subscribe" ? [{ op: "error", code: "forbidden", message: "not you" }] : undefined);
    const told = record(room, "state", "error");
    room.subscribe();
    await pass();
    hub.drop();
    await pass(1000);
    expect(told.map(([event, what]) => [event, (what as { code?: string }).code ?? what])).toEqual([
      ["state", "subscribing"],
      ["state", "idle"],
      ["error", "forbidden"],
    ]);
    expect(hub.asked("subscribe").length).toBe(1);
    hub.script = () => undefined;
    room.subscribe();
    await pass();
    expect(room.state).toBe("live");
  });

  test("who may not see who is here still hears", async () => {
    hub.script = ({ op, presence }) =>
      op === "subscribe" && presence ? [{ op: "error", code: "forbidden", message: "not who is here" }] : undefined;
    const told = record(room, "error");
    const said = hear();
    room.presence.on("join", () => {});
    await pass();
    hub.say(LOBBY, 1);
    await pass();
    expect([said, told.length]).toEqual([[1], 1]);
  });

  test.each(["rate_limited", "overloaded", "unavailable"])("%s: it asks again, after the pause that the hub wants", async (code) => {
    let refusals = 0;
    hub.script = ({ op }) => (op === "subscribe" && refusals++ < 2 ? [{ op: "error", code, message: "later", retry_after_ms: 3000 }] : undefined);
    room.subscribe();
    await pass(2900);
    expect(hub.asked("subscribe").length).toBe(1);
    await pass(12_000);
    expect([room.state, refusals]).toEqual(["live", 3]);
  });
});

describe("where it is", () => {
  /** Where it would go on: what the next subscribe asks for. */
  const resumed = async (): Promise<unknown> => {
    const before = hub.asked("subscribe").length;
    hub.drop();
    await pass(1000);
    return hub.asked("subscribe")[before]!["since"];
  };

  test.each<[string, Wire[], string]>([
    ["a message moves it", [{ op: "message", pos: "t-7", at: 1, data: 1 }], "t-7"],
    ["a message without position does not", [{ op: "message", at: 1, data: 1 }], "t-0"],
    ["live moves it", [{ op: "live", pos: "t-9" }], "t-9"],
    ["a lag that is not recovered moves it", [{ op: "lag", from: "t-0", pos: "t-5", recovering: false }], "t-5"],
    ["a lag that is recovered does not", [{ op: "lag", from: "t-0", pos: "t-5", recovering: true }], "t-0"],
    ["what follows such a lag does", [{ op: "lag", pos: "t-5", recovering: true }, { op: "message", pos: "t-3", at: 1, data: 1 }], "t-3"],
    ["a join does not", [{ op: "join", v: 1, pos: "t-5", session: "x" }], "t-0"],
  ])("%s", async (_, objects, since) => {
    hear();
    await pass();
    objects.forEach(say);
    await pass();
    expect(await resumed()).toBe(since);
  });

  test("the answer to a recovered subscribe is not where it is yet", async () => {
    hear();
    await pass();
    hub.script = ({ op }) => (op === "subscribe" ? [{ op: "ok", channel: LOBBY, pos: "t-9", recovered: true }] : undefined);
    expect(await resumed()).toBe("t-0");
    expect(room.state).toBe("recovering");
    expect(await resumed()).toBe("t-0");
  });

  test("what came while it was away comes once, and in order", async () => {
    const said = hear();
    await pass();
    for (let n = 0; n < 50; n++) {
      hub.say(LOBBY, n);
      if (n % 10 === 3) {
        hub.drop();
      }
      await pass(n % 10 === 7 ? 700 : 3);
    }
    await pass(60_000);
    expect(said).toEqual([...Array(50).keys()]);
  });

  test("live is told again after each break", async () => {
    const told = record(room, "live", "state");
    hear();
    await pass();
    hub.say(LOBBY, 1);
    await pass();
    hub.drop();
    await pass(1000);
    expect(told).toEqual([
      ["state", "subscribing"], ["state", "live"], ["live", "t-0"],
      ["state", "subscribing"], ["state", "recovering"], ["state", "live"], ["live", "t-1"],
    ]);
  });
});

describe("gaps", () => {
  test("what cannot be recovered is a gap, and it goes on behind it", async () => {
    const told = record(room, "gap");
    const said = hear();
    await pass();
    hub.say(LOBBY, 1);
    await pass();
    hub.term = "u";
    hub.entries(LOBBY).length = 0;
    hub.say(LOBBY, "lost");
    hub.drop();
    await pass(1000);
    hub.say(LOBBY, 2);
    await pass();
    expect([told, said, room.pos]).toEqual([[["gap", { from: "t-1", pos: "u-1" }]], [1, 2], "u-2"]);
  });

  test("what was skipped and does not come is a gap", async () => {
    const told = record(room, "gap", "state");
    hear();
    await pass();
    told.length = 0;
    say({ op: "lag", from: "t-0", pos: "t-5", skipped: 5, recovering: false });
    await pass();
    expect(told).toEqual([["gap", { from: "t-0", pos: "t-5", skipped: 5 }]]);
  });

  test("what was skipped and comes is none", async () => {
    const told = record(room, "gap", "state", "live");
    hear();
    await pass();
    told.length = 0;
    say({ op: "lag", from: "t-0", pos: "t-5", recovering: true });
    say({ op: "message", pos: "t-5", at: 1, data: 1 });
    say({ op: "live", pos: "t-5" });
    await pass();
    expect(told).toEqual([["state", "recovering"], ["state", "live"], ["live", "t-5"]]);
  });

  test("a position that no hub gave is a gap, and is not shown again", async () => {
    hub.script = ({ op, since }) => (op === "subscribe" && since ? [{ op: "error", code: "bad_position", message: "no" }] : undefined);
    tide.channel("lobby", { since: "nonsense" });
    const told = record(room, "gap");
    hear();
    await pass();
    expect([told, room.state, room.pos]).toEqual([[["gap", { from: "nonsense" }]], "live", "t-0"]);
  });
});

describe("messages", () => {
  test("each kind is what it was", async () => {
    const told = record(room, "message");
    room.subscribe();
    await pass();
    say({ op: "message", pos: "t-1", at: 7, from: { client: "c", name: "Ann", role: 1 }, key: "k", data: null });
    say({ op: "message", pos: "t-2", at: 7, from: {}, text: "hi" });
    say({ op: "message", pos: "t-3", at: 7, from: {}, base64: "AP8K" });
    say({ op: "message", pos: "t-4", at: 7, from: {}, redacted: true });
    const header = new TextEncoder().encode(JSON.stringify({ op: "message", channel: LOBBY, pos: "t-5", at: 7, from: {} }));
    const binary = new Uint8Array(4 + header.length + 3);
    new DataView(binary.buffer).setUint32(0, header.length);
    binary.set(header, 4);
    binary.set([1, 2, 3], 4 + header.length);
    hub.line.say(binary.buffer);
    await pass();
    const base = { channel: LOBBY, at: 7, from: {} };
    expect(told.map(([, message]) => message)).toEqual([
      { ...base, pos: "t-1", from: { client: "c", name: "Ann" }, key: "k", data: null },
      { ...base, pos: "t-2", text: "hi" },
      { ...base, pos: "t-3", bytes: new Uint8Array([0, 255, 10]) },
      { ...base, pos: "t-4", redacted: true },
      { ...base, pos: "t-5", bytes: new Uint8Array([1, 2, 3]) },
    ]);
  });

  test("a page of history is read with its direction", async () => {
    hub.script = ({ op }) =>
      op === "history" ? [{ op: "ok", channel: LOBBY, pos: "t-9", more: true, messages: [{ pos: "t-1", at: 1, from: {}, text: "hi" }] }] : undefined;
    const page = room.history({ before: "t-5", limit: 1 });
    await pass();
    expect(await page).toEqual({ more: true, pos: "t-9", messages: [{ channel: LOBBY, at: 1, from: {}, pos: "t-1", text: "hi" }] });
    expect(hub.asked("history")).toMatchObject([{ channel: LOBBY, before: "t-5", limit: 1 }]);
  });

  test("a page that is asked for while there is no connection comes when there is one", async () => {
    await pass();
    hub.socket = "refused";
    tide.connect();
    const page = room.history();
    await pass(1000);
    hub.socket = "works";
    await pass(3000);
    expect((await page).messages).toEqual([]);
  });

  test("a page that is lost on its way is asked for again", async () => {
    tide.connect();
    await pass();
    hub.script = ({ op }) => (op === "history" ? [] : undefined);
    const page = room.history();
    await pass();
    hub.script = () => undefined;
    hub.drop();
    await pass(1000);
    expect((await page).more).toBe(false);
  });

  test("a page that is gone, late or given up is refused", async () => {
    const code = (error: { code: string }): string => error.code;
    hub.script = ({ op, before }) => (op !== "history" ? undefined : before ? [{ op: "error", code: "gone", message: "gone" }] : []);
    const give = new AbortController();
    const pages = [room.history({ before: "t-1" }), room.history(), room.history({ signal: give.signal }), room.history({ signal: AbortSignal.abort() })];
    const codes = Promise.all(pages.map((page) => page.then(() => "?", code)));
    await pass();
    give.abort();
    await pass(10_000);
    expect(await codes).toEqual(["gone", "timeout", "aborted", "aborted"]);
  });
});
