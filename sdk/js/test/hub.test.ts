// The client against a real hub: every way, hubs that are killed under it, and moves between ways.
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import { Tidewire, TidewireError, type Message, type Options, type TransportName } from "../src/index.js";
import { Hub, Middle, notRun } from "./hub.js";

const SOCKET = WebSocket as unknown as NonNullable<Options["WebSocket"]>;
const WAYS: TransportName[] = ["websocket", "sse", "poll"];

const clients: Tidewire[] = [];
const problems: unknown[] = [];

function client(url: string, options: Options = {}): Tidewire {
  const tide = new Tidewire(url, { WebSocket: SOCKET, backoff: { min: 20, max: 200 }, ...options });
  tide.on("error", (error) => problems.push(error));
  clients.push(tide);
  return tide;
}

async function until(what: string, is: () => boolean, patience = 15_000): Promise<void> {
  for (const end = Date.now() + patience; !is(); ) {
    if (Date.now() > end) {
      throw new Error(`never: ${what}`);
    }
    await new Promise((done) => setTimeout(done, 5));
  }
}

/** What a channel's messages say. */
function hear(tide: Tidewire, channel: string, options = {}): { said: unknown[]; gaps: number } {
  const view = { said: [] as unknown[], gaps: 0 };
  const room = tide.channel(channel, options);
  room.on("message", (message: Message) => view.said.push(message.text ?? message.data ?? message.bytes));
  room.on("gap", () => view.gaps++);
  return view;
}

const live = (tide: Tidewire, channel: string): Promise<void> =>
  until(`${channel} is live`, () => tide.channel(channel).state === "live");

let number = 0;
const fresh = (): string => `chat:room-${++number}`;

describe.skipIf(notRun("the client against a real hub"))("a real hub", () => {
  let hub: Hub;
  let middle: Middle;

  beforeAll(async () => {
    hub = await Hub.start();
    middle = await Middle.before(hub);
  });

  afterEach(async () => {
    await Promise.all(clients.splice(0).map((tide) => tide.close()));
    Object.assign(middle, { blocksUpgrades: false, buffersStreams: false, swallows: false });
    middle.asked.length = 0;
    expect(problems.splice(0)).toEqual([]);
  });

  afterAll(async () => {
    await middle.stop();
    await hub.stop();
  });

  describe.each(WAYS)("over %s", (way) => {
    test("says, hears, reads, and knows who is here", async () => {
      const room = fresh();
      const [ann, bob] = ["Ann", "Bob"].map((name) => client(hub.url, { transports: [way], name }));
      const heard = hear(ann!, room);
      await live(ann!, room);
      expect(ann!.transport).toBe(way);
      const ack = await bob!.publish(room, { text: "hi" });
      await bob!.publish(room, "plain");
      await bob!.publish(room, new Uint8Array([0, 255, 10]));
      await bob!.publish(room, null);
      await until("all came", () => heard.said.length === 4);
      expect(heard.said).toEqual([{ text: "hi" }, "plain", new Uint8Array([0, 255, 10]), undefined]);
      const page = await ann!.channel(room).history({ limit: 3 });
      expect(page.more).toBe(true);
      const before = await ann!.channel(room).history({ before: page.messages[0]!.pos! });
      expect(before.messages.map(({ pos, data }) => ({ pos, data }))).toEqual([{ pos: ack.pos, data: { text: "hi" } }]);
      expect(before.messages[0]!.from).toEqual({ client: bob!.client, name: "Bob" });
      expect((await ann!.channel(room).presence.get()).map(({ name }) => name)).toEqual(["Ann"]);
      expect(await ann!.ping()).toBeGreaterThan(0);
    });

    test("keeps presence as people come and go", async () => {
      const room = fresh();
      const [ann, bob] = ["Ann", "Bob"].map((name) => client(hub.url, { transports: [way], name }));
      const names = (): string[] => ann!.channel(room).presence.members.map(({ name }) => name ?? "?").sort();
      ann!.channel(room).presence.on("sync", () => {});
      await until("Ann sees herself", () => names().join() === "Ann");
      bob!.channel(room).subscribe();
      await until("Bob is seen", () => names().join() === "Ann,Bob");
      if (way !== "poll") {
        bob!.channel(room).unsubscribe();
        await until("Bob is gone", () => names().join() === "Ann");
      }
    });

    test("gives the newest first, and goes on from a place that the program kept", async () => {
      const room = fresh();
      const ann = client(hub.url, { transports: [way] });
      const acks = [];
      for (const n of [1, 2, 3, 4]) {
        acks.push(await ann.publish(room, n));
      }
      const newest = hear(client(hub.url, { transports: [way] }), room, { history: 2 });
      const since = hear(client(hub.url, { transports: [way] }), room, { since: acks[0]!.pos });
      const lost = hear(client(hub.url, { transports: [way] }), room, { since: "zz-1" });
      await until("they came", () => newest.said.length === 2 && since.said.length === 3 && lost.gaps === 1);
      expect([newest.said, since.said, lost.said]).toEqual([[3, 4], [2, 3, 4], []]);
    });

    test("loses nothing when connections are cut and the hub is killed, and publishes once", async () => {
      const room = fresh();
      const ann = client(middle.url, { transports: [way], name: "Ann" });
      const bob = client(middle.url, { transports: [way], name: "Bob" });
      const heard = hear(ann, room);
      const token = hear(ann, "chat:other");
      await live(ann, room);
      await live(ann, "chat:other");
      const acks: Promise<unknown>[] = [];
      for (let n = 0; n < 60; n++) {
        acks.push(bob.publish(room, n));
        if (n % 15 === 5) {
          middle.cut();
        }
        if (n === 30) {
          await hub.kill();
          setTimeout(() => void hub.run(), 50);
        }
        await new Promise((done) => setTimeout(done, 4));
      }
      await Promise.all(acks);
      await until("all came", () => heard.said.length >= 60);
      await new Promise((done) => setTimeout(done, 100));
      expect(heard.said.length).toBe(60);
      expect([...heard.said].sort((a, b) => Number(a) - Number(b))).toEqual([...Array(60).keys()]);
      expect(heard.said).toEqual([...Array(60).keys()]);
      expect([heard.gaps, token.gaps]).toEqual([0, 0]);
    });

    test("is the same guest again with its token, and a new one with a wrong token", async () => {
      const ann = client(hub.url, { transports: [way] });
      await ann.ping();
      const again = client(hub.url, { transports: [way], token: ann.token! });
      await again.ping();
      expect(again.client).toBe(ann.client);
      const wrong = client(hub.url, { transports: [way], token: `${ann.token}x` });
      await wrong.ping();
      expect(wrong.client).not.toBe(ann.client);
      expect(problems.splice(0)).toMatchObject([{ code: "bad_client" }]);
    });

    test("tells which channel it may not have, and has the others", async () => {
      const ann = client(hub.url, { transports: [way] });
      const good = ["chat:a", "chat:b", "chat:c"].map((name) => ann.channel(name).subscribe());
      const codes: string[] = [];
      ann.channel("nowhere:x").on("error", ({ code }) => codes.push(code));
      ann.channel("nowhere:x").subscribe();
      await until("it is refused", () => codes.length > 0 && good.every(({ state }) => state === "live"));
      expect(codes).toEqual(["unknown_namespace"]);
      expect(ann.channel("nowhere:x").state).toBe("idle");
    });

    test("refuses what is too large, and goes on", async () => {
      const ann = client(hub.url, { transports: [way] });
      const large = ann.publish(fresh(), "x".repeat(300_000));
      await expect(large).rejects.toMatchObject({ code: "too_large", temporary: false });
      await expect(large).rejects.toBeInstanceOf(TidewireError);
      expect((await ann.publish(fresh(), "small")).pos).toBeTypeOf("string");
    });

    test("follows more channels than one request may name", async () => {
      const ann = client(hub.url, { transports: [way] });
      const rooms = [...Array(40).keys()].map((n) => `chat:many-${way}-${n}`);
      const views = rooms.map((room) => hear(ann, room));
      for (const room of rooms) {
        await live(ann, room);
      }
      const bob = client(hub.url);
      await Promise.all(rooms.map((room) => bob.publish(room, "hi")));
      await until("all came", () => views.every(({ said }) => said.length === 1));
    });

    test("publishes more than the hub takes at once, all of it, once", async () => {
      const room = fresh();
      const ann = client(hub.url, { transports: [way] });
      const heard = hear(ann, room);
      await live(ann, room);
      await Promise.all([...Array(130).keys()].map((n) => ann.publish(room, n)));
      await until("all came", () => heard.said.length >= 130);
      expect(new Set(heard.said).size).toBe(130);
      expect(heard.said.length).toBe(130);
    });
  });

  test("falls back where WebSocket is blocked, and climbs back with nothing lost", async () => {
    middle.blocksUpgrades = true;
    const room = fresh();
    const ann = client(middle.url, { climb: 300 });
    const bob = client(hub.url);
    const heard = hear(ann, room);
    await live(ann, room);
    expect(ann.transport).toBe("sse");
    let n = 0;
    const acks: Promise<unknown>[] = [];
    const talk = setInterval(() => {
      acks.push(bob.publish(room, n++), ann.publish(room, -n));
    }, 10);
    middle.blocksUpgrades = false;
    await until("it has climbed", () => ann.transport === "websocket");
    await new Promise((done) => setTimeout(done, 100));
    clearInterval(talk);
    await Promise.all(acks);
    await until("all came", () => heard.said.length >= 2 * n);
    expect(heard.said.filter((one) => Number(one) >= 0 && !Object.is(one, -0))).toEqual([...Array(n).keys()]);
    expect(new Set(heard.said).size).toBe(2 * n);
    expect(heard.said.length).toBe(2 * n);
    expect(heard.gaps).toBe(0);
  });

  test("goes to long poll where streams are kept back, and stays there", async () => {
    middle.blocksUpgrades = middle.buffersStreams = true;
    const room = fresh();
    const ann = client(middle.url, { patience: 500, climb: 100 });
    const heard = hear(ann, room);
    const bob = client(hub.url);
    await until("it polls", () => ann.transport === "poll");
    await bob.publish(room, "hi");
    await until("it came", () => heard.said.length === 1);
    await new Promise((done) => setTimeout(done, 400));
    expect(ann.transport).toBe("poll");
  });

  test("has no WebSocket in Node 20, and uses SSE", async () => {
    const tide = new Tidewire(hub.url);
    clients.push(tide);
    await tide.ping();
    expect(tide.transport).toBe("WebSocket" in globalThis ? "websocket" : "sse");
  });

  test("notices that nothing comes any more, and comes back", async () => {
    const room = fresh();
    const ann = client(middle.url, { transports: ["websocket"], idle: 100, patience: 300 });
    const heard = hear(ann, room);
    await live(ann, room);
    middle.swallows = true;
    const bob = client(hub.url);
    await bob.publish(room, "missed");
    await until("it is noticed", () => ann.state !== "open");
    middle.swallows = false;
    middle.cut();
    await until("it came", () => heard.said.length === 1);
  });

  test("a hub that stops says when to come back", async () => {
    const ann = client(hub.url, { transports: ["websocket"] });
    await ann.ping();
    const reasons: unknown[] = [];
    ann.on("state", (_, why) => why && reasons.push([why.code, why.message]));
    await hub.kill("SIGTERM");
    expect(reasons[0]).toEqual([4001, "shutdown"]);
    const kept = ann.publish(fresh(), "later");
    await hub.run();
    expect((await kept).pos).toBeTypeOf("string");
  });
});
