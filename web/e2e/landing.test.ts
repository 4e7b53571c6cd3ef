// The first page: its numbers, its lines (run as they are copied), its ways in; and what it says when the hub does not.
import { spawn } from "node:child_process";
import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { Person, judge, look } from "./browser.ts";
import { routeStatus } from "./status.ts";
import { browser, hub, stage } from "./stage.ts";

stage();

/** The page, with `/status` answered by `route` before it is first asked. */
async function enter(route: (page: Page) => Promise<unknown>): Promise<{ person: Person; page: Page }> {
  const person = await Person.enter(browser, { permissions: ["clipboard-read", "clipboard-write"] });
  const page = await person.context.newPage();
  await route(page);
  await page.goto(hub.url);
  return { person, page };
}

/** Presses the copy button of a line, and gives what is then in the clipboard. */
async function copied(page: Page, id: string): Promise<string> {
  const line = page.locator(`[data-line="${id}"]`);
  await line.getByRole("button", { name: /^Copy/ }).click();
  await line.getByRole("button", { name: /^Copied/ }).waitFor();
  return page.evaluate(() => navigator.clipboard.readText());
}

/** Runs a line as a terminal does; ends it when `until` was written, or after a while. */
function run(line: string, until?: RegExp): Promise<string> {
  return new Promise((done) => {
    const shell = spawn("sh", ["-c", line], { detached: true, stdio: ["ignore", "pipe", "pipe"] });
    let said = "";
    const stop = () => {
      try {
        process.kill(-shell.pid!, "SIGKILL");
      } catch {
        // It has ended by itself.
      }
    };
    const late = setTimeout(stop, 20_000);
    shell.stdout.on("data", (part: Buffer) => {
      said += part.toString();
      if (until?.test(said)) {
        stop();
      }
    });
    shell.stderr.on("data", (part: Buffer) => (said += part.toString()));
    shell.on("close", () => {
      clearTimeout(late);
      done(said);
    });
  });
}

test("numbers of the node are shown with their units, and change", async () => {
  let asked = () => 0;
  const { person, page } = await enter(async (page) => (asked = await routeStatus(page)));
  const running = page.getByRole("region", { name: "What is running" });
  await running.getByText("2 WebSocket, 1 SSE, 1 long poll").waitFor();
  await running.getByText("2 h 5 min").waitFor();
  await expect.poll(() => running.locator(".tile", { hasText: "Messages out" }).locator(".value").textContent(), { timeout: 8000 }).toBe("60 /s");
  expect(asked()).toBeGreaterThan(1);
  await running.getByText("Development mode:").waitFor();
  const row = page.getByRole("row", { name: /^prices:/ });
  expect(await row.getByRole("cell").allTextContents()).toEqual(["anyone", "anyone", "nobody", "in memory", "100 messages, 1 day", "64 KiB", "gets the newest alone"]);
  expect(person.complaints).toEqual([]);
  await person.leave();
});

test("the hub's own state is understood", async () => {
  const person = await Person.enter(browser);
  const page = await person.open(hub.url);
  await page.getByText("Answering", { exact: true }).waitFor();
  await page.getByRole("row", { name: /^chat:/ }).getByText("on disk").waitFor();
  await page.getByRole("row", { name: /^prices:/ }).getByText("gets the newest alone").waitFor();
  await page.locator(".tile", { hasText: "Connections" }).waitFor();
  expect(person.complaints).toEqual([]);
  await person.leave();
});

test("a hidden page asks nothing", async () => {
  let asked = () => 0;
  const { person, page } = await enter(async (page) => (asked = await routeStatus(page)));
  await page.getByText("Answering", { exact: true }).waitFor();
  await page.evaluate(() => Object.defineProperty(document, "hidden", { get: () => true, configurable: true }));
  await page.waitForTimeout(2500);
  const before = asked();
  await page.waitForTimeout(2500);
  expect(asked()).toBe(before);
  await page.evaluate(() => {
    Object.defineProperty(document, "hidden", { get: () => false, configurable: true });
    document.dispatchEvent(new Event("visibilitychange"));
  });
  await expect.poll(asked).toBe(before + 1);
  await person.leave();
});

test("callers from elsewhere get no numbers, and are told why", async () => {
  const { person, page } = await enter((page) => routeStatus(page, false));
  await page.getByText("you come from elsewhere").waitFor();
  await page.getByText("0.1.0").waitFor();
  expect(await page.locator(".tile", { hasText: "Connections" }).count()).toBe(0);
  expect(await look(page, "landing-without-numbers")).toEqual([]);
  await person.leave();
});

test("without an answer the page stays, and says so", async () => {
  const { person, page } = await enter((page) => page.route("**/status", (route) => route.fulfill({ status: 404, body: "no" })));
  await page.getByText("This hub is of a version that does not tell its state.").waitFor();
  await page.getByText("wscat", { exact: true }).waitFor();
  expect(await judge(page)).toEqual([]);
  await person.leave();
});

test("a hub that goes and comes back is noticed, its last numbers kept", async () => {
  let turn = 0;
  const { person, page } = await enter(async (page) => {
    await routeStatus(page);
    await page.route("**/status", (route) => (turn++ === 1 ? route.abort() : route.fallback()));
  });
  await page.getByText("The hub does not answer right now.").waitFor();
  await page.getByText("2 WebSocket, 1 SSE, 1 long poll").waitFor();
  await page.getByText("Answering", { exact: true }).waitFor();
  expect(await page.getByText("does not answer").count()).toBe(0);
  await person.leave();
});

test("the lines of curl and Node work as they are copied", async () => {
  const { person, page } = await enter(routeStatus);
  const listening = run(await copied(page, "listen"), /"text":"hello from curl"[\s\S]*"text":"hello from curl"/);
  const node = run(await copied(page, "node"), /"text":"hello from curl"[\s\S]*"text":"hello from curl"/);
  const polling = run(await copied(page, "poll"));
  const publish = await copied(page, "publish");
  expect(await run(publish)).toContain('"op":"ok"');
  await page.waitForTimeout(1500);
  expect(await run(publish)).toContain('"op":"ok"');
  expect(await listening).toContain('"text":"hello from curl"');
  expect(await node).toContain('"text":"hello from curl"');
  expect(await polling).toMatch(/"messages":\[.*"op":"message","channel":"chat:lobby".*"text":"hello from curl"/);
  await person.leave();
});

test("the lines for other programs are words that a shell takes", async () => {
  const { person, page } = await enter(routeStatus);
  const address = `${hub.url.replace("http", "ws")}/chat/lobby?history=10`;
  for (const [id, words] of [["wscat", ["npx", "wscat", "-c", address]], ["websocat", ["websocat", address]], ["tidewire", ["tidewire", address]]] as const) {
    const line = await copied(page, id);
    expect((await run(`printf '%s\\n' ${line}`)).trim().split("\n")).toEqual(words);
  }
  await person.leave();
});

test("the JavaScript without a library works in this page's console", async () => {
  const { person, page } = await enter(routeStatus);
  const heard = await person.open(hub.url);
  await heard.evaluate((url) => new Promise((done) => {
    const ws = new WebSocket(url);
    ws.onmessage = (event) => ((globalThis as unknown as { heard: unknown }).heard = event.data);
    ws.onopen = done;
  }), `${hub.url.replace("http", "ws")}/chat/lobby`);
  await page.evaluate(await copied(page, "console"));
  await expect.poll(() => heard.evaluate(() => (globalThis as unknown as { heard: unknown }).heard)).toBe("hello");
  await person.leave();
});

test("the tester is the first link of the page, and a room opens by its name", async () => {
  const { person, page } = await enter(routeStatus);
  expect(await page.locator("main a").first().getAttribute("href")).toBe("/tester");
  await page.getByLabel("Chat room").fill(" Café & Söhne/1 ");
  await page.keyboard.press("Enter");
  await page.waitForURL(`${hub.url}/chat/Caf%C3%A9%20%26%20S%C3%B6hne%2F1`);
  await person.leave();
});

test("the JavaScript with the SDK works in this page's console", async () => {
  const { person, page } = await enter(routeStatus);
  const said: string[] = [];
  page.on("console", (message) => said.push(message.text()));
  await page.evaluate(`(async () => { ${await copied(page, "sdk")} })()`);
  await expect.poll(() => said).toContain("Console hello from the SDK");
  expect(person.complaints).toEqual([]);
  await person.leave();
});
