// What hands do: keys, a name of nothing, a text that is half written.
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { PHONE, Person, startBrowser } from "./browser.ts";
import { ROOMY, enter } from "./chat.ts";
import { Hub } from "./hub.ts";

let hub: Hub;
let browser: Browser;

beforeAll(async () => {
  hub = await Hub.start({ config: ROOMY });
  browser = await startBrowser();
});

afterAll(async () => {
  await browser?.close();
  await hub?.stop();
});

test("a half-written text is still there after the name was changed", async () => {
  const ann = await Person.enter(browser);
  const page = await enter(ann, hub, "draft", "Ann");
  await page.locator("textarea").fill("half writ");
  for (const key of ["Escape", "Enter"]) {
    await page.getByRole("button", { name: "Change name" }).click();
    await page.locator(".naming input").press(key);
    expect(await page.locator("textarea").inputValue()).toBe("half writ");
  }
  await page.locator("textarea").press("Enter");
  await page.locator(".message.own .text", { hasText: "half writ" }).waitFor();
  expect(await page.locator("textarea").inputValue()).toBe("");
  expect(ann.complaints).toEqual([]);
  await ann.leave();
});

test("a name of spaces is none, and it is said", async () => {
  const ann = await Person.enter(browser);
  const page = await ann.open(`${hub.url}/chat/spaces`);
  const field = page.locator(".naming input");
  for (const name of ["   ", "\u200b\u2003"]) {
    await field.fill(name);
    await field.press("Enter");
    expect(await field.evaluate((input: HTMLInputElement) => [input.value, input.validity.valueMissing])).toEqual(["", true]);
  }
  await field.fill("  A\u202enn ");
  await field.press("Enter");
  await page.locator(".people b", { hasText: /^Ann$/ }).waitFor();
  await ann.leave();
});

test("on a phone the list of people closes by Escape, and by touching the messages", async () => {
  const ann = await Person.enter(browser, { viewport: PHONE, hasTouch: true });
  const page = await enter(ann, hub, "people", "Ann");
  const button = page.locator(".who-button");
  await button.click();
  await page.locator(".people").waitFor();
  await page.keyboard.press("Escape");
  await page.locator(".people").waitFor({ state: "hidden" });
  expect(await button.evaluate((one) => one.matches(":focus"))).toBe(true);
  await button.click();
  await page.locator(".people").waitFor();
  await page.touchscreen.tap(20, 300);
  await page.locator(".people").waitFor({ state: "hidden" });
  expect(await button.getAttribute("aria-expanded")).toBe("false");
  await ann.leave();
});
