// Every page is there, complains of nothing, is no wider than a phone, passes axe in both colour schemes, and can be
// used with the keyboard; the choice of the scheme stays.
import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { Person, look } from "./browser.ts";
import { routeStatus } from "./status.ts";
import { browser, hub, stage } from "./stage.ts";

stage();

test.each([
  ["/", "landing"],
  ["/tester", "tester"],
  ["/demos", "demos"],
  ["/chat/lobby", "chat-before-a-name"],
])("%s is calm, accessible, and fits a phone", async (path, name) => {
  const person = await Person.enter(browser);
  const page = await person.context.newPage();
  if (path === "/") {
    await routeStatus(page);
  }
  await page.goto(hub.url + path);
  await page.locator("main").waitFor();
  expect(await look(page, name)).toEqual([]);
  expect(person.complaints).toEqual([]);
  await person.leave();
});

const PAGES = ["/", "/tester", "/demos", "/demos/job", "/chat/lobby"];

test.each(PAGES)("%s: the first stop of Tab skips to the content", async (path) => {
  const person = await Person.enter(browser);
  const page = await person.open(hub.url + path);
  await page.locator("main").waitFor();
  const skip = page.getByRole("link", { name: "Skip to the content" });
  await skip.focus();
  expect((await skip.boundingBox())!.y).toBeGreaterThanOrEqual(0);
  expect(await page.evaluate(() => document.querySelector("a, button, input, textarea, select, [tabindex]")!.className)).toBe("skip");
  await page.keyboard.press("Enter");
  expect(await page.evaluate(() => document.activeElement!.id)).toBe("main");
  expect(new URL(page.url()).hash).not.toBe("#main");
  await person.leave();
});

test("the bar at the top says which page this is, and its stops are seen", async () => {
  const person = await Person.enter(browser);
  const page = await person.open(`${hub.url}/demos`);
  const demos = page.getByRole("navigation", { name: "Pages" }).getByRole("link", { name: "Demos" });
  expect(await demos.getAttribute("aria-current")).toBe("page");
  for (let stops = 0; stops < 6; stops++) {
    await page.keyboard.press("Tab");
    expect(await page.evaluate(() => getComputedStyle(document.activeElement!).outlineStyle)).toBe("solid");
  }
  await person.leave();
});

const background = (page: Page) => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
const LIGHT = "rgb(243, 246, 247)";
const DARK = "rgb(16, 25, 29)";

test("the scheme that was chosen holds on every page, in open tabs, and after a reload", async () => {
  const person = await Person.enter(browser, { colorScheme: "light" });
  const page = await person.open(`${hub.url}/demos`);
  const other = await person.open(`${hub.url}/tester`);
  expect(await background(page)).toBe(LIGHT);
  await page.getByRole("button", { name: "Colours: as the system. Press for dark" }).click();
  expect(await background(page)).toBe(DARK);
  await expect.poll(() => background(other)).toBe(DARK);
  await page.reload();
  expect(await background(page)).toBe(DARK);
  for (const path of PAGES) {
    await page.goto(hub.url + path);
    await page.getByRole("button", { name: "Colours: dark. Press for light" }).waitFor();
    expect(await background(page), path).toBe(DARK);
  }
  await page.getByRole("button", { name: /^Colours/ }).click();
  expect(await background(page)).toBe(LIGHT);
  await page.getByRole("button", { name: "Colours: light. Press for as the system" }).click();
  await page.emulateMedia({ colorScheme: "dark" });
  expect(await background(page)).toBe(DARK);
  await page.getByRole("button", { name: "Colours: as the system. Press for light" }).waitFor();
  await person.leave();
});

test("the scheme is there before the first paint", async () => {
  const person = await Person.enter(browser, { colorScheme: "light" });
  await person.context.addInitScript(() => localStorage.setItem("tidewire-theme", "dark"));
  for (const path of ["/", "/demos/prices"]) {
    const page = await person.context.newPage();
    // The scripts of the page itself never come: what is seen is what was there before them.
    await page.route(/\/assets\/landing-.*\.js|\/demos\/prices\.js/, (route) => route.abort());
    await page.goto(hub.url + path);
    expect(await background(page), path).toBe(DARK);
    await page.close();
  }
  await person.leave();
});
