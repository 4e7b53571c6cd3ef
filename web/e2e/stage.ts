// What a file of tests plays on: a hub of its own and a browser, there before its first test and gone after its last.
import type { Browser } from "playwright-core";
import { afterAll, beforeAll } from "vitest";
import { startBrowser } from "./browser.ts";
import { Hub, type HubOptions } from "./hub.ts";

export let hub: Hub;
export let browser: Browser;

/** Call it once, at the top of the file. */
export function stage(options: HubOptions = {}): void {
  beforeAll(async () => {
    hub = await Hub.start(options);
    browser = await startBrowser();
  });
  afterAll(async () => {
    await browser?.close();
    await hub?.stop();
  });
}
