// Long rooms: scrolled up where one stays, marked where it is new, and never more in the document than is needed.
import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { Person, look } from "./browser.ts";
import { ROOMY, enter, publish, say } from "./chat.ts";
import { browser, hub, stage } from "./stage.ts";

stage({ config: ROOMY });

const numbered = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => ({ data: { text: `number ${from + i}${(from + i) % 7 === 0 ? "\nwith a second line" : ""}` } }));
const row = (page: Page, n: number) => page.locator(".message", { has: page.getByText(new RegExp(`^number ${n}\\b`)) });
const scroll = (page: Page, by: number) => page.locator(".log").evaluate((log, y) => log.scrollBy(0, y), by);

test("scrolling up loads older messages, and what one reads stays where it is to the pixel", async () => {
  await publish(hub, "long", numbered(0, 400));
  const ann = await Person.enter(browser);
  const a = await enter(ann, hub, "long", "Ann");
  await row(a, 399).waitFor();
  // Held over each loading: the row nearest to the middle.
  const moves = await a.locator(".log").evaluate(async (log) => {
    const found: number[] = [];
    const frame = () => new Promise((done) => requestAnimationFrame(done));
    for (let step = 0; step < 60; step += 1) {
      const middle = log.getBoundingClientRect().top + log.clientHeight / 2;
      const anchor = [...log.querySelectorAll<HTMLElement>(".message")].find((one) => one.getBoundingClientRect().bottom > middle)!;
      const before = anchor.getBoundingClientRect().top;
      const count = log.querySelectorAll(".message").length;
      const y = log.scrollTop;
      log.scrollBy(0, -160);
      const scrolled = y - log.scrollTop;
      for (let n = 0; n < 4; n += 1) {
        await frame();
      }
      if (anchor.isConnected) {
        found.push(Math.abs(anchor.getBoundingClientRect().top - before - scrolled));
      }
      if (log.querySelectorAll(".message").length === count && log.scrollTop === 0) {
        await new Promise((done) => setTimeout(done, 30));
      }
    }
    return found;
  });
  expect(moves.length).toBeGreaterThan(40);
  expect(Math.max(...moves)).toBeLessThanOrEqual(1);
  // A message that comes meanwhile moves nothing, and is counted.
  await scroll(a, 300);
  await a.waitForTimeout(100);
  const anchor = await a.locator(".log").evaluate((log) => {
    const top = log.getBoundingClientRect().top;
    const seen = [...log.querySelectorAll<HTMLElement>(".message")].find((one) => one.getBoundingClientRect().top > top)!;
    return { id: seen.dataset["id"]!, y: seen.getBoundingClientRect().top };
  });
  await publish(hub, "long", numbered(400, 403));
  await a.getByRole("button", { name: "3 new messages" }).waitFor();
  expect(await a.locator(`[data-id="${anchor.id}"]`).evaluate((one) => one.getBoundingClientRect().top)).toBeCloseTo(anchor.y, 0);
  expect(await look(a, "chat-history")).toEqual([]);
  await a.getByRole("button", { name: "3 new messages" }).click();
  await row(a, 402).waitFor();
  expect(await a.locator(".new + .message .text").innerText()).toBe("number 400");
  expect(await a.locator(".jump").count()).toBe(0);
  await ann.leave();
});

test("what came while one was away is marked at the return", async () => {
  const ann = await Person.enter(browser);
  const a = await enter(ann, hub, "away", "Ann");
  await say(a, "mine");
  await publish(hub, "away", numbered(0, 2));
  await row(a, 1).waitFor();
  await a.goto(`${hub.url}/chat/elsewhere`);
  await publish(hub, "away", numbered(2, 5));
  await a.goto(`${hub.url}/chat/away`);
  await row(a, 4).waitFor();
  expect(await a.locator(".new + .message .text").innerText()).toBe("number 2");
  await say(a, "answer");
  await a.locator(".new").waitFor({ state: "detached" });
  await ann.leave();
});

test("10,000 messages are scrolled to the first and back with a bounded document", async () => {
  const TOTAL = 10_000;
  for (let at = 0; at < TOTAL; at += 2_500) {
    await publish(hub, "huge", numbered(at, at + 2_500));
  }
  const ann = await Person.enter(browser);
  const a = await enter(ann, hub, "huge", "Ann");
  await row(a, TOTAL - 1).waitFor();
  const { most, longest } = await a.locator(".log").evaluate(async (log) => {
    let most = 0;
    let longest = 0;
    const end = performance.now() + 60_000;
    while (performance.now() < end && !log.querySelector(".top")!.textContent!.includes("beginning")) {
      const before = performance.now();
      log.scrollTop = 0;
      await new Promise((done) => requestAnimationFrame(done));
      longest = Math.max(longest, performance.now() - before);
      most = Math.max(most, log.querySelectorAll("*").length);
    }
    return { most, longest };
  });
  await row(a, 0).waitFor();
  console.log(`10,000 messages scrolled: at most ${most} elements, longest frame ${Math.round(longest)} ms`);
  expect(most).toBeLessThan(4_000);
  await publish(hub, "huge", numbered(TOTAL, TOTAL + 1));
  await a.getByRole("button", { name: "1 new message" }).click();
  await row(a, TOTAL).waitFor();
  await ann.leave();
});
