// The connection: how it begins, ends, comes back, and notices that it is dead.
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Tidewire, type State } from "../src/index.js";
import { FakeHub } from "./fake-hub.js";
import { FakePage, pass } from "./tools.js";

let hub: FakeHub;

beforeEach(() => {
  vi.useFakeTimers();
  vi.spyOn(Math, "random").mockReturnValue(0.999);
  hub = new FakeHub();
});

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

const states = (tide: Tidewire): State[] => {
  const told: State[] = [];
  tide.on("state", (state) => told.push(state));
  return told;
};

const ONLY = { transports: ["websocket"] } as const;

describe("beginning", () => {
  test("nothing is opened before it is needed", async () => {
    const tide = hub.client();
    tide.channel("lobby");
    await pass();
    expect([tide.state, hub.sockets.length]).toEqual(["idle", 0]);
    tide.channel("lobby").subscribe();
    await pass();
    expect([tide.state, tide.transport, hub.sockets.length]).toEqual(["open", "websocket", 1]);
    expect([tide.session, tide.client, tide.token]).toEqual(["s1", "guest1", "guest1.signed"]);
  });

  test.each([
    ["ws://hub.test/ws", "ws://hub.test/ws"],
    ["wss://hub.test/ws/", "wss://hub.test/ws"],
    ["http://hub.test", "ws://hub.test/ws"],
    ["https://hub.test:8443/base/", "wss://hub.test:8443/base/ws"],
    ["https://hub.test/base/ws?old=1#x", "wss://hub.test/base/ws"],
  ])("%s means the hub at %s", async (given, meant) => {
    const urls: string[] = [];
    class Socket {
      constructor(url: string) {
        urls.push(url);
      }
      close(): void {}
    }
    const tide = new Tidewire(given, { ...ONLY, WebSocket: Socket as never });
    tide.connect();
    await pass(0);
    expect(urls).toEqual([meant]);
    await tide.close();
  });

  test.each(["localhost:4000", "ftp://hub.test", "file:///ws"])("%s is no hub", (url) => {
    expect(() => new Tidewire(url, { ...ONLY, WebSocket: class {} as never })).toThrow(TypeError);
  });

  test("times without end are long, not none", async () => {
    hub.socket = "refused";
    const never = { climb: Infinity, confirmWithin: Infinity, idle: Infinity, patience: Infinity };
    const tide = hub.client({ ...never, transports: ["websocket", "sse"] });
    tide.channel("lobby").subscribe();
    await pass(5000);
    const tried = hub.sockets.length;
    hub.script = ({ op }) => (op === "publish" ? [] : undefined);
    let ended = false;
    tide.publish("lobby", 1).catch(() => (ended = true));
    await pass(60_000);
    expect([tide.state, tide.transport, hub.sockets.length - tried, ended]).toEqual(["open", "sse", 0, false]);
    await tide.close();
  });

  test("without any transport there is no client", () => {
    expect(() => new Tidewire("ws://hub.test", { ...ONLY, WebSocket: undefined as never })).toThrow(
      expect.objectContaining({ code: "no_transport" }) as Error,
    );
  });

  test("who the client is, is said before anything else", async () => {
    hub.tokens.add("me.signed");
    const tide = hub.client({ name: "Ann", token: "me.signed" });
    void tide.publish("lobby", "hi");
    await pass();
    expect(hub.commands.map(({ op }) => op)).toEqual(["auth", "publish"]);
    expect(hub.commands[0]).toMatchObject({ client: "me.signed", name: "Ann", binary: true });
    expect(tide.client).toBe("me");
  });

  test("a function is asked for the token before each connection", async () => {
    hub.tokens.add("one.s").add("two.s");
    const tokens = ["one.s", "two.s"];
    const tide = hub.client({ token: () => Promise.resolve(tokens.shift()) });
    tide.connect();
    await pass();
    hub.drop();
    await pass(1000);
    hub.drop();
    await pass(2000);
    expect(hub.asked("auth").map(({ client }) => client)).toEqual(["one.s", "two.s", "two.s"]);
  });

  test("a function that fails is told, and the client goes on as who it was", async () => {
    const errors: string[] = [];
    const tide = hub.client({ token: () => Promise.reject(new Error("no session")) });
    tide.on("error", ({ code, message }) => errors.push(`${code} ${message}`));
    tide.connect();
    await pass();
    expect([tide.state, errors]).toEqual(["open", ["token Error: no session"]]);
  });

  test("a function that hangs says nothing about the way", async () => {
    let left = 5;
    const tide = hub.client({ token: () => (left-- ? new Promise(() => {}) : undefined) });
    tide.connect();
    await pass(100_000);
    expect([tide.transport, hub.sockets.length, hub.requests.length]).toEqual(["websocket", 1, 0]);
    await tide.close();
  });

  test("the token of the hub is told once, and handed back", async () => {
    const told: string[] = [];
    const tide = hub.client();
    tide.on("token", (token) => told.push(token));
    tide.connect();
    await pass();
    hub.drop();
    await pass(1000);
    expect(told).toEqual(["guest1.signed"]);
    expect(hub.asked("auth").map(({ client }) => client)).toEqual([undefined, "guest1.signed"]);
  });

  test("a token that the hub refuses is told, and never shown again", async () => {
    const errors: string[] = [];
    const tide = hub.client({ token: () => "forged" });
    tide.on("error", ({ code }) => errors.push(code));
    tide.connect();
    await pass();
    expect([tide.state, tide.client, errors]).toEqual(["open", "guest1", ["bad_client"]]);
    hub.drop();
    await pass(1000);
    expect(hub.asked("auth").map(({ client }) => client)).toEqual(["forged", undefined, "guest1.signed"]);
  });

  test("a name that the hub refuses is told, and left out", async () => {
    hub.script = ({ op, name }) => (op === "auth" && name ? [{ op: "error", code: "bad_request", message: "name" }] : undefined);
    const errors: string[] = [];
    const tide = hub.client({ name: "\u0007" });
    tide.on("error", ({ message }) => errors.push(message));
    tide.connect();
    await pass();
    expect([tide.state, errors]).toEqual(["open", ["name"]]);
  });

  test("rename changes the name now and later", async () => {
    const tide = hub.client({ name: "Ann" });
    tide.connect();
    await pass();
    const renamed = tide.rename("Bob");
    await pass();
    await renamed;
    hub.drop();
    await pass(1000);
    expect(hub.asked("auth").map(({ name }) => name)).toEqual(["Ann", "Bob", "Bob"]);
  });
});

describe("coming back", () => {
  test("the pause doubles up to its bound, and is drawn at random below it", async () => {
    hub.socket = "refused";
    const tide = hub.client({ ...ONLY, backoff: { min: 100, max: 400 } });
    const pauses: number[] = [];
    tide.on("state", (state, why) => state === "waiting" && pauses.push(Math.round(why!.retryAt! - Date.now())));
    tide.connect();
    await pass(3000);
    expect(pauses.slice(0, 5)).toEqual([100, 200, 400, 400, 400]);
    vi.mocked(Math.random).mockReturnValue(0.5);
    pauses.length = 0;
    await pass(1000);
    expect(pauses.slice(-2)).toEqual([200, 200]);
    await tide.close();
  });

  test("a good connection begins anew with a short pause, one that ends at once does not", async () => {
    const tide = hub.client({ ...ONLY, backoff: { min: 100, max: 100_000 } });
    const pauses: number[] = [];
    tide.on("state", (state, why) => state === "waiting" && pauses.push(Math.round(why!.retryAt! - Date.now())));
    tide.connect();
    for (const lasts of [100, 100, 6000, 6000]) {
      await pass(lasts + (pauses.at(-1) ?? 0));
      hub.drop();
    }
    expect(pauses).toEqual([100, 200, 100, 100]);
    await tide.close();
  });

  test.each([1000, 1001, 1005, 1006, 1011, 1012, 3000, 4000, 4001, 4002, 4003, 4499, 5000])("after %d it comes back", async (code) => {
    const tide = hub.client(ONLY);
    tide.connect();
    await pass();
    hub.line.end(code, "why");
    expect([tide.state, tide.reason!.code, tide.reason!.message]).toEqual(["waiting", code, "why"]);
    await pass(1000);
    expect([tide.state, tide.reason]).toEqual(["open", undefined]);
  });

  test.each([1002, 1003, 1007, 1009, 4500, 4501, 4999])("after %d it stops", async (code) => {
    const tide = hub.client(ONLY);
    tide.connect();
    await pass();
    hub.line.end(code, "why");
    await pass(100_000);
    expect([tide.state, tide.reason, hub.sockets.length]).toEqual(["closed", { code, message: "why" }, 1]);
    await expect(tide.publish("lobby", "hi")).rejects.toMatchObject({ code: "closed" });
    // A person may try again.
    tide.connect();
    await pass();
    expect(tide.state).toBe("open");
  });

  test("bye says how long to wait at least", async () => {
    const tide = hub.client(ONLY);
    tide.connect();
    await pass();
    hub.line.say({ op: "bye", code: 4001, reason: "shutdown", reconnect: true, retry_after_ms: 7000 });
    await pass(10);
    expect([tide.state, tide.reason!.message]).toEqual(["waiting", "shutdown"]);
    await pass(6990);
    expect(hub.sockets.length).toBe(1);
    await pass(4000);
    expect(tide.state).toBe("open");
  });

  test("bye says not to come back", async () => {
    const tide = hub.client(ONLY);
    tide.connect();
    await pass();
    hub.line.say({ op: "bye", code: 4501, reason: "forbidden", reconnect: false });
    await pass(100_000);
    expect([tide.state, tide.reason, hub.sockets.length]).toEqual(["closed", { code: 4501, message: "forbidden" }, 1]);
  });

  test("no hub sends a client to sleep for a day", async () => {
    const tide = hub.client(ONLY);
    tide.connect();
    await pass();
    hub.line.say({ op: "bye", code: 4001, reason: "shutdown", reconnect: true, retry_after_ms: 1e12 });
    await pass(3_700_000);
    expect(tide.state).toBe("open");
    await tide.close();
  });

  test("an attempt that hangs is given up", async () => {
    hub.socket = "hangs";
    const tide = hub.client({ ...ONLY, patience: 2000 });
    tide.connect();
    await pass(1990);
    expect(tide.state).toBe("connecting");
    await pass(20);
    expect([tide.state, tide.reason!.message]).toEqual(["waiting", "no answer in time"]);
    expect(hub.line.readyState).toBe(3);
  });

  test("connect() does not wait", async () => {
    hub.socket = "refused";
    const tide = hub.client({ ...ONLY, backoff: { min: 60_000, max: 60_000 } });
    tide.connect();
    await pass();
    expect(tide.state).toBe("waiting");
    hub.socket = "works";
    tide.connect();
    await pass();
    expect(tide.state).toBe("open");
  });

  test("states are told in order, each with its reason", async () => {
    const tide = hub.client(ONLY);
    const told = states(tide);
    tide.connect();
    await pass();
    hub.drop();
    await pass(1000);
    tide.disconnect();
    await tide.close();
    expect(told).toEqual(["connecting", "open", "waiting", "connecting", "open", "idle", "closed"]);
  });
});

describe("ending", () => {
  test("disconnect() stays away until connect()", async () => {
    const tide = hub.client(ONLY);
    tide.channel("lobby").subscribe();
    await pass();
    tide.disconnect();
    tide.channel("other").subscribe();
    const kept = tide.publish("lobby", "later");
    await pass(60_000);
    expect([tide.state, hub.sockets.length, tide.channel("lobby").state]).toEqual(["idle", 1, "subscribing"]);
    tide.connect();
    await pass();
    expect((await kept).pos).toBe("t-1");
    expect(tide.channel("lobby").state).toBe("live");
  });

  test.each(["works", "refused", "hangs", "mute"] as const)("after close() no timer is left, whatever the socket does: %s", async (mode) => {
    new FakePage();
    hub.socket = mode;
    const tide = hub.client();
    tide.channel("lobby").on("message", () => {});
    void tide.channel("lobby").presence.get().catch(() => {});
    const kept = tide.publish("lobby", "hi").catch((error: { code: string }) => error.code);
    const read = tide.channel("lobby").history().catch((error: { code: string }) => error.code);
    await pass(mode === "works" ? 3 : 700);
    await tide.close();
    await pass(10);
    expect(vi.getTimerCount()).toBe(0);
    expect(tide.state).toBe("closed");
    if (mode !== "refused") {
      expect([await kept, await read]).toEqual(["closed", "closed"]);
    }
    tide.connect();
    await pass(60_000);
    expect(tide.state).toBe("closed");
  });

  test("a listener may end it at any moment", async () => {
    const tide = hub.client();
    tide.on("state", (state) => state === "open" && void tide.close());
    tide.channel("lobby").subscribe();
    await pass();
    expect([tide.state, hub.line.readyState, vi.getTimerCount()]).toEqual(["closed", 3, 0]);
  });

  test.each(["lost", "silent", "moved"])("a listener of a channel may end it, when the connection is %s", async (how) => {
    const tide = hub.client({ climb: 1000, ...(how === "silent" && ONLY) });
    if (how === "moved") {
      hub.socket = "refused";
    }
    const room = tide.channel("lobby").subscribe();
    await pass(1000);
    expect(tide.state).toBe("open");
    room.on("state", (state) => state === "subscribing" && void tide.close());
    hub.socket = how === "silent" ? "mute" : "works";
    if (how === "lost") {
      hub.drop();
    } else if (how === "silent") {
      hub.script = () => [];
    }
    await pass(60_000);
    expect([tide.state, vi.getTimerCount(), hub.line.readyState]).toEqual(["closed", 0, 3]);
  });

  test.each(["state", "token"] as const)("what a listener of %s sends at once goes once", async (event) => {
    const tide = hub.client();
    tide.on(event, () => {
      if (tide.transport) {
        tide.publish("lobby", "here", { keep: false }).catch(() => {});
        tide.channel("lobby").history().catch(() => {});
      }
    });
    tide.connect();
    await pass();
    expect(hub.commands.map(({ op }) => op)).toEqual(["auth", "publish", "history"]);
    await tide.close();
  });

  test("a listener that throws breaks nothing", async () => {
    const complaints = vi.spyOn(console, "error").mockImplementation(() => {});
    const tide = hub.client();
    const room = tide.channel("lobby");
    tide.on("state", () => {
      throw new Error("mine");
    });
    const said: unknown[] = [];
    room.on("message", () => {
      throw new Error("mine, too");
    });
    room.on("message", ({ data }) => said.push(data));
    await pass();
    hub.say("chat:lobby", 1);
    hub.say("chat:lobby", 2);
    await pass();
    expect([said, room.pos, complaints.mock.calls.length]).toEqual([[1, 2], "t-2", 4]);
  });
});

describe("is the hub there?", () => {
  test("silence is broken with a question, and an answer is enough", async () => {
    const tide = hub.client({ ...ONLY, idle: 30_000 });
    tide.connect();
    await pass(29_000);
    expect(hub.asked("ping").length).toBe(0);
    await pass(41_000);
    expect([hub.asked("ping").length > 0, tide.state, hub.sockets.length]).toEqual([true, "open", 1]);
    await tide.close();
  });

  test("who speaks is not asked", async () => {
    const tide = hub.client({ ...ONLY, idle: 30_000 });
    tide.channel("lobby").subscribe();
    for (let n = 0; n < 20; n++) {
      await pass(5000);
      hub.say("chat:lobby", n);
    }
    expect(hub.asked("ping").length).toBe(0);
    await tide.close();
  });

  test("no answer: it comes back at once", async () => {
    const tide = hub.client({ ...ONLY, idle: 1000, patience: 4000 });
    tide.connect();
    await pass();
    hub.script = ({ op }) => (op === "ping" ? [] : undefined);
    await pass(4900);
    expect(hub.sockets.length).toBe(1);
    await pass(1200);
    expect([tide.state, hub.sockets.length, hub.sockets[0]!.readyState]).toEqual(["open", 2, 3]);
    await tide.close();
  });

  test("ping() measures", async () => {
    const tide = hub.client(ONLY);
    tide.connect();
    await pass();
    const measured = tide.ping();
    await pass();
    expect(await measured).toBe(10);
    hub.script = () => [];
    const late = tide.ping().catch((error: { code: string }) => error.code);
    await pass(10_000);
    expect(await late).toBe("timeout");
  });

  test("a clock that was put back hides no dead connection", async () => {
    const tide = hub.client(ONLY);
    tide.channel("lobby").subscribe();
    await pass();
    vi.setSystemTime(Date.now() - 3_600_000);
    hub.script = () => [];
    await pass(45_000);
    expect(hub.sockets.length).toBeGreaterThan(1);
    await tide.close();
  });

  test("a machine that slept asks with short patience", async () => {
    const tide = hub.client(ONLY);
    tide.connect();
    await pass();
    hub.script = () => [];
    // The clock went on, timers did not.
    vi.setSystemTime(Date.now() + 3_600_000);
    await pass(10_000);
    expect(hub.asked("ping").length).toBe(1);
    hub.script = () => undefined;
    await pass(3100);
    expect([tide.state, hub.sockets.length]).toEqual(["open", 2]);
  });
});
