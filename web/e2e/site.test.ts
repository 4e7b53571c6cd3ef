// Every page is there, complains of nothing, is no wider than a phone, and passes axe in both colour schemes.
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Person, look, startBrowser } from "./browser.ts";
import { Hub } from "./hub.ts";

let hub: Hub;
let browser: Browser;

beforeAll(async () => {
  hub = await Hub.start();
  browser = await startBrowser();
});

afterAll(async () => {
  await browser?.close();
  await hub?.stop();
});

test.each([
  ["/", "landing"],
  ["/tester", "tester"],
  ["/demos", "demos"],
  ["/chat/lobby", "chat-before-a-name"],
])("%s is calm, accessible, and fits a phone", async (path, name) => {
  const person = await Person.enter(browser);
  const page = await person.open(hub.url + path);
  await page.locator("main").waitFor();
  expect(await look(page, name)).toEqual([]);
  expect(person.complaints).toEqual([]);
  await person.leave();
});
