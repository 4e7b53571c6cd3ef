// A hub, or something in its place, that does what no hub does: the client stays as it is.
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Tidewire } from "../src/index.js";
import { FakeHub } from "./fake-hub.js";
import { pass, record } from "./tools.js";

const LOBBY = "chat:lobby";

const bytes = (...all: number[]): ArrayBuffer => new Uint8Array(all).buffer;

/** What is no word of the protocol. */
const NONSENSE: unknown[] = [
  "", "no json", "null", "true", "7", '"text"', "[]", "[[]]", "[null,1,\"x\"]", "{}", "{", "[".repeat(100_000), "\u0000",
  { op: 1 }, { op: null }, { op: {} }, { op: "unknown", id: 5, channel: LOBBY }, { op: "toString" }, { op: "__proto__" }, { op: "constructor" },
  { op: "ok" }, { op: "ok", id: "x" }, { op: "ok", id: {} }, { op: "ok", id: -1 }, { op: "ok", id: 1e300 }, { op: "error" }, { op: "error", id: 999, code: {}, message: [] },
  { op: "pong", id: null }, { op: "hello" }, { op: "hello", session: 5, client: {} },
  { op: "message" }, { op: "message", channel: 5 }, { op: "message", channel: "__proto__" }, { op: "message", channel: {} },
  { op: "message", channel: LOBBY, pos: 7, at: "now", from: 3, text: 9, base64: [] },
  { op: "message", channel: LOBBY, from: [], base64: "%%%", key: {} },
  { op: "message", channel: LOBBY, bytes: "x", from: { client: {}, name: 7, __proto__: { user: "root" } } },
  '{"op":"message","channel":"chat:lobby","data":{"__proto__":{"polluted":1}},"__proto__":{"polluted":1}}',
  { op: "live" }, { op: "live", channel: LOBBY, pos: {} }, { op: "lag", channel: LOBBY }, { op: "lag", channel: LOBBY, pos: 1, from: {}, skipped: "many" },
  { op: "join", channel: LOBBY }, { op: "join", channel: LOBBY, v: 1e308, session: "x" }, { op: "leave", channel: LOBBY, v: NaN, session: {} },
  { op: "ok", channel: LOBBY, pos: [], recovered: "yes" },
  bytes(), bytes(1), bytes(0, 0, 0, 9), bytes(255, 255, 255, 255, 0), bytes(0, 0, 0, 2, 123, 125), bytes(0, 0, 0, 1, 0), bytes(0, 0, 0, 2, 91, 93, 1),
];

let hub: FakeHub;
let tide: Tidewire;
let caught: unknown[];
const catcher = (error: unknown): void => void caught.push(error);

beforeEach(() => {
  vi.useFakeTimers();
  caught = [];
  process.on("unhandledRejection", catcher).on("uncaughtException", catcher);
  hub = new FakeHub();
});

afterEach(async () => {
  await tide.close();
  vi.useRealTimers();
  vi.restoreAllMocks();
  await new Promise((done) => setImmediate(done));
  process.off("unhandledRejection", catcher).off("uncaughtException", catcher);
  expect(caught).toEqual([]);
});

const follow = (): unknown[] => {
  const said: unknown[] = [];
  const room = tide.channel(LOBBY);
  room.on("message", ({ data }) => said.push(data));
  room.presence.on("join", () => {});
  return said;
};

describe("over WebSocket", () => {
  test.each(NONSENSE.map((what) => [typeof what === "string" ? what.slice(0, 40) : what instanceof ArrayBuffer ? `bytes ${new Uint8Array(what).join()}` : JSON.stringify(what), what]))(
    "%s",
    async (_, what) => {
      vi.spyOn(console, "error").mockImplementation(catcher);
      tide = hub.client({ transports: ["websocket"] });
      const said = follow();
      await pass();
      hub.line.say(what);
      await pass();
      hub.say(LOBBY, "after it");
      await pass();
      expect([said.at(-1), tide.state]).toEqual(["after it", "open"]);
      expect(({} as { polluted?: number }).polluted).toBeUndefined();
    },
  );

  test.each(["hello", "auth"])("nonsense in place of %s: it is given up, and tried again", async (which) => {
    hub.script = ({ op }) => (op === "auth" && which === "auth" ? [{ op: "unknown", id: 0 }] : undefined);
    hub.socket = which === "hello" ? "mute" : "works";
    tide = hub.client({ transports: ["websocket"], patience: 1000 });
    tide.connect();
    await pass(900);
    NONSENSE.forEach((what) => hub.line.say(what));
    await pass(1000);
    hub.script = () => undefined;
    hub.socket = "works";
    await pass(20_000);
    expect(tide.state).toBe("open");
  });

  test.each<[string, object]>([
    ["an answer without fields", { op: "ok" }],
    ["lists that are none", { op: "ok", messages: "x", members: 7, more: "yes", v: [], pos: {} }],
    ["lists of nonsense", { op: "ok", messages: [null, 1, [], { pos: 1 }], members: [null, 1, [], { session: 1 }], more: true, v: 1 }],
  ])("%s", async (_, answer) => {
    hub.script = ({ op }) => (op === "auth" || op === "subscribe" ? undefined : [answer as Record<string, unknown>]);
    tide = hub.client({ transports: ["websocket"] });
    const all = [tide.channel(LOBBY).history(), tide.channel(LOBBY).presence.get(), tide.publish(LOBBY, 1), tide.ping()].map((one) =>
      (one as Promise<unknown>).then(() => "done", () => "refused"),
    );
    follow();
    await pass(1000);
    expect(await Promise.all(all)).toEqual(["done", "done", "done", "done"]);
    expect(tide.state).toBe("open");
  });

  test("a page without end is a page", async () => {
    const messages = [...Array(20_000).keys()].map((n) => ({ pos: `t-${n}`, at: 1, text: "x" }));
    hub.script = ({ op }) => (op === "history" ? [{ op: "ok", messages, more: true }] : undefined);
    tide = hub.client({ transports: ["websocket"] });
    const page = tide.channel(LOBBY).history();
    await pass();
    expect((await page).messages.length).toBe(20_000);
  });

  test("bye that says nothing", async () => {
    tide = hub.client({ transports: ["websocket"] });
    tide.connect();
    await pass();
    hub.line.say({ op: "bye", code: "x", reason: {}, reconnect: "no", retry_after_ms: "soon" });
    await pass(1000);
    expect(tide.state).toBe("open");
  });

  test.each([-1e9, 1e308])("a pause of %d ms is no pause", async (retry_after_ms) => {
    tide = hub.client({ transports: ["websocket"] });
    tide.connect();
    await pass();
    hub.line.say({ op: "bye", code: 4001, reason: "shutdown", reconnect: true, retry_after_ms });
    await pass(3_700_000);
    expect([tide.state, hub.sockets.length]).toEqual(["open", 2]);
  });

  test("errors about nothing are told", async () => {
    tide = hub.client({ transports: ["websocket"] });
    const errors = record(tide, "error");
    tide.connect();
    await pass();
    hub.line.say({ op: "error", code: "bad_request", message: "what was that?" });
    await pass();
    expect(errors.map(([, error]) => (error as Error).message)).toEqual(["what was that?"]);
  });
});

describe.each(["sse", "poll"] as const)("over %s", (way) => {
  const BODIES = ["", "no json", "null", "[]", "[1]", '{"messages":7}', '{"messages":[null,1,"x",[],{}]}', "<!doctype html><title>Sign in</title>", "data: {\n\n\n\ndata\n\n:\n\n"];

  test.each(BODIES.flatMap((body) => [200, 204, 302, 400, 404, 500, 502].map((status) => [status, body] as const)))("%d %s", async (status, body) => {
    let wrong = true;
    const real = hub.fetch.bind(hub);
    vi.spyOn(hub, "fetch").mockImplementation((url, init) =>
      wrong ? Promise.resolve(new Response(status === 204 ? null : body, { status })) : real(url, init),
    );
    tide = hub.client({ transports: [way], backoff: { min: 10, max: 100 }, patience: 1000 });
    const said = follow();
    await pass(3000);
    wrong = false;
    await pass(20_000);
    hub.say(LOBBY, "after it");
    await pass(1000);
    expect(said.at(-1)).toBe("after it");
  });

  test.each(BODIES)("after it was open: %s", async (body) => {
    let wrong = false;
    const real = hub.fetch.bind(hub);
    vi.spyOn(hub, "fetch").mockImplementation((url, init) =>
      wrong && url.includes(`/${way}`) ? Promise.resolve(new Response(body)) : real(url, init),
    );
    tide = hub.client({ transports: [way], backoff: { min: 10, max: 100 }, patience: 1000 });
    const said = follow();
    await pass(100);
    wrong = true;
    hub.drop();
    await pass(100);
    const asked = hub.requests.length;
    await pass(2000);
    // It does not ask as fast as it can.
    expect(hub.requests.length - asked).toBeLessThan(200);
    wrong = false;
    await pass(5000);
    hub.say(LOBBY, "after it");
    await pass(1000);
    expect(said.at(-1)).toBe("after it");
  });
});

test("an event without end is not kept", async () => {
  const piece = new Uint8Array(1 << 20).fill(120);
  let given = 0;
  const real = (url: string, init: RequestInit): Promise<Response> => FakeHub.prototype.fetch.call(hub, url, init);
  vi.spyOn(hub, "fetch").mockImplementation((url, init) =>
    url.includes("/sse")
      ? Promise.resolve(new Response(new ReadableStream<Uint8Array>({ pull: (to) => (given++, to.enqueue(piece)) })))
      : real(url, init),
  );
  tide = hub.client({ transports: ["sse"], backoff: { min: 60_000, max: 60_000 } });
  follow();
  await pass(500);
  expect(given).toBeLessThan(40);
  expect(tide.state).toBe("waiting");
});
