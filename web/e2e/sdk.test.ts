// The SDK in a real browser: two pages write and read while one is frozen, put aside, cut off, or the hub is killed.
// Numbers tell at the end whether anything was lost, doubled, or came in another order.
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Tidewire as Client } from "tidewire";
import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { Middle } from "../../sdk/js/test/hub.ts";
import { Person, startBrowser } from "./browser.ts";
import { Hub } from "./hub.ts";

/** What a page keeps of its client. */
interface Kept {
  name: string;
  tide: Client;
  publish: (text: string) => Promise<unknown>;
  /** The marks that came, in order; `gap` where some are missing. */
  heard: string[];
  /** States, and ways where it was open. */
  told: string[];
  /** How many were published, and how many of them were kept. */
  said: number;
  kept: number;
  failed: string[];
  speaking: ReturnType<typeof setInterval> | undefined;
  /** Whether it came back out of the browser's memory. */
  restored: boolean;
}

declare global {
  var Tidewire: typeof Client;
  var kept: Kept;
}

const PAGE = `<!doctype html><title>A page</title><link rel=icon href="data:,">
<script type="module">import { Tidewire } from "/tidewire.js"; globalThis.Tidewire = Tidewire;</script>`;

let site: Server;
let hub: Hub;
let middle: Middle;
let browser: Browser;
let home: string;
let people: Person[] = [];
let count = 0;

beforeAll(async () => {
  let script = "";
  // A page of another site; it stays when the hub goes.
  site = createServer(({ url }, answer) => {
    answer.setHeader("content-type", url === "/tidewire.js" ? "text/javascript" : "text/html");
    answer.end(url === "/tidewire.js" ? script : PAGE);
  });
  await new Promise<void>((done) => site.listen(0, "127.0.0.1", done));
  home = `http://127.0.0.1:${(site.address() as AddressInfo).port}`;
  hub = await Hub.start({ args: ["--origin", home] });
  script = await (await fetch(`${hub.url}/tidewire.js`)).text();
  middle = await Middle.before(hub);
  browser = await startBrowser(["--disable-back-forward-cache"]);
});

afterAll(async () => {
  await browser?.close();
  await middle?.stop();
  await hub?.stop();
  site?.close();
});

let a: Page;
let b: Page;

beforeEach(async () => {
  const channel = `chat:numbers${count++}`;
  people = [await Person.enter(browser), await Person.enter(browser)];
  [a, b] = (await Promise.all(people.map((person) => person.open(home)))) as [Page, Page];
  await Promise.all([enter(a, "a", channel), enter(b, "b", channel)]);
  await Promise.all([a, b].map(speak));
});

afterEach(async () => {
  middle.blocksUpgrades = middle.buffersStreams = middle.swallows = false;
  await Promise.all(people.map((person) => person.leave()));
});

/** A client that is live. */
async function enter(page: Page, name: string, channel: string): Promise<void> {
  await page.evaluate(
    async ([url, name, channel]) => {
      const tide = new globalThis.Tidewire(url, { name, climb: 500, backoff: { min: 50, max: 500 }, patience: 2000 });
      const room = tide.channel(channel);
      const kept: Kept = (globalThis.kept = {
        name, tide, publish: (text) => room.publish(text), heard: [], told: [], said: 0, kept: 0, failed: [], speaking: undefined, restored: false,
      });
      room.on("message", ({ text = "?" }) => kept.heard.push(text));
      room.on("gap", () => kept.heard.push("gap"));
      tide.on("state", (state) => kept.told.push(state === "open" ? tide.transport! : state));
      addEventListener("pageshow", ({ persisted }) => (kept.restored = persisted));
      await new Promise((done) => room.on("live", done));
    },
    [middle.url, name, channel] as const,
  );
}

/** Publishes a number now and then. */
const speak = (page: Page): Promise<void> =>
  page.evaluate(() => {
    const { kept } = globalThis;
    kept.speaking = setInterval(() => {
      kept.publish(`${kept.name}-${kept.said++}`).then(
        () => kept.kept++,
        (error: Error) => kept.failed.push(String(error)),
      );
    }, 40);
  });

/** Both fall silent; each has to have heard all that both have said. */
async function judge(): Promise<void> {
  for (const page of [a, b]) {
    await page.evaluate(() => clearInterval(kept.speaking));
  }
  const said = [];
  for (const page of [a, b]) {
    await expect.poll(() => page.evaluate(() => kept.said - kept.kept - kept.failed.length), { timeout: 15_000 }).toBe(0);
    expect(await page.evaluate(() => kept.failed)).toEqual([]);
    said.push(await page.evaluate(() => kept.said));
  }
  expect(Math.min(...said)).toBeGreaterThan(5);
  for (const page of [a, b]) {
    const heard = (): Promise<string[]> => page.evaluate(() => kept.heard);
    await expect.poll(async () => (await heard()).length, { timeout: 15_000 }).toBeGreaterThanOrEqual(said[0]! + said[1]!);
    const all = await heard();
    const of = (name: string): string[] => all.filter((mark) => mark.startsWith(name));
    expect(of("a-")).toEqual(Array.from({ length: said[0]! }, (_, n) => `a-${n}`));
    expect(of("b-")).toEqual(Array.from({ length: said[1]! }, (_, n) => `b-${n}`));
    expect(all.length).toBe(said[0]! + said[1]!);
  }
}

const sleep = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));

/** Waits until the page's client goes by this way. */
const goesBy = (page: Page, way: string | undefined): Promise<void> =>
  expect.poll(() => page.evaluate(() => kept.tide.transport), { timeout: 15_000 }).toBe(way);

test("a page that is frozen hears all of it when it thaws, also if its connection died meanwhile", async () => {
  const session = await a.context().newCDPSession(a);
  for (const dies of [false, true]) {
    await session.send("Page.setWebLifecycleState", { state: "frozen" });
    await sleep(1000);
    if (dies) {
      middle.cut();
    }
    await sleep(1000);
    await session.send("Page.setWebLifecycleState", { state: "active" });
    await sleep(300);
  }
  await judge();
});

test("a page that is put aside and comes back out of the browser's memory goes on where it was", async () => {
  await sleep(500);
  await a.goto(`${home}/away`);
  await sleep(1500);
  await a.goBack({ waitUntil: "commit" });
  await expect.poll(() => a.evaluate(() => kept.restored)).toBe(true);
  await goesBy(a, "websocket");
  expect(await a.evaluate(() => kept.told)).toEqual(expect.arrayContaining(["waiting", "connecting", "websocket"]));
  await sleep(300);
  await judge();
});

test("without network nothing is lost, on either side", async () => {
  await a.context().setOffline(true);
  // What is already open may stay so for a while.
  middle.cut();
  await goesBy(a, undefined);
  expect(await a.evaluate(() => kept.tide.state)).toBe("offline");
  await sleep(1500);
  await a.context().setOffline(false);
  await goesBy(a, "websocket");
  await judge();
});

test("from WebSocket down to SSE and long poll, and up again", async () => {
  middle.blocksUpgrades = true;
  middle.cut();
  await goesBy(a, "sse");
  await sleep(500);
  middle.buffersStreams = true;
  middle.cut();
  await goesBy(a, "poll");
  await sleep(1000);
  middle.blocksUpgrades = middle.buffersStreams = false;
  await goesBy(a, "websocket");
  await goesBy(b, "websocket");
  await judge();
});

test.each(["websocket", "sse"])("the hub is killed -9 and comes back, over %s", async (way) => {
  middle.blocksUpgrades = way !== "websocket";
  if (middle.blocksUpgrades) {
    middle.cut();
    await goesBy(a, way);
    await goesBy(b, way);
  }
  for (let kills = 0; kills < 2; kills++) {
    await sleep(500);
    await hub.kill();
    await sleep(300);
    await hub.run();
  }
  await judge();
});
