import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Person, look, startBrowser } from "./browser.ts";
import { Hub } from "./hub.ts";
let hub: Hub; let browser: Browser;
beforeAll(async () => { hub = await Hub.start(); browser = await startBrowser(); });
afterAll(async () => { await browser?.close(); await hub?.stop(); });
test("try", async () => {
  const ann = await Person.enter(browser); const bob = await Person.enter(browser);
  const a = await ann.open(hub.url + "/chat/lobby"); const b = await bob.open(hub.url + "/chat/lobby");
  for (const [p, n] of [[a, "Ann Lee"], [b, "Bob"]] as const) {
    await p.locator(".naming input").fill(n); await p.keyboard.press("Enter"); await p.locator("textarea").waitFor();
  }
  const say = async (p: typeof a, t: string) => { await p.locator("textarea").fill(t); await p.keyboard.press("Enter"); };
  await say(a, "Hello Bob, see https://example.com/path?x=1. And (https://en.wikipedia.org/wiki/A_(b))!");
  await say(a, "Second line from me");
  await say(b, "Hi! مرحبا بك");
  await say(b, "مرحبا، كيف حالك؟ see you");
  await say(b, ":tada: :rocket:");
  await say(a, "https://аpple.com/login is a trap");
  await say(a, Array.from({ length: 40 }, (_, i) => `line ${i}`).join("\n"));
  await b.getByText("Show more").waitFor();
  await a.waitForTimeout(500);
  await b.locator("textarea").pressSequentially("typing");
  console.log(await look(a, "chat-try"));
  await a.getByRole("button", { name: "Emoji" }).click();
  await a.screenshot({ path: "../target/screenshots/chat-try-picker.png" });
  console.log(ann.complaints, bob.complaints);
});
