// Ways to the hub: which is used, when another is, and that a move loses nothing.
import { describe, expect, test, vi } from "vitest";
import { cursor } from "../src/cursor.js";
import { FakeHub } from "./fake-hub.js";
import { LOBBY, client, hear, hub, stage } from "./stage.js";
import { pass, record } from "./tools.js";

stage();

describe("a cursor", () => {
  test("of one channel is its position", () => {
    expect(cursor([{ name: "chat:a", pos: "t-1" }])).toBe("t-1");
    expect(cursor([{ name: "chat:a" }])).toBeUndefined();
  });

  test("of several has a part for each that is known, ordered by hash", () => {
    const a = { name: "chat:a", pos: "C0KSqK17-0" };
    const b = { name: "chat:b", pos: "C0KSqK17-1" };
    // As a hub wrote it.
    const both = "Kr5ARG2Vl3r.C0KSqK17-1~Kr5AkcCoUzO.C0KSqK17-0";
    expect(cursor([a, b])).toBe(both);
    expect(cursor([b, a])).toBe(both);
    expect(cursor([a, { name: "chat:b" }])).toBe("Kr5AkcCoUzO.C0KSqK17-0");
    expect(cursor([{ name: "chat:c" }, { name: "chat:b" }])).toBeUndefined();
  });
});

describe("falling back", () => {
  test("WebSocket that never opens is tried twice, then SSE is used", async () => {
    hub.socket = "refused";
    const tide = client();
    const said = hear(tide);
    await pass(500);
    expect([tide.transport, hub.sockets.length]).toEqual(["sse", 2]);
    hub.say(LOBBY, 1);
    await pass();
    expect([said, tide.session]).toEqual([[1], expect.stringMatching(/^s/)]);
  });

  test.each(["hangs", "mute"] as const)("WebSocket that %s is not tried twice", async (mode) => {
    hub.socket = mode;
    const tide = client({ patience: 1000 });
    hear(tide);
    await pass(1100);
    expect([tide.transport, hub.sockets.length]).toEqual(["sse", 1]);
  });

  test("a hub that is down is no reason to leave WebSocket", async () => {
    hub.socket = "refused";
    hub.http = "down";
    const tide = client();
    const said = hear(tide);
    hub.say(LOBBY, 1);
    await pass(10_000);
    expect(tide.state).not.toBe("open");
    hub.socket = "works";
    await pass(2000);
    hub.http = "works";
    expect(tide.transport).toBe("websocket");
    hub.say(LOBBY, 2);
    await pass();
    expect(said).toEqual([2]);
  });

  test("streams that are kept back: long poll is used, and streams are not climbed to again", async () => {
    hub.socket = "refused";
    hub.http = "kept";
    const tide = client({ patience: 1000, climb: 1000 });
    const said = hear(tide);
    await pass(2500);
    expect(tide.transport).toBe("poll");
    hub.say(LOBBY, 1);
    await pass();
    expect(said).toEqual([1]);
    const streams = hub.requests.filter((one) => one.includes("/sse")).length;
    hub.http = "works";
    await pass(30_000);
    expect([tide.transport, hub.requests.filter((one) => one.includes("/sse")).length]).toEqual(["poll", streams]);
  });

  test("the way that worked is remembered", async () => {
    hub.socket = "refused";
    const tide = client({ climb: 1e6 });
    hear(tide);
    await pass(500);
    const tried = hub.sockets.length;
    hub.drop();
    await pass(2000);
    expect([tide.transport, hub.sockets.length]).toEqual(["sse", tried]);
  });

  test("only the ways that the program wants are used", async () => {
    hub.socket = "refused";
    hub.http = "kept";
    const tide = client({ transports: ["poll", "sse"] });
    hear(tide);
    await pass(500);
    expect([tide.transport, hub.sockets.length]).toEqual(["poll", 0]);
  });

  test("a WebSocket that the page forbids is passed over", async () => {
    const tide = client({
      WebSocket: class {
        constructor() {
          throw new Error("forbidden by policy");
        }
      } as never,
    });
    tide.connect();
    await pass(100);
    expect(tide.transport).toBe("sse");
  });
});

describe("climbing", () => {
  test("a better way is tried in the background, ever more seldom, and used when it works", async () => {
    hub.socket = "refused";
    const tide = client({ climb: 10_000 });
    const said = hear(tide);
    await pass(500);
    const times: number[] = [];
    let known = hub.sockets.length;
    for (let at = 0; at < 100_000; at += 500) {
      await pass(500);
      if (hub.sockets.length > known) {
        known = hub.sockets.length;
        times.push(Math.round(at / 10_000));
      }
    }
    expect(times).toEqual([1, 3, 7]);
    hub.socket = "works";
    hub.say(LOBBY, 1);
    await pass(90_000);
    expect([tide.transport, said]).toEqual(["websocket", [1]]);
  });

  test("a move loses nothing, and brings nothing twice", async () => {
    hub.socket = "refused";
    const tide = client({ climb: 1000 });
    const said = hear(tide);
    const states = record(tide, "state");
    await pass(500);
    expect(tide.transport).toBe("sse");
    hub.socket = "works";
    const acks: Promise<unknown>[] = [];
    for (let n = 0; n < 400; n++) {
      hub.say(LOBBY, n);
      if (n % 10 === 0) {
        acks.push(tide.publish(LOBBY, `mine ${n}`));
      }
      await pass(3);
    }
    await pass(1000);
    await Promise.all(acks);
    expect(tide.transport).toBe("websocket");
    expect(said.filter((one) => typeof one === "number")).toEqual([...Array(400).keys()]);
    expect(hub.entries(LOBBY).filter(({ message }) => "text" in message).length).toBe(40);
    expect(states.map(([, state]) => state)).not.toContain("closed");
    expect(states.at(-1)![1]).toBe("open");
  });

  test("WebSocket that worked before is tried again soon", async () => {
    const tide = client({ climb: 60_000 });
    hear(tide);
    await pass();
    hub.socket = "refused";
    hub.drop();
    await pass(500);
    expect(tide.transport).toBe("sse");
    hub.socket = "works";
    await pass(1500);
    expect(tide.transport).toBe("websocket");
  });

  test("from long poll it climbs to SSE, if WebSocket does not work", async () => {
    hub.socket = "refused";
    hub.http = "down";
    const tide = client({ transports: ["websocket", "sse", "poll"], climb: 1000 });
    const fetching = vi.spyOn(hub, "fetch");
    const real = fetching.getMockImplementation() ?? FakeHub.prototype.fetch.bind(hub);
    let failures = 0;
    // The first request, which is that of SSE, fails; that of long poll works.
    hub.http = "works";
    fetching.mockImplementation((url, init) => (failures++ === 0 ? Promise.reject(new TypeError("fetch failed")) : real(url, init)));
    hear(tide);
    await pass(600);
    expect(tide.transport).toBe("poll");
    await pass(2000);
    expect(tide.transport).toBe("sse");
  });

  test("a connection that dies while a better one is on its way waits for that", async () => {
    hub.socket = "refused";
    const tide = client({ climb: 1000, patience: 5000 });
    const said = hear(tide);
    await pass(500);
    hub.socket = "hangs";
    await pass(1200);
    hub.http = "down";
    hub.say(LOBBY, 1);
    hub.drop();
    await pass(20);
    expect(["connecting", "waiting"]).toContain(tide.state);
    hub.socket = "works";
    hub.http = "works";
    await pass(10_000);
    expect(said).toEqual([1]);
  });
});
