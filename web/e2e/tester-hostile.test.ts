// The tester against others: servers, links, pages over https, a full storage, a stream that never rests, a hidden tab.
import { expect, test } from "vitest";
import { Foreign } from "./foreign.ts";
import { connect, enterTester, message, pill, rows } from "./tester-page.ts";
import { browser, hub, stage } from "./stage.ts";

stage();

const enter = (agent = true, script?: string) => enterTester(browser, agent, script);

test("a server that closes with 1008: the reason is text, whatever it holds", async () => {
  const foreign = await Foreign.start((socket) => socket.close(1008, "<img src=x onerror=alert(1)>"));
  const person = await enter();
  const page = await person.open(`${hub.url}/tester`);
  await connect(page, foreign.url);
  const row = rows(page, "close").filter({ hasText: "1008" });
  await row.filter({ hasText: "<img src=x onerror=alert(1)>" }).waitFor();
  await row.click();
  await page.getByRole("region", { name: /^Row/ }).getByText("Policy violation", { exact: false }).first().waitFor();
  expect(await page.locator("#app img").count()).toBe(0);
  expect(person.complaints).toEqual([]);
  await person.leave();
  await foreign.stop();
});

test("what is kept for other servers does not go to one that a link names", async () => {
  const mine = await Foreign.start();
  const strange = await Foreign.start();
  const person = await enter();
  const page = await person.open(`${hub.url}/tester`);
  await page.getByText("Options", { exact: false }).first().click();
  await page.getByLabel("Send when it opens").fill("my secret token");
  await connect(page, mine.url);
  await expect.poll(() => mine.heard).toEqual(["my secret token"]);
  const link = `${hub.url}/tester#url=${encodeURIComponent(`${strange.url}/x`)}`;
  const other = await person.open(link);
  for (let visit = 0; visit < 2; visit += 1) {
    await other.getByText("Not for this server, as a link named it").waitFor();
    await other.getByRole("button", { name: "Connect", exact: true }).click();
    await pill(other, "open").waitFor();
    await other.waitForTimeout(200);
    expect(strange.heard).toEqual([]);
    await other.reload();
  }
  await other.getByRole("button", { name: "Use them here, too" }).click();
  await other.getByRole("button", { name: "Connect", exact: true }).click();
  await expect.poll(() => strange.heard).toEqual(["my secret token"]);
  expect(person.complaints).toEqual([]);
  await person.leave();
  await mine.stop();
  await strange.stop();
});

test("a link that brings too much, or no URL of a server, does no harm", async () => {
  const person = await enter();
  const page = await person.open(`${hub.url}/tester#url=${encodeURIComponent("ws://127.0.0.1:1/")}&msg=${"m".repeat(1_500_000)}`);
  await page.getByText("The link's message is longer than 65,536 characters").waitFor();
  expect(await message(page).inputValue()).toBe("");
  const other = await person.open(`${hub.url}/tester?url=javascript:alert(1)`);
  await other.getByRole("button", { name: "Connect", exact: true }).click();
  await other.getByText("This is not a URL").waitFor();
  await expect.poll(() => pill(other, "idle").count()).toBe(1);
  expect(person.complaints).toEqual([]);
  await person.leave();
});

test("a full storage is told where something should last", async () => {
  const person = await enter(true, "Storage.prototype.setItem = () => { throw new DOMException('full', 'QuotaExceededError'); }");
  const page = await person.open(`${hub.url}/tester`);
  await message(page).fill("keep me");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByLabel("Name of the snippet").fill("mine");
  await page.keyboard.press("Enter");
  await page.getByText("This browser does not keep them").waitFor();
  await page.getByRole("button", { name: "Use mine" }).waitFor();
  await person.leave();
});

test("a stream that never rests: rows can be clicked, a file that misses the log does not take the page's place", async () => {
  const foreign = await Foreign.start((socket) => {
    let count = 0;
    const timer = setInterval(() => {
      for (let index = 0; index < 20; index += 1) {
        socket.send(`{"seq":${count++}}`);
      }
    }, 10);
    socket.on("close", () => clearInterval(timer));
  });
  const person = await enter();
  const page = await person.open(`${hub.url}/tester`);
  await connect(page, foreign.url);
  await rows(page, "text", "in").nth(5).waitFor();
  const { x, y } = (await page.getByRole("grid", { name: "Messages" }).boundingBox())!;
  await page.mouse.move(x + 60, y + 150);
  await page.mouse.down();
  await page.waitForTimeout(120);
  await page.mouse.up();
  await page.getByRole("region", { name: /^Row/ }).getByText("Text received").waitFor();
  await page.getByRole("button", { name: "Jump to newest ↓" }).waitFor();
  const taken = await page.evaluate(() => [".site", ".connection", ".side"].map((place) => {
    const data = new DataTransfer();
    data.items.add(new File(["x"], "a.txt"));
    const drop = new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true });
    document.querySelector(place)?.dispatchEvent(drop);
    return drop.defaultPrevented;
  }));
  expect(taken).toEqual([true, true, true]);
  expect(person.complaints).toEqual([]);
  await person.leave();
  await foreign.stop();
});

test("a tab in the background: the log takes what comes, within its bounds", async () => {
  const foreign = await Foreign.start((socket) => {
    for (let index = 0; index < 20; index += 1) {
      socket.send("y".repeat(14_000_000));
    }
    socket.send("the last");
  });
  // Frames stop, as they do in a tab that is not seen.
  const person = await enter(true, "globalThis.waiting = []; const real = requestAnimationFrame; globalThis.requestAnimationFrame = (run) => 1e9 + waiting.push(run); globalThis.wake = () => { globalThis.requestAnimationFrame = real; waiting.splice(0).forEach((run) => run(performance.now())); }");
  const page = await person.open(`${hub.url}/tester`);
  await connect(page, foreign.url);
  await page.waitForTimeout(6000);
  expect(await rows(page, "text").count()).toBe(0);
  await page.evaluate("wake()");
  await rows(page, "text", "in").filter({ hasText: "the last" }).waitFor({ timeout: 30_000 });
  const foot = (await page.locator(".log-foot").textContent()) ?? "";
  expect(Number(/^([\d,]+) rows/.exec(foot)?.[1])).toBeLessThanOrEqual(20);
  expect(foot).toContain("Dropped the oldest");
  await person.leave();
  await foreign.stop();
});

test("over https, plain ws:// is explained before it is tried", async () => {
  const person = await enter();
  await person.context.route("https://tester.example/**", async (route) => {
    const answer = await fetch(hub.url + new URL(route.request().url()).pathname);
    await route.fulfill({ body: Buffer.from(await answer.arrayBuffer()), contentType: answer.headers.get("content-type") ?? "" });
  });
  await person.context.route("**/status", (route) => route.fulfill({ json: { agent: false } }));
  const page = await person.open("https://tester.example/tester");
  const url = page.getByRole("combobox", { name: "WebSocket URL" });
  expect(await url.inputValue()).toBe("wss://tester.example/echo");
  await url.fill("ws://other.example/x");
  await page.getByText("The browser will block this.").waitFor();
  await page.getByText("run “tidewire serve” on your machine", { exact: false }).first().waitFor();
  await page.getByRole("button", { name: "Connect", exact: true }).click();
  await pill(page, "closed").waitFor();
  await url.fill("other.example/x");
  await page.getByText("wss://other.example/x").waitFor();
  await person.leave();
});
