// The tester as tests hold it: entering, its parts, connecting, sending.
import type { Browser, Page } from "playwright-core";
import { Person } from "./browser.ts";

/** Whether the hub under test has the agent must not matter here, so the page is told. `script` runs before the page's own. */
export async function enterTester(browser: Browser, agent = true, script?: string): Promise<Person> {
  const person = await Person.enter(browser);
  await person.context.route("**/status", (route) => route.fulfill({ json: { agent } }));
  if (script !== undefined) {
    await person.context.addInitScript(script);
  }
  return person;
}

export const message = (page: Page) => page.getByRole("textbox", { name: "Message", exact: true });
export const rows = (page: Page, kind: string, way?: "in" | "out") => page.locator(`.log-space .log-row[data-kind="${kind}"]${way === undefined ? "" : `[data-way="${way}"]`}`);
export const pill = (page: Page, phase: string) => page.locator(`.pill[data-phase="${phase}"]`);

export async function connect(page: Page, url: string): Promise<void> {
  await page.getByRole("combobox", { name: "WebSocket URL" }).fill(url);
  await page.getByRole("button", { name: "Connect", exact: true }).click();
}

export async function send(page: Page, kind: "Text" | "JSON" | "Binary", text: string): Promise<void> {
  await page.getByRole("radio", { name: kind }).check();
  await message(page).fill(text);
  await message(page).press("Control+Enter");
}
