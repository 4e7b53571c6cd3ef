// What hands do: keys, a name of nothing, a text that is half written.
import { expect, test } from "vitest";
import { DESKTOP, PHONE, Person } from "./browser.ts";
import { ROOMY, enter, isConnected, publish, say } from "./chat.ts";
import { Hub } from "./hub.ts";
import { browser, hub, stage } from "./stage.ts";

stage({ config: ROOMY });

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

test("at the end one stays at the end, whatever happens to the sizes", async () => {
  const other = await Hub.start({ config: ROOMY });
  const ann = await Person.enter(browser);
  const page = await enter(ann, other, "sizes", "Ann");
  await publish(other, "sizes", Array.from({ length: 30 }, (_, n) => ({ text: `${n} ${"lorem ipsum ".repeat(n % 12)}` })));
  await other.kill();
  await page.getByText("The connection was lost.").waitFor();
  await say(page, "while it was lost");
  for (const size of [PHONE, DESKTOP, PHONE]) {
    await page.setViewportSize(size);
    await page.waitForTimeout(200);
    expect(await page.locator(".jump").count()).toBe(0);
    const [end, edge] = await page.locator(".log").evaluate((log) => [log.scrollHeight - log.scrollTop, log.clientHeight]);
    expect(end! - edge!).toBeLessThan(2);
  }
  await ann.leave();
  await other.stop();
});

test("whom the hub has forgotten is still oneself", async () => {
  const other = await Hub.start({ config: ROOMY });
  const ann = await Person.enter(browser);
  const page = await enter(ann, other, "forgotten", "Ann");
  await say(page, "before");
  await page.locator(".message.own .state", { hasText: "✓" }).waitFor();
  await other.kill();
  // Nobody has heard of her there any more.
  other.forget();
  await other.run();
  await isConnected(page);
  await say(page, "after");
  await page.locator(".message.own", { hasText: "after" }).waitFor();
  expect(await page.locator(".message.own .text").allInnerTexts()).toEqual(["before", "after"]);
  expect(await page.locator(".note", { hasText: "Ann" }).count()).toBe(0);
  await ann.leave();
  await other.stop();
});

test("the emoji picker closes when one goes elsewhere, and does not call back", async () => {
  const ann = await Person.enter(browser);
  const page = await enter(ann, hub, "picker", "Ann");
  const emoji = page.locator(".composer button[aria-expanded]");
  await emoji.click();
  await page.locator(".picker").waitFor();
  await page.getByRole("button", { name: "Change name" }).focus();
  await page.locator(".picker").waitFor({ state: "detached" });
  expect(await page.getByRole("button", { name: "Change name" }).evaluate((one) => one.matches(":focus"))).toBe(true);
  // Its own button opens and closes it; Escape gives back the field.
  await emoji.click();
  await page.locator(".picker").waitFor();
  await emoji.click();
  await page.locator(".picker").waitFor({ state: "detached" });
  await emoji.click();
  await page.keyboard.press("Escape");
  expect(await page.locator("textarea").evaluate((one) => one.matches(":focus"))).toBe(true);
  await ann.leave();
});
