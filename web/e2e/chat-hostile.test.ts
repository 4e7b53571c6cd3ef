// The room with somebody in it who means harm, or a hub that is none: the page stays usable, bounded and honest.
import type { Page } from "playwright-core";
import { deflateSync } from "node:zlib";
import { expect, test } from "vitest";
import { PHONE, Person, isTooWide } from "./browser.ts";
import { ROOMY, enter, isConnected, publish, say } from "./chat.ts";
import { FakeRoom } from "./fake.ts";
import { browser, hub, stage } from "./stage.ts";

stage({ config: ROOMY });

/** A room whose hub is the test. */
async function alone(person: Person, room = "lobby"): Promise<[Page, FakeRoom]> {
  const page = await person.context.newPage();
  const fake = await FakeRoom.before(page);
  await page.addInitScript(() => localStorage.setItem("tidewire.name", "Ann"));
  await page.goto(`${hub.url}/chat/${room}`);
  await isConnected(page);
  return [page, fake];
}

test("in a flood one can scroll up, write, and is not drowned", async () => {
  const ann = await Person.enter(browser);
  const [page, fake] = await alone(ann);
  let n = 0;
  const flood = setInterval(() => fake.keep("chat:lobby", Array.from({ length: 10 }, () => ({ text: `flood ${(n += 1)}` }))), 50);
  await page.getByText("flood 300", { exact: true }).waitFor();
  await page.evaluate(() => {
    const seen = { longest: 0, spoken: 0 };
    (globalThis as Record<string, unknown>)["seen"] = seen;
    new PerformanceObserver((list) => (seen.longest = Math.max(seen.longest, ...list.getEntries().map(({ duration }) => duration)))).observe({ type: "longtask" });
    new MutationObserver((changes) => (seen.spoken += changes.flatMap(({ addedNodes }) => [...addedNodes]).length))
      .observe(document.querySelector("tidewire-chat")!.shadowRoot!.querySelector("[aria-live=polite]")!, { childList: true });
  });
  // Slowly up, as by a finger: less at a time than what counts as near the end.
  await page.locator(".log").hover();
  for (let i = 0; i < 30; i += 1) {
    await page.mouse.wheel(0, -20);
    await page.waitForTimeout(30);
  }
  await page.locator(".jump", { hasText: "new messages" }).waitFor({ timeout: 5_000 });
  await page.waitForTimeout(2_000);
  await page.locator(".jump").click();
  await page.locator("textarea").pressSequentially("still here");
  await page.keyboard.press("Enter");
  await page.locator(".message.own .text", { hasText: "still here" }).waitFor();
  clearInterval(flood);
  await page.locator(".text", { hasText: `flood ${n}` }).first().waitFor();
  const seen = await page.evaluate(() => (globalThis as unknown as { seen: { longest: number; spoken: number } }).seen);
  console.log(`flood of ${n}: longest task ${Math.round(seen.longest)} ms, ${seen.spoken} things said`);
  expect(seen.longest).toBeLessThan(1_000);
  expect(seen.spoken).toBeLessThan(15);
  expect(await page.locator(".log *").count()).toBeLessThan(4_000);
  await ann.leave();
});

test("what no hub would say does no harm, and what is said after it is shown", async () => {
  const ann = await Person.enter(browser, { viewport: PHONE });
  const [page, fake] = await alone(ann);
  const channel = "chat:lobby";
  const odd: unknown[] = [null, true, 0, -1, 1e300, "", "x", "\ud800", [], {}, [[]], { toString: 1 }, { text: 5 }, { user: {}, content: [] }, { __proto__: { text: "x" } }];
  for (const field of ["pos", "at", "from", "key", "data", "text", "base64", "channel", "op", "id"]) {
    for (const value of odd) {
      fake.say({ op: "message", channel, at: Date.now(), from: { client: "c", name: "N" }, text: `odd ${field}`, [field]: value });
    }
  }
  for (const op of ["join", "leave", "live", "lag", "bye?", "ok", "error", "pong"]) {
    fake.say({ op, channel, v: "x", session: {}, name: [], code: {}, message: 7 });
  }
  const nested = "[".repeat(900) + "]".repeat(900);
  fake.say("no json", "[]", "[[[]]]", `{"op":"message","channel":"${channel}","at":1e999,"from":{"client":"c"},"data":{"text":1e999}}`, `{"op":"message","channel":"${channel}","at":1,"from":{"client":"c"},"data":${nested}}`);
  fake.keep(channel, [
    { text: "w".repeat(60 * 1024) }, { text: `${"\n".repeat(10_000)}after the lines${"\n".repeat(10_000)}` }, { text: `a${"\n".repeat(10_000)}b` },
    { text: "Z\u0338\u031b\u032a\u0339\u034e\u032b\u0316\u0357\u030f".repeat(200) }, { text: "\u202e\u2066\u2067 turned \u202d around" },
    { data: { text: "javascript:alert(1) data:text/html,x vbscript:x blob:x file:///etc/passwd" } }, { text: "x", from: { client: "c", name: "\u0301".repeat(30) + "W".repeat(300) } },
    { text: "name of spaces", from: { client: "dddd", name: " \u2003\u200b " } }, { redacted: true }, { text: "the last" },
  ]);
  await page.getByText("the last", { exact: true }).waitFor();
  await expect.poll(() => page.getByText("This message was removed.").count()).toBe(1);
  expect(await page.getByText("after the lines", { exact: true }).evaluate((text) => text.getBoundingClientRect().height)).toBeLessThan(60);
  expect(await page.locator(".message", { hasText: "name of spaces" }).locator(".who").innerText()).toBe("guest dddd");
  expect(await page.locator(".message a").count()).toBe(0);
  expect(await isTooWide(page)).toBe(false);
  expect(await page.locator(".log").evaluate((log) => log.scrollWidth <= log.clientWidth)).toBe(true);
  await say(page, "and an answer");
  await page.locator(".message.own .state", { hasText: "✓" }).waitFor();
  expect(ann.complaints).toEqual([]);
  await ann.leave();
});

test("where messages were lost a line says so, in their place", async () => {
  const ann = await Person.enter(browser);
  const [page, fake] = await alone(ann);
  fake.keep("chat:lobby", [{ text: "before" }]);
  await page.getByText("before", { exact: true }).waitFor();
  // While the page is away the hub loses all, and begins anew.
  fake.recovers = false;
  fake.kept = [];
  await fake.drop();
  fake.keep("chat:lobby", [{ pos: "u-1", text: "after" }], false);
  await page.getByText("after", { exact: true }).waitFor();
  await page.getByText("Messages may be missing here.").waitFor();
  expect(await page.locator(".list > .message .text, .list > .gap span").allInnerTexts()).toEqual(["before", "Messages may be missing here.", "after"]);
  await ann.leave();
});

/** A PNG that says it is that large; of one colour, so that few bytes unpack to very many. */
function png(width: number, height: number): string {
  const head = new DataView(new ArrayBuffer(13));
  head.setUint32(0, width);
  head.setUint32(4, height);
  head.setUint16(8, 0x100); // one bit a pixel, grey
  const rows = deflateSync(new Uint8Array((Math.ceil(width / 8) + 1) * height), { level: 9 }).toString("latin1");
  const all = `\u0089PNG\r\n\u001a\n${chunk("IHDR", Buffer.from(head.buffer).toString("latin1"))}${chunk("IDAT", rows)}${chunk("IEND", "")}`;
  return Buffer.from(all, "latin1").toString("base64");
}

const u32 = (n: number) => String.fromCharCode(n >>> 24, (n >>> 16) & 255, (n >>> 8) & 255, n & 255);

function chunk(type: string, data: string): string {
  let sum = -1;
  for (const sign of type + data) {
    sum ^= sign.charCodeAt(0);
    for (let bit = 0; bit < 8; bit += 1) {
      sum = (sum >>> 1) ^ (sum & 1 ? 0xedb88320 : 0);
    }
  }
  return u32(data.length) + type + data + u32(~sum);
}

test("images that unpack to too much, or are none, are not opened; addresses of those that went are given back", async () => {
  const ann = await Person.enter(browser);
  const page = await ann.context.newPage();
  await page.addInitScript(() => {
    const open = new Set<string>();
    (globalThis as Record<string, unknown>)["open"] = open;
    const { createObjectURL, revokeObjectURL } = URL;
    URL.createObjectURL = (blob) => {
      const url = createObjectURL.call(URL, blob);
      open.add(url);
      return url;
    };
    URL.revokeObjectURL = (url) => {
      open.delete(url);
      revokeObjectURL.call(URL, url);
    };
    localStorage.setItem("tidewire.name", "Ann");
  });
  const fake = await FakeRoom.before(page);
  await page.goto(`${hub.url}/chat/lobby`);
  await isConnected(page);
  const svg = Buffer.from("<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>").toString("base64");
  const polyglot = Buffer.from("GIF89a\u000a\u0000\u000a\u0000=alert(1)//<script>alert(1)</script>", "latin1").toString("base64");
  fake.keep("chat:lobby", [{ base64: png(12_000, 12_000) }, { base64: png(30_000, 30) }, { base64: svg }, { base64: polyglot }]);
  await page.locator(".file").nth(2).waitFor();
  // The last is an image by its head, and nothing else to anybody.
  await expect.poll(() => page.locator(".picture img").count()).toBe(1);
  fake.keep("chat:lobby", Array.from({ length: 40 }, () => ({ base64: png(64, 64) })));
  fake.keep("chat:lobby", [{ base64: png(16_000, 2) }]);
  await expect.poll(() => page.locator(".picture").last().boundingBox().then((box) => (box?.height ?? 0) >= 24)).toBe(true);
  expect(await page.evaluate("open.size")).toBeGreaterThan(39);
  fake.keep("chat:lobby", Array.from({ length: 400 }, (_, n) => ({ text: `text ${n}` })));
  await page.getByText("text 399", { exact: true }).waitFor();
  await expect.poll(() => page.evaluate("open.size")).toBe(0);
  await ann.leave();
});

test("a crowd of 5,000 is counted, shown in part, and may come and go", async () => {
  const ann = await Person.enter(browser);
  const page = await ann.context.newPage();
  const fake = await FakeRoom.before(page);
  fake.members = Array.from({ length: 5_000 }, (_, n) => ({ session: `s${n}`, client: `c${n}`, name: `Person ${n}` }));
  await page.addInitScript(() => localStorage.setItem("tidewire.name", "Ann"));
  await page.goto(`${hub.url}/chat/lobby`);
  await page.locator("h2", { hasText: "5000 here" }).waitFor();
  for (let n = 0; n < 600; n += 1) {
    fake.say({ op: "join", channel: "chat:lobby", v: n + 2, session: `t${n}`, client: `d${n}`, name: `Joined ${n}` });
    fake.say({ op: "message", channel: "chat:lobby", at: 1, from: { client: `d${n}`, name: `Joined ${n}` }, data: { typing: true } });
  }
  const began = Date.now();
  await page.locator("textarea").fill("quick");
  await page.keyboard.press("Enter");
  await page.locator(".message.own .text", { hasText: "quick" }).waitFor();
  expect(Date.now() - began).toBeLessThan(4_000);
  await page.locator("h2", { hasText: "5600 here" }).waitFor();
  await page.getByText("Several people are typing…").waitFor();
  await expect.poll(() => page.locator(".people li").count()).toBe(201);
  expect(await page.locator(".note").count()).toBe(0);
  await ann.leave();
});

test("attributes that name no room or no server are said, and break nothing", async () => {
  const ann = await Person.enter(browser);
  const page = await enter(ann, hub, "attributes", "Ann");
  const chat = page.locator("tidewire-chat");
  const set = (name: string, value: string) => chat.evaluate((one, [key, to]) => one.setAttribute(key!, to!), [name, value]);
  for (const server of ["javascript:alert(1)", "data:text/html,x", "file:///etc/passwd", "https://", "http://[::"]) {
    await set("server", server);
    await page.getByText("The attribute server of <tidewire-chat> is no address").waitFor();
  }
  await set("server", `${hub.url}/`);
  for (const room of ["<img src=x onerror=alert(1)>", "a/b?c#d%00", "ämter", "x".repeat(200)]) {
    await set("room", `chat:${room}`);
    await page.locator(".bar h2").getByText(room, { exact: true }).waitFor();
    await isConnected(page);
  }
  for (const room of ["x".repeat(300), "no-such:room", "a\u202eb", "::"]) {
    await set("room", room);
    await page.getByText("This room is closed to this page", { exact: false }).waitFor();
  }
  await set("room", " ");
  await page.getByText("No room is named.", { exact: false }).waitFor();
  await set("room", "attributes");
  await isConnected(page);
  expect(ann.complaints).toEqual([]);
  await ann.leave();
});

test("without storage, and with a clock that is days off, one chats all the same", async () => {
  const ann = await Person.enter(browser);
  await ann.context.addInitScript(() => {
    for (const name of ["localStorage", "sessionStorage"]) {
      Object.defineProperty(globalThis, name, { get: () => { throw new DOMException("denied", "SecurityError"); } });
    }
    const now = Date.now;
    Date.now = () => now() - 3 * 86_400_000;
  });
  const page = await enter(ann, hub, "stored", "Ann");
  await publish(hub, "stored", [{ text: "from elsewhere" }]);
  await say(page, "from here", "and again");
  await expect.poll(() => page.locator(".message.own .state", { hasText: "✓" }).count()).toBe(1);
  await expect.poll(() => page.locator(".message .text").allInnerTexts()).toEqual(["from elsewhere", "from here", "and again"]);
  await expect.poll(() => page.locator(".day").count()).toBe(1);
  expect(ann.complaints).toEqual([]);
  await ann.leave();
});

test("something that is no hub: it is said, and tried again", async () => {
  const ann = await Person.enter(browser);
  const page = await ann.context.newPage();
  for (const [status, body] of [[403, "forbidden"], [404, "<h1>not found</h1>"], [200, "<!doctype html><h1>Welcome</h1>"]] as const) {
    await page.routeWebSocket(/\/ws$/, (socket) => void socket.close({ code: 1011 }));
    await page.route(/\/(sse|poll|uplink)\b/, (route) => route.fulfill({ status, body, contentType: "text/html" }));
    await page.goto(`${hub.url}/chat/none`);
    await page.getByText("The chat server does not answer.").waitFor();
    await page.locator(".pill[data-state=closed]", { hasText: "Offline" }).waitFor();
    expect(await page.getByText("This room is closed").count()).toBe(0);
  }
  await page.unrouteAll();
  await ann.leave();
});
