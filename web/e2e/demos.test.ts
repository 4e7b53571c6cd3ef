// The demos, each as it is meant to be played: two tabs, a shell, a slow tab; and their source beside them.
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { Person, look } from "./browser.ts";
import { browser, hub, stage } from "./stage.ts";

stage();

/** Runs a line in a shell; `stop` ends all of it. */
function shell(line: string): { done: Promise<string>; stop: () => void } {
  const child = spawn("sh", ["-c", line], { detached: true, stdio: ["ignore", "pipe", "pipe"] });
  const stop = () => {
    try {
      process.kill(-child.pid!, "SIGKILL");
    } catch {
      // It has ended by itself.
    }
  };
  const late = setTimeout(stop, 30_000);
  const done = new Promise<string>((resolve) => {
    let said = "";
    child.stdout.on("data", (part: Buffer) => (said += part.toString()));
    child.on("close", () => {
      clearTimeout(late);
      resolve(said);
    });
  });
  return { done, stop };
}

/** Publishes as a program elsewhere does. */
async function publish(channel: string, data: unknown): Promise<void> {
  const answer = await fetch(`${hub.origin}/uplink`, { method: "POST", body: JSON.stringify({ op: "publish", channel, data }) });
  expect(await answer.json()).toMatchObject({ op: "ok" });
}

const text = (page: Page, id: string) => async () => (await page.locator(`#${id}`).textContent()) ?? "";

test("the list leads to each demo", async () => {
  const person = await Person.enter(browser);
  const page = await person.open(`${hub.url}/demos`);
  for (const [name, path] of [["Price ticker", "prices"], ["Catch the dot", "cursors"], ["Job progress", "job"]] as const) {
    await page.getByRole("link", { name }).click();
    await page.waitForURL(`${hub.url}/demos/${path}*`);
    await page.getByRole("heading", { level: 1, name }).waitFor();
    await page.getByRole("link", { name: "Demos" }).click();
    await page.waitForURL(`${hub.url}/demos`);
  }
  expect(person.complaints).toEqual([]);
  await person.leave();
});

test.each(["prices", "cursors", "job"])("%s shows its own source, passes axe and fits a phone", async (name) => {
  const person = await Person.enter(browser, { permissions: ["clipboard-read", "clipboard-write"] });
  const page = await person.open(`${hub.url}/demos/${name}`);
  for (const file of [`${name}.js`, `${name}.html`]) {
    const source = readFileSync(new URL(`../src/demos/files/${file}`, import.meta.url), "utf8");
    const figure = page.locator("figure", { has: page.getByRole("heading", { name: file }) });
    await figure.waitFor();
    expect(await figure.locator("code").textContent()).toBe(source);
    await figure.getByRole("button", { name: "Copy" }).click();
    await figure.getByRole("button", { name: "Copied" }).waitFor();
    expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(source);
  }
  await page.evaluate(() => scrollTo(0, 0));
  expect(await look(page, `demo-${name}`)).toEqual([]);
  expect(person.complaints).toEqual([]);
  await person.leave();
});

test("the ticker shows the newest price, its change with a sign, and what a slow tab skipped", async () => {
  const person = await Person.enter(browser);
  await publish("prices:ticker", { cents: 12_345 });
  const page = await person.open(`${hub.url}/demos/prices`);
  await expect.poll(text(page, "price")).toBe("123.45"); // who comes late gets the newest
  await publish("prices:ticker", { cents: 12_300 });
  await expect.poll(text(page, "change")).toBe("▼ −0.45");
  await publish("prices:ticker", { cents: 12_402 });
  await expect.poll(text(page, "change")).toBe("▲ +1.02");
  await page.getByLabel("Make this tab slow").check();
  await page.waitForTimeout(200);
  for (let cents = 1; cents <= 20; cents++) {
    await publish("prices:ticker", { cents: cents * 100 });
  }
  await expect.poll(text(page, "price"), { timeout: 4000 }).toBe("20.00");
  const [, came, skipped] = /(\d+) came, (\d+) skipped by this tab, 0 by the hub/.exec(await text(page, "tally")())!;
  expect(Number(came)).toBe(23);
  expect(Number(skipped)).toBeGreaterThan(10);
  expect(person.complaints).toEqual([]);
  await person.leave();
});

test("the ticker is fed from its own page, and from a terminal by the line that it shows", async () => {
  const person = await Person.enter(browser);
  const page = await person.open(`${hub.url}/demos/prices`);
  const other = await person.open(`${hub.url}/demos/prices`);
  await page.getByText("Live.", { exact: true }).waitFor();
  await page.getByRole("button", { name: "Feed from this page" }).click();
  await expect.poll(async () => Number(/^\d+/.exec(await text(other, "tally")())?.[0])).toBeGreaterThan(5);
  await page.getByRole("button", { name: "Feed from this page", pressed: true }).click();
  await page.waitForTimeout(500);
  const before = await text(other, "tally")();
  const feed = shell(await text(other, "loop")());
  await expect.poll(text(other, "tally"), { timeout: 10_000 }).not.toBe(before);
  await expect.poll(text(other, "price"), { timeout: 10_000 }).toMatch(/^\d+\.\d\d$/);
  feed.stop();
  expect(await feed.done).toContain('"op":"ok"');
  await person.leave();
});

test("two people see each other's cursors, and the first at the dot has the point, for both", async () => {
  const [ann, bob] = [await Person.enter(browser), await Person.enter(browser)];
  const [a, b] = [await ann.open(`${hub.url}/demos/cursors`), await bob.open(`${hub.url}/demos/cursors`)];
  const circle = (page: Page, kind: string) => page.locator(`#field circle.${kind}`);
  await a.locator("#field").hover({ position: { x: 30, y: 40 } });
  // Whoever was there before is gone after a while.
  await expect.poll(() => circle(a, "other").count(), { timeout: 10_000 }).toBe(1);
  await expect.poll(() => circle(b, "other").count(), { timeout: 10_000 }).toBe(1);
  await expect.poll(async () => await circle(b, "other").getAttribute("cx")).toBe(String(Math.trunc(Number(await circle(a, "me").getAttribute("cx")))));
  const place = async (page: Page) => [await circle(page, "target").getAttribute("cx"), await circle(page, "target").getAttribute("cy")];
  const dot = await place(a);
  expect(await place(b)).toEqual(dot);
  const [box, frame] = [await circle(a, "target").boundingBox(), await a.locator("#field").boundingBox()];
  await a.locator("#field").hover({ position: { x: box!.x - frame!.x + box!.width / 2, y: box!.y - frame!.y + box!.height / 2 } });
  await expect.poll(text(a, "score")).toBe("You: 1. Others: 0.");
  await expect.poll(text(b, "score")).toBe("You: 0. Others: 1.");
  expect(await place(a)).toEqual(await place(b));
  expect(await place(a)).not.toEqual(dot);
  expect([...ann.complaints, ...bob.complaints]).toEqual([]);
  await ann.leave();
  await expect.poll(() => circle(b, "other").count(), { timeout: 12_000 }).toBe(0);
  await bob.leave();
});

test("the dot is caught with the arrow keys alone, which say where it is", async () => {
  const person = await Person.enter(browser);
  const page = await person.open(`${hub.url}/demos/cursors`);
  await page.getByText("Connected.", { exact: true }).waitFor();
  await page.locator("#field").focus();
  await page.keyboard.press("ArrowRight");
  const keys: Record<string, string> = { left: "ArrowLeft", right: "ArrowRight", up: "ArrowUp", down: "ArrowDown" };
  for (const [, distance, way] of (await text(page, "say")()).matchAll(/(\d+) (left|right|up|down)/g)) {
    for (let steps = Math.round(Number(distance) / 20); steps > 0; steps--) {
      await page.keyboard.press(keys[way!]!);
    }
  }
  await expect.poll(text(page, "score")).toMatch(/^You: 1\./);
  await person.leave();
});

test("a finger moves the cursor, and not the page", async () => {
  const person = await Person.enter(browser, { hasTouch: true, viewport: { width: 360, height: 740 } });
  const page = await person.open(`${hub.url}/demos/cursors`);
  const box = (await page.locator("#field").boundingBox())!;
  await page.touchscreen.tap(box.x + box.width / 4, box.y + box.height / 4);
  await expect.poll(async () => Math.round(Number(await page.locator("circle.me").getAttribute("cx")) / 20)).toBe(10);
  expect(await page.evaluate(() => getComputedStyle(document.querySelector("#field")!).touchAction)).toBe("none");
  await person.leave();
});

test("curl feeds the job by the lines that the page shows, and a reload takes nothing away", async () => {
  const person = await Person.enter(browser);
  const page = await person.open(`${hub.url}/demos/job`);
  await page.getByText("Listening.", { exact: true }).waitFor();
  const faster = (await text(page, "loop")()).replace("sleep 0.5", "sleep 0.05");
  await shell(faster).done;
  await shell(await text(page, "one")()).done;
  await expect.poll(text(page, "percent")).toBe("Done");
  await page.getByText("hello from curl", { exact: false }).last().waitFor();
  const lines = await page.locator("#log div").allTextContents();
  expect(lines).toHaveLength(22);
  expect(lines[20]).toMatch(/step 100 of 100$/);
  expect(lines[21]).toMatch(/hello from curl$/);
  await publish(`live:job-${new URL(page.url()).hash.slice(1)}`, { line: "<img src=x onerror=alert(1)>" });
  await page.reload();
  await expect.poll(() => page.locator("#log div").allTextContents()).toHaveLength(23);
  expect((await page.locator("#log div").allTextContents()).slice(0, 22)).toEqual(lines);
  expect(await page.locator("#log img").count()).toBe(0);
  expect(await text(page, "percent")()).toBe("Done");
  const before = page.url();
  await page.getByRole("link", { name: "Another job" }).click();
  await expect.poll(() => page.url()).not.toBe(before);
  await expect.poll(text(page, "percent")).toBe("0 %");
  expect(person.complaints).toEqual([]);
  await person.leave();
});

test("the job goes on by itself when the connection was lost", async () => {
  const person = await Person.enter(browser);
  const page = await person.open(`${hub.url}/demos/job#again`);
  await page.getByText("Listening.", { exact: true }).waitFor();
  await publish("live:job-again", { percent: 10, line: "before" });
  await page.getByText("before", { exact: false }).last().waitFor();
  await hub.kill();
  await page.getByText("No connection; trying again…", { exact: true }).waitFor();
  await hub.run();
  await page.getByText("Listening.", { exact: true }).waitFor({ timeout: 20_000 });
  await publish("live:job-again", { percent: 20, line: "after" });
  await expect.poll(text(page, "percent")).toBe("20 %");
  // Kept in memory: the hub that was killed has forgotten it, says so, and the page does not pretend otherwise.
  expect(await page.locator("#log div").allTextContents()).toHaveLength(1);
  await person.leave();
});
