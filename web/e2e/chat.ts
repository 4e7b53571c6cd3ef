// What the tests of the chat have in common: entering a room, writing, and reading what is shown.
import type { Page } from "playwright-core";
import { expect } from "vitest";
import { WebSocket } from "ws";
import type { Hub } from "./hub.ts";
import type { Person } from "./browser.ts";

/** Opens a room and takes a name. */
export async function enter(person: Person, hub: Hub, room: string, name: string): Promise<Page> {
  const page = await person.open(`${hub.url}/chat/${encodeURIComponent(room)}`);
  await page.locator(".naming input").fill(name);
  await page.keyboard.press("Enter");
  await page.locator("textarea").waitFor();
  await isConnected(page);
  return page;
}

export const isConnected = (page: Page): Promise<void> => page.locator(".pill[data-state=open]").waitFor();

export async function say(page: Page, ...texts: string[]): Promise<void> {
  for (const text of texts) {
    await page.locator("textarea").fill(text);
    await page.locator("textarea").press("Enter");
  }
}

/** The texts of the messages, from the top. */
export const texts = (page: Page): Promise<string[]> => page.locator(".message .text").allInnerTexts();

/** Waits until the page shows these messages, in this order, and nothing else. */
export const shows = (page: Page, wanted: readonly string[]): Promise<void> =>
  expect.poll(() => texts(page), { timeout: 30_000 }).toEqual(wanted);

/** Waits until the page shows these messages once each, in whatever order. */
export const showsAll = (page: Page, wanted: readonly string[]): Promise<void> =>
  expect.poll(async () => (await texts(page)).sort(), { timeout: 40_000 }).toEqual([...wanted].sort());

/** The hub as another program has it: commands, in batches, and their answers. */
export async function ask(hub: Hub, commands: readonly object[]): Promise<Record<string, unknown>[]> {
  const socket = new WebSocket(`ws://127.0.0.1:${hub.port}/ws`);
  await new Promise((done, failed) => socket.once("open", done).once("error", failed));
  const answers: Record<string, unknown>[] = [];
  // Fewer than a session may have under way.
  for (let at = 0; at < commands.length; at += 50) {
    const batch = commands.slice(at, at + 50);
    await new Promise<void>((done, failed) => {
      socket.on("message", (data) => {
        const answer = JSON.parse(String(data)) as Record<string, unknown>;
        if (answer["op"] === "error") {
          failed(new Error(String(answer["message"])));
        } else if (answer["op"] === "ok" && answers.push(answer) === at + batch.length) {
          done();
        }
      });
      socket.send(JSON.stringify(batch));
    });
    socket.removeAllListeners("message");
  }
  socket.close();
  return answers;
}

/** Publishes as another program would, with a name. */
export async function publish(hub: Hub, channel: string, payloads: readonly object[], name = "Program"): Promise<void> {
  await ask(hub, [{ op: "auth", name }, ...payloads.map((payload) => ({ op: "publish", channel, ...payload }))]);
}

/** A hub that takes as many messages as a test wants to write. */
export const ROOMY = `
[namespaces.chat]
storage = "memory"
history_size = 20000
history_age = "1h"
subscribe = "anyone"
publish = "anyone"
presence = "anyone"
rate = 100000
burst = 100000
`;
