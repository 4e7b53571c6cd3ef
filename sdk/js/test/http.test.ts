// SSE and long poll: what goes up, what comes down, and what is refused.
import { describe, expect, test, vi } from "vitest";
import type { Tidewire } from "../src/index.js";
import { LOBBY, client, hear, hub, stage } from "./stage.js";
import { pass, record } from "./tools.js";

stage();

describe.each(["sse", "poll"] as const)("over %s", (way) => {
  const open = async (names: string[] = [LOBBY]): Promise<[Tidewire, unknown[][]]> => {
    const tide = client({ transports: [way] });
    const said = names.map((name) => hear(tide, name));
    await pass(100);
    return [tide, said];
  };

  test("commands go up without a preflight, as one guest", async () => {
    const [tide] = await open();
    const ack = tide.publish(LOBBY, "hi");
    await pass();
    expect((await ack).pos).toBe("t-1");
    expect(hub.requests.filter((one) => one.startsWith("POST"))).toEqual(["POST /uplink", `POST /uplink?client=${tide.token}`]);
    expect(hub.requests.some((one) => one.startsWith(`GET /${way}?`) && one.includes(`client=${tide.token}`))).toBe(true);
  });

  test("without channels nothing is followed", async () => {
    const tide = client({ transports: [way] });
    const ack = tide.publish(LOBBY, "hi");
    await pass(100);
    expect([(await ack).pos, hub.requests.some((one) => one.startsWith("GET"))]).toEqual(["t-1", false]);
  });

  test("publishes go in order, several in a request, but not too many bytes", async () => {
    const [tide] = await open();
    const bodies: string[] = [];
    const real = hub.fetch.bind(hub);
    vi.spyOn(hub, "fetch").mockImplementation((url, init) => {
      if (init.body) {
        bodies.push(init.body as string);
      }
      return real(url, init);
    });
    const acks = Promise.all([...Array(20).keys()].map((n) => tide.publish(LOBBY, `${n} ${"x".repeat(n === 3 ? 40_000 : 5)}`)));
    await pass(500);
    await acks;
    expect(hub.entries(LOBBY).map(({ message }) => parseInt(String(message["text"])))).toEqual([...Array(20).keys()]);
    expect(bodies.length).toBeLessThan(8);
    expect(bodies.every((body) => body.length < 33_000 || !body.startsWith("["))).toBe(true);
  });

  test("a publish that is too large for a request is refused, and the others go", async () => {
    const [tide] = await open();
    const real = hub.fetch.bind(hub);
    vi.spyOn(hub, "fetch").mockImplementation((url, init) =>
      (init.body as string | undefined)?.includes("large") ? Promise.resolve(new Response("too much", { status: 413 })) : real(url, init),
    );
    const [large, small] = [tide.publish(LOBBY, `large ${"x".repeat(40_000)}`), tide.publish(LOBBY, "small")].map((ack) =>
      ack.then(({ pos }) => pos, ({ code }: { code: string }) => code),
    );
    await pass(200);
    expect([await large, await small]).toEqual(["too_large", "t-1"]);
  });

  test("what is followed may change at any moment", async () => {
    const [tide, [said]] = await open();
    hub.say(LOBBY, 1);
    await pass();
    const other = hear(tide, "chat:other");
    hub.say(LOBBY, 2);
    await pass(100);
    hub.say("chat:other", 3);
    await pass(100);
    tide.channel(LOBBY).unsubscribe();
    await pass(100);
    hub.say(LOBBY, 4);
    hub.say("chat:other", 5);
    await pass(100);
    expect([said, other]).toEqual([[1, 2], [3, 5]]);
    expect(tide.transport).toBe(way);
  });

  test("one that is left and wanted again while the rest of an answer is handed out loses nothing", async () => {
    const [tide, [a, b]] = await open([LOBBY, "chat:other"]);
    const [lobby, other] = [tide.channel(LOBBY), tide.channel("other")];
    lobby.on("message", ({ data }) => data === 1 && void lobby.unsubscribe());
    other.on("message", () => void lobby.subscribe());
    for (const [name, data] of [[LOBBY, 1], [LOBBY, 2], ["chat:other", 3], [LOBBY, 4]] as const) {
      hub.say(name, data);
    }
    await pass(1000);
    expect([a, b]).toEqual([[1, 2, 4], [3]]);
  });

  test("the channel that is refused is found among the others", async () => {
    const names = [LOBBY, "chat:b", "no:where", "chat:d", "live:e"];
    const tide = client({ transports: [way] });
    const errors: string[] = [];
    for (const name of names) {
      tide.channel(name).subscribe();
      tide.channel(name).on("error", ({ code }) => errors.push(`${name} ${code}`));
    }
    await pass(300);
    expect(errors).toEqual(["no:where unknown_namespace"]);
    expect(names.map((name) => tide.channel(name).state)).toEqual(["live", "live", "idle", "live", "live"]);
  });

  test("what came while it was away comes once", async () => {
    const [, [said]] = await open();
    for (let n = 0; n < 40; n++) {
      hub.say(LOBBY, n);
      if (n % 10 === 5) {
        hub.drop();
      }
      await pass(n % 10 === 8 ? 500 : 5);
    }
    await pass(20_000);
    expect(said).toEqual([...Array(40).keys()]);
  });

  test("live is told once, not with each answer", async () => {
    const tide = client({ transports: [way] });
    const told = record(tide.channel(LOBBY), "live", "state");
    hear(tide);
    await pass(100);
    for (const n of [1, 2, 3]) {
      hub.say(LOBBY, n);
      await pass(100);
    }
    expect(told).toEqual([["state", "subscribing"], ["state", "live"], ["live", "t-0"]]);
  });

  test("a token that is forgotten is told, and it goes on as a new guest", async () => {
    const [tide, [said]] = await open();
    const errors = record(tide, "error");
    hub.tokens.clear();
    hub.drop();
    void tide.publish(LOBBY, 1).catch(() => {});
    await pass(3000);
    hub.say(LOBBY, 2);
    await pass(100);
    expect(said!.at(-1)).toBe(2);
    expect(errors.map(([, error]) => (error as { code: string }).code)).toEqual(["bad_client"]);
  });

  test("a hub that is busy says when to come back", async () => {
    const tide = client({ transports: [way], backoff: { min: 1, max: 1 } });
    const real = hub.fetch.bind(hub);
    const busy = Response.json({ op: "error", code: "overloaded", message: "busy", retry_after_ms: 5000 }, { status: 503 });
    const fetching = vi.spyOn(hub, "fetch").mockImplementation((url, init) => (url.includes(`/${way}`) ? Promise.resolve(busy.clone()) : real(url, init)));
    hear(tide);
    await pass(4900);
    expect([tide.state, fetching.mock.calls.filter(([url]) => url.includes(`/${way}`)).length]).toEqual(["waiting", 1]);
    expect(tide.reason!.message).toBe("busy");
  });

  test("who comes between two requests is seen soon", async () => {
    const tide = client({ transports: [way] });
    tide.channel(LOBBY).presence.on("sync", () => {});
    await pass(100);
    hub.rooms.set(LOBBY, { v: 1, members: [{ session: "a" }] });
    if (way === "sse") {
      hub.drop();
    }
    await pass(2000);
    expect(tide.channel(LOBBY).presence.members).toEqual([{ session: "a" }]);
    await tide.close();
    await pass(5000);
    expect(vi.getTimerCount()).toBe(0);
  });

  test("after close() nothing is asked, and no timer is left", async () => {
    const [tide] = await open();
    await tide.close();
    const asked = hub.requests.length;
    await pass(0);
    // The poll that the hub still holds is the hub's.
    expect(vi.getTimerCount()).toBeLessThanOrEqual(0);
    await pass(60_000);
    expect(hub.requests.length).toBe(asked);
  });
});

describe("a stream", () => {
  test("that was cut after a while is opened again, and nobody notices", async () => {
    const tide = client({ transports: ["sse"] });
    const said = hear(tide);
    await pass(6000);
    const states = record(tide, "state");
    hub.say(LOBBY, 1);
    await pass();
    hub.drop();
    hub.say(LOBBY, 2);
    await pass(100);
    expect([said, states]).toEqual([[1, 2], []]);
  });

  test("that is silent for too long is given up", async () => {
    hub.comments = false;
    const tide = client({ transports: ["sse"], idle: 10_000, patience: 1000 });
    const states = record(tide, "state");
    hear(tide);
    await pass(60_000);
    expect(states.map(([, state]) => state)).toContain("waiting");
  });

  test.each([
    ["at once", (text: string) => [text]],
    ["byte by byte", (text: string) => [...new TextEncoder().encode(text)].map((byte) => new Uint8Array([byte]))],
    ["with other line ends", (text: string) => [text.replaceAll("\n", "\r\n")]],
  ])("is read whole when it comes %s", async (_, cut) => {
    const events = [
      ": a comment\n\n",
      'id: t-1\nevent: message\ndata: {"op":"ok","channel":"chat:lobby",\ndata: "pos":"t-0"}\n\n',
      'data:{"op":"message","channel":"chat:lobby","pos":"t-1","at":1,"text":"ö €"}\n\n',
      "data: no json\n\n",
      'data: {"op":"message","channel":"chat:lobby","pos":"t-2","at":1,"text":"last"}\n\n',
    ].join("");
    const stream = new ReadableStream<Uint8Array>({
      start: (to) => cut(events).forEach((part) => to.enqueue(typeof part === "string" ? new TextEncoder().encode(part) : part)),
    });
    const real = hub.fetch.bind(hub);
    vi.spyOn(hub, "fetch").mockImplementation((url, init) => (url.includes("/sse") ? Promise.resolve(new Response(stream)) : real(url, init)));
    const tide = client({ transports: ["sse"] });
    const told = record(tide.channel(LOBBY), "message");
    tide.channel(LOBBY).subscribe();
    await pass(100);
    expect(told.map(([, message]) => (message as { text: string }).text)).toEqual(["ö €", "last"]);
  });
});
