// In a page: sleep, background tabs, networks that come and go, pages that are put aside.
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { FakeHub } from "./fake-hub.js";
import { FakePage, pass, record } from "./tools.js";

let hub: FakeHub;

beforeEach(() => {
  vi.useFakeTimers();
  hub = new FakeHub();
});

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

const ONLY = { transports: ["websocket"] } as const;

test.each(["visibilitychange", "online", "pageshow", "offline"])("%s: the hub is asked with short patience", async (event) => {
  const page = new FakePage();
  const tide = hub.client(ONLY);
  tide.connect();
  await pass();
  hub.script = ({ op }) => (op === "ping" ? [] : undefined);
  page.tell(event);
  await pass(1000);
  expect([tide.state, hub.sockets.length]).toEqual(["open", 1]);
  // Somebody who switches tabs does not put the question off.
  page.tell(event);
  await pass(2100);
  expect([tide.state, hub.sockets.length]).toEqual(["open", 2]);
  await tide.close();
});

test("going to the background asks nothing", async () => {
  const page = new FakePage();
  hub.client(ONLY).connect();
  await pass();
  page.show(false);
  await pass();
  expect(hub.asked("ping").length).toBe(0);
  page.show(true);
  await pass();
  expect(hub.asked("ping").length).toBe(1);
});

test("what waits for its next attempt tries at once when the page is back", async () => {
  const page = new FakePage();
  hub.socket = "refused";
  const tide = hub.client({ ...ONLY, backoff: { min: 60_000, max: 60_000 } });
  tide.connect();
  await pass();
  page.show(false);
  hub.socket = "works";
  page.show(true);
  await pass();
  expect(tide.state).toBe("open");
});

test("without network it is offline, and goes on when there is one", async () => {
  const page = new FakePage();
  const tide = hub.client({ backoff: { min: 60_000, max: 60_000 } });
  tide.connect();
  await pass();
  page.navigator.onLine = false;
  hub.socket = "refused";
  hub.drop();
  await pass(10);
  expect(tide.state).toBe("offline");
  const states = record(tide, "state");
  page.show(true);
  expect([tide.state, hub.sockets.length]).toEqual(["offline", 1]);
  await pass(300_000);
  expect([new Set(states.map(([, state]) => state)), hub.requests, hub.sockets.length > 1]).toEqual([new Set(["offline"]), [], true]);
  page.navigator.onLine = true;
  hub.socket = "works";
  page.tell("online");
  await pass();
  expect(tide.state).toBe("open");
});

test("a page that is put aside says goodbye, and comes back where it was", async () => {
  const page = new FakePage();
  const tide = hub.client(ONLY);
  const said: unknown[] = [];
  tide.channel("lobby").on("message", ({ data }) => said.push(data));
  await pass();
  page.tell("pagehide");
  expect([tide.state, hub.line.readyState]).toEqual(["waiting", 3]);
  hub.say("chat:lobby", "missed");
  await pass(600_000);
  expect(hub.sockets.length).toBe(1);
  page.tell("pageshow");
  await pass();
  expect([tide.state, said]).toEqual(["open", ["missed"]]);
  await tide.close();
  page.tell("pageshow");
  await pass();
  expect(hub.sockets.length).toBe(2);
});
