// People chat: through lost connections, a killed hub and blocked transports, with nothing lost and nothing twice.
import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { Person, look } from "./browser.ts";
import { enter, isConnected, publish, say, shows, showsAll, texts } from "./chat.ts";
import { browser, hub, stage } from "./stage.ts";

stage();

/** Nothing gets to the hub any more, as in a tunnel; the page itself may still be loaded. */
async function tunnel(page: Page): Promise<{ end(): Promise<void> }> {
  await page.context().setOffline(true);
  return { end: () => page.context().setOffline(false) };
}

test("two people chat: names, who is here, typing, kept messages", async () => {
  const [ann, bob] = [await Person.enter(browser), await Person.enter(browser)];
  const a = await enter(ann, hub, "talk", "Ann Lee");
  const b = await enter(bob, hub, "talk", "Bob");
  await a.locator(".people h2", { hasText: "2 here" }).waitFor();
  expect(await a.locator(".people li").allInnerTexts()).toEqual(["AL\nAnn Lee\nyou", "B\nBob\nunverified"]);

  await b.locator("textarea").pressSequentially("hel");
  await a.getByText("Bob is typing…").waitFor();
  await b.locator("textarea").fill("");
  await expect.poll(() => a.locator(".typing").innerText()).toBe("");

  await say(a, "hello Bob", "see https://example.com/a_(b).");
  await shows(b, ["hello Bob", "see https://example.com/a_(b)."]);
  const link = b.locator(".message a");
  expect(await link.evaluate((one: HTMLAnchorElement) => [one.href, one.target, one.rel])).toEqual(["https://example.com/a_(b)", "_blank", "noopener noreferrer nofollow"]);
  expect(await b.locator(".message .mark").innerText()).toBe("unverified");
  expect(await a.locator(".message .state").allInnerTexts()).toEqual(["✓\nsent"]);
  expect(await b.locator("[aria-live=polite]").last().innerText()).toContain("Ann Lee: hello Bob");
  expect(await a.locator("[aria-live=polite]").last().innerText()).not.toContain("hello");

  await say(b, ":tada:", "https://аpple.com is not what it seems", "مرحبا، كيف حالك؟ (fine)", "one\n".repeat(40).trim());
  await a.locator(".text.big", { hasText: "🎉" }).waitFor();
  await a.getByRole("button", { name: "Show more" }).waitFor();
  expect(await a.locator(".host").innerText()).toContain("(leads to xn--pple-43d.com)");
  expect(await a.locator(".message").last().locator(".text").innerText()).toMatch(/^(one\n){13}one…$/);
  await a.getByRole("button", { name: "Show more" }).click();
  expect((await a.locator(".message").last().locator(".text").innerText()).split("\n")).toHaveLength(40);
  await a.getByRole("button", { name: "Show less" }).click();
  await publish(hub, "talk", [{ data: { user: "Admin", content: "from an older program" } }, { data: { price: 5 } }, { base64: "AAECAw==" }, { text: "plain" }]);
  await a.getByText("claims to be “Admin”").waitFor();
  await a.locator(".json", { hasText: "{\"price\":5}" }).waitFor();
  await a.locator(".file", { hasText: "4 bytes" }).waitFor();

  await b.locator("textarea").pressSequentially("again");
  expect(await look(a, "chat")).toEqual([]);
  await a.locator("tidewire-chat").evaluate((chat) => chat.setAttribute("lang", "ar"));
  await a.getByText("متصل", { exact: true }).waitFor();
  expect(await a.locator(".room").evaluate((room) => getComputedStyle(room).direction)).toBe("rtl");
  expect(await look(a, "chat-arabic")).toEqual([]);
  const direction = (text: string) => b.locator(".text", { hasText: text }).evaluate((one) => getComputedStyle(one).direction);
  expect([await direction("مرحبا"), await direction("hello Bob")]).toEqual(["rtl", "ltr"]);

  await b.close();
  await a.locator(".note", { hasText: "غادر Bob" }).waitFor({ timeout: 30_000 });
  expect([...ann.complaints, ...bob.complaints]).toEqual([]);
  await Promise.all([ann.leave(), bob.leave()]);
});

test("one goes offline and comes back: nothing lost, nothing twice", async () => {
  const [ann, bob] = [await Person.enter(browser), await Person.enter(browser)];
  const a = await enter(ann, hub, "tunnel", "Ann");
  const b = await enter(bob, hub, "tunnel", "Bob");
  await say(a, "before");
  await shows(b, ["before"]);
  const road = await tunnel(b);
  await b.getByText("This device is offline", { exact: false }).waitFor({ timeout: 20_000 });
  await say(a, "while Bob is away 1", "while Bob is away 2");
  await say(b, "written offline 1", "written offline 2");
  expect(await b.locator(".message .state").allInnerTexts()).toEqual(["waits for the connection"]);
  expect(await look(b, "chat-offline")).toEqual([]);
  await road.end();
  const all = ["before", "while Bob is away 1", "while Bob is away 2", "written offline 1", "written offline 2"];
  await shows(b, all);
  await shows(a, all);
  await b.locator(".banner.warn").waitFor({ state: "detached" });
  await Promise.all([ann.leave(), bob.leave()]);
});

test("the hub is killed and started again while both write", async () => {
  const [ann, bob] = [await Person.enter(browser), await Person.enter(browser)];
  const a = await enter(ann, hub, "crash", "Ann");
  const b = await enter(bob, hub, "crash", "Bob");
  const all: string[] = [];
  const write = async (page: Page, who: string) => {
    for (let n = 0; n < 12; n += 1) {
      all.push(`${who} ${n}`);
      await say(page, `${who} ${n}`);
      await page.waitForTimeout(60);
    }
  };
  const writing = Promise.all([write(a, "ann"), write(b, "bob")]);
  await a.waitForTimeout(250);
  await hub.kill();
  await writing;
  await a.getByText("The connection was lost.").waitFor();
  expect(await look(a, "chat-lost")).toEqual([]);
  await hub.run();
  await a.getByRole("button", { name: "Retry now" }).click({ timeout: 2_000 }).catch(() => undefined);
  await Promise.all([showsAll(a, all), showsAll(b, all)]);
  // And in the same order for both, each one's own in the order of writing.
  expect(await texts(a)).toEqual(await texts(b));
  expect((await texts(a)).filter((text) => text.startsWith("ann"))).toEqual(all.filter((text) => text.startsWith("ann")));
  expect(await a.locator(".note.gap").count()).toBe(0);
  await Promise.all([ann.leave(), bob.leave()]);
});

test.each(["sse", "poll"] as const)("without WebSocket it goes over %s, and says so", async (way) => {
  const [ann, bob] = [await Person.enter(browser), await Person.enter(browser)];
  await ann.context.addInitScript("delete window.WebSocket");
  if (way === "poll") {
    await ann.context.route(/\/sse\b/, (route) => route.abort());
  }
  const a = await enter(ann, hub, `blocked-${way}`, "Ann");
  const b = await enter(bob, hub, `blocked-${way}`, "Bob");
  await a.getByText(way === "sse" ? "Connected by server-sent events" : "Connected by long poll", { exact: false }).waitFor();
  await say(b, "hello");
  await shows(a, ["hello"]);
  await say(a, "hello back", "and again");
  await shows(b, ["hello", "hello back", "and again"]);
  await shows(a, ["hello", "hello back", "and again"]);
  await Promise.all([ann.leave(), bob.leave()]);
});

test("a reload keeps the name and what was not sent yet, once", async () => {
  const [ann, bob] = [await Person.enter(browser), await Person.enter(browser)];
  const a = await enter(ann, hub, "reload", "Ann");
  const b = await enter(bob, hub, "reload", "Bob");
  await say(a, "first");
  await shows(b, ["first"]);
  let isBlocked = true;
  await a.routeWebSocket(/\/ws$/, (socket) => (isBlocked ? socket.close() : socket.connectToServer()));
  await a.route(/\/(sse|poll|uplink)\b/, (route) => (isBlocked ? route.abort() : route.continue()));
  await a.reload();
  await a.locator("textarea").waitFor();
  await a.getByText("The chat server does not answer.").waitFor();
  await say(a, "pending 1", "pending 2");
  await a.reload();
  await expect.poll(() => a.locator(".sending .text").allInnerTexts()).toEqual(["pending 1", "pending 2"]);
  expect(await a.locator(".people b").innerText()).toBe("Ann");
  isBlocked = false;
  await shows(b, ["first", "pending 1", "pending 2"]);
  await shows(a, ["first", "pending 1", "pending 2"]);
  await a.reload();
  await shows(a, ["first", "pending 1", "pending 2"]);
  await expect.poll(() => a.locator(".message.own").count()).toBe(3);
  await Promise.all([ann.leave(), bob.leave()]);
});

test("an input method's Enter does not send, Shift+Enter begins a line", async () => {
  const ann = await Person.enter(browser);
  const a = await enter(ann, hub, "typing", "Ann");
  const field = a.locator("textarea");
  await field.focus();
  const devtools = await ann.context.newCDPSession(a);
  await devtools.send("Input.imeSetComposition", { text: "にほん", selectionStart: 3, selectionEnd: 3 });
  const press = (init: { isComposing: boolean } | { keyCode: number }): Promise<boolean> =>
    field.evaluate((area: Element, how: object) => area.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true, cancelable: true, composed: true, ...how })), init);
  await press({ isComposing: true });
  await press({ keyCode: 229 });
  expect(await texts(a)).toEqual([]);
  await devtools.send("Input.insertText", { text: "日本" });
  await field.press("Shift+Enter");
  await field.pressSequentially("two");
  expect(await texts(a)).toEqual([]);
  await field.press("Enter");
  await shows(a, ["日本\ntwo"]);
  await ann.leave();
});

test("by keyboard alone: name, emoji by name, a refused message is sent again", async () => {
  const ann = await Person.enter(browser);
  const a = await ann.open(`${hub.url}/chat/keys`);
  await a.locator(".naming input").waitFor();
  await a.locator(".naming input").focus();
  await a.keyboard.type("Ann");
  await a.keyboard.press("Enter");
  await a.locator("textarea").waitFor();
  await isConnected(a);
  await a.keyboard.type("off ");
  await a.keyboard.press("Tab");
  await a.keyboard.press("Enter");
  await a.keyboard.type("rocket");
  await a.keyboard.press("Enter");
  await a.keyboard.press("Enter");
  await shows(a, ["off 🚀"]);
  await a.keyboard.press("Tab");
  await a.keyboard.press("Enter");
  await a.keyboard.press("ArrowDown");
  await a.keyboard.press("ArrowRight");
  await a.keyboard.press("Escape");
  expect(await a.evaluate(() => document.querySelector("tidewire-chat")?.shadowRoot?.activeElement?.tagName)).toBe("TEXTAREA");
  expect(await a.locator(".picker").count()).toBe(0);
  await ann.leave();
});
