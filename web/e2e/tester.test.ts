// The tester as a person uses it: this hub's echo, foreign servers, refusals, links, files, the agent, the keyboard.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { expect, test } from "vitest";
import { isTooWide, look } from "./browser.ts";
import { Foreign } from "./foreign.ts";
import { freePort } from "./hub.ts";
import { connect, enterTester, message, pill, rows, send } from "./tester-page.ts";
import { browser, hub, stage } from "./stage.ts";

stage();

const enter = (agent = true, script?: string) => enterTester(browser, agent, script);

test("this hub's echo: text, JSON, bytes, a close code with its meaning", async () => {
  const person = await enter();
  const page = await person.open(`${hub.url}/tester`);
  expect(await look(page, "tester-idle")).toEqual([]);
  await page.getByRole("button", { name: "/echo" }).click();
  await page.getByRole("button", { name: "Connect", exact: true }).click();
  await pill(page, "open").waitFor();
  await send(page, "Text", "héllo {{i}} <b>bold</b>");
  await rows(page, "text", "in").filter({ hasText: "héllo 1 <b>bold</b>" }).waitFor();
  await send(page, "JSON", '{"n": 12345678901234567890, }');
  expect(await page.getByRole("alert").textContent()).toContain("Line 1, column 29");
  await message(page).fill('{"n": 12345678901234567890}');
  await page.getByRole("button", { name: "Prettify" }).click();
  expect(await message(page).inputValue()).toBe('{\n  "n": 12345678901234567890\n}');
  await page.getByRole("button", { name: "Minify" }).click();
  await message(page).press("Control+Enter");
  await rows(page, "text", "in").filter({ hasText: '{"n":12345678901234567890}' }).waitFor();
  await send(page, "Binary", "00000000  00 ff 48 65  |..He|");
  await rows(page, "binary", "in").filter({ hasText: "4 B" }).waitFor();
  expect(await look(page, "tester-traffic")).toEqual([]);
  await page.getByText("Options", { exact: false }).first().click();
  await page.getByLabel("Code").fill("4321");
  await page.getByLabel("Reason").fill("my reason");
  await page.getByRole("group", { name: "Close with a code" }).getByRole("button", { name: "Close" }).click();
  await pill(page, "closed").waitFor();
  await rows(page, "note").filter({ hasText: "4321, “my reason”" }).waitFor();
  await rows(page, "close").filter({ hasText: "4321" }).waitFor();
  expect(person.complaints).toEqual([]);
  await person.leave();
});

test("a foreign echo: its choice of subprotocol, its files, repeating, round trips", async () => {
  const foreign = await Foreign.start();
  const person = await enter();
  const page = await person.open(`${hub.url}/tester`);
  await page.getByText("Options", { exact: false }).first().click();
  await page.getByRole("textbox", { name: "Subprotocols" }).fill("first, second");
  await connect(page, foreign.url.replace("ws://", ""));
  await pill(page, "open").waitFor();
  expect(foreign.asked[0]?.protocols).toBe("first, second");
  expect(await page.locator(".agreed").textContent()).toContain("second");
  await page.getByRole("radio", { name: "Binary" }).check();
  await page.getByLabel("File to send").setInputFiles({ name: "data.bin", mimeType: "application/octet-stream", buffer: Buffer.alloc(70_000, 7) });
  await page.getByText("data.bin").waitFor();
  await page.getByRole("button", { name: "Send", exact: true }).click();
  await rows(page, "binary", "in").waitFor();
  await page.getByRole("button", { name: "Remove" }).click();
  await page.getByRole("radio", { name: "Text" }).check();
  await message(page).fill("n={{i}}");
  await page.getByText("Repeat and variables").click();
  await page.getByLabel("Every (ms)").fill("5");
  await page.getByLabel("Times").fill("20");
  await page.getByRole("button", { name: "Start" }).click();
  await expect.poll(() => foreign.heard.filter((text) => text.startsWith("n=")).length).toBe(20);
  expect(new Set(foreign.heard).size).toBe(20);
  await page.getByText("Round trip", { exact: false }).first().click();
  await page.getByRole("button", { name: "Measure" }).click();
  await page.locator(".figures").getByText(/\d ms/).first().waitFor();
  await person.leave();
  await foreign.stop();
});

test("refused: says that browsers hide why, and what it may be", async () => {
  const person = await enter();
  const page = await person.open(`${hub.url}/tester`);
  const port = await freePort();
  await connect(page, `localhost:${port}/x`);
  const alert = page.getByRole("alert");
  await alert.getByText("Browsers hide the reason").waitFor();
  expect(await alert.textContent()).toContain(`nothing listens on localhost:${port}`);
  expect(await rows(page, "close").textContent()).toContain("1006");
  expect(await look(page, "tester-refused")).toEqual([]);
  await alert.getByRole("button", { name: "Show Agent" }).click();
  await page.getByText("Each link works once.").waitFor();
  await page.getByRole("combobox", { name: "WebSocket URL" }).fill("ftp://x");
  await page.getByText("not ftp://").first().waitFor();
  await person.leave();
});

test("reconnects by itself when the server is back, and greets again", async () => {
  const foreign = await Foreign.start();
  const person = await enter();
  const page = await person.open(`${hub.url}/tester`);
  await page.getByText("Options", { exact: false }).first().click();
  await page.getByLabel("Reconnect when it ends").check();
  await page.getByLabel("Send when it opens").fill("hello again");
  await connect(page, foreign.url);
  await pill(page, "open").waitFor();
  await foreign.stop();
  await pill(page, "waiting").waitFor();
  await foreign.run();
  await pill(page, "open").waitFor();
  await expect.poll(() => foreign.heard).toEqual(["hello again", "hello again"]);
  await page.getByRole("button", { name: "Disconnect" }).click();
  await pill(page, "closed").waitFor();
  await page.waitForTimeout(800);
  await expect.poll(() => pill(page, "closed").count()).toBe(1);
  await person.leave();
  await foreign.stop();
});

test("a share link fills the form, and does nothing else", async () => {
  const foreign = await Foreign.start();
  const person = await enter();
  const shared = new URLSearchParams({ url: `${foreign.url}/room`, sub: "a,b", msg: '{"op":"join"}', kind: "json" });
  const page = await person.open(`${hub.url}/tester#${shared.toString()}`);
  await page.getByText("A link filled this form").waitFor();
  expect(await message(page).inputValue()).toBe('{"op":"join"}');
  await page.waitForTimeout(500);
  expect(foreign.asked).toEqual([]);
  await expect.poll(() => pill(page, "idle").count()).toBe(1);
  await page.getByRole("tab", { name: "Copy as" }).click();
  const link = await page.getByLabel("Link", { exact: true }).textContent();
  const other = await person.open(link ?? "");
  await other.getByRole("button", { name: "Connect", exact: true }).click();
  await pill(other, "open").waitFor();
  expect(foreign.asked).toEqual([{ path: "/room", protocols: "a, b" }]);
  expect(foreign.heard).toEqual([]);
  const third = await person.open(`${hub.url}/tester?url=${encodeURIComponent(foreign.url)}`);
  expect(await third.getByRole("combobox", { name: "WebSocket URL" }).inputValue()).toBe(foreign.url);
  await person.leave();
  await foreign.stop();
});

test("the handshake is computed live, and snippets are kept", async () => {
  const person = await enter();
  const page = await person.open(`${hub.url}/tester`);
  await page.getByRole("tab", { name: "Handshake" }).click();
  await page.getByText("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=").last().waitFor();
  await page.getByLabel("Sec-WebSocket-Key").fill("x3JJHMbDL1EzLkh9GBhXDw==");
  await page.locator("#accept").getByText("HSmrc0sMlYUkAGmm5OPpG2HaGWk=").waitFor();
  expect(await look(page, "tester-handshake")).toEqual([]);
  await message(page).fill("join the room");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByLabel("Name of the snippet").fill("join");
  await page.keyboard.press("Enter");
  await page.reload();
  await page.getByRole("tab", { name: "Snippets" }).click();
  await page.getByLabel("Search snippets").fill("room");
  await page.getByRole("button", { name: "Use join" }).click();
  expect(await message(page).inputValue()).toBe("join the room");
  await person.leave();
});

test("the agent: locked without a token; with one, the wire is seen", async () => {
  const person = await enter();
  const tokens: string[] = [];
  await person.context.route("**/agent", async (route) => {
    tokens.push(route.request().postData() ?? "");
    await route.fulfill(tokens.length === 1 ? { json: { key: "the-key" } } : { status: 410, body: "This link was used." });
  });
  const opens: Record<string, unknown>[] = [];
  await person.context.routeWebSocket(/\/agent$/, (socket) => {
    const say = (event: object) => socket.send(JSON.stringify(event));
    socket.onMessage((data) => {
      if (typeof data !== "string") {
        socket.send(data);
        return;
      }
      const asked = JSON.parse(data) as Record<string, unknown>;
      if (asked["op"] === "open") {
        opens.push(asked);
        say({ ev: "request", head: "GET /x HTTP/1.1\r\nX-Me: 1\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n" });
        if (String(asked["url"]).includes("restarted")) {
          say({ ev: "error", stage: "agent", message: "this key was not given by this server, or is forgotten", hint: "Open the link." });
          void socket.close({ code: 4501 });
          return;
        }
        if (String(asked["url"]).includes("refuse")) {
          say({ ev: "refused", status: 403, head: "HTTP/1.1 403 Forbidden\r\nServer: x\r\n\r\n", body: "<script>no entry</script>", truncated: false });
          void socket.close({ code: 1000 });
          return;
        }
        say({ ev: "connected", address: "127.0.0.1:1", proxy: null });
        say({ ev: "tls", version: "TLSv1.3", cipher: "TLS_AES_128_GCM_SHA256", alpn: "http/1.1", verified: true, chain: [{ subject: "CN=<b>localhost</b>", issuer: "CN=Test CA", names: ["localhost"], from: "2026-01-01", until: "2027-01-01", sha256: "ab:cd" }] });
        say({ ev: "response", head: "HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n" });
        say({ ev: "open", protocol: "", extensions: "" });
      } else if (asked["op"] === "send") {
        say({ ev: "frame", way: "in", opcode: 1, name: "text", fin: true, rsv1: false, masked: false, length: 2, wire: 4, head: "8102" });
        say({ ev: "text", text: asked["text"] });
      } else if (asked["op"] === "ping") {
        say({ ev: "pong", rtt_ms: 0.41 });
      } else if (asked["op"] === "close") {
        say({ ev: "close", code: 1000, reason: "", by: "client", clean: true });
      }
    });
  });
  const page = await person.open(`${hub.url}/tester`);
  await page.getByRole("tab", { name: "Agent" }).click();
  expect(await page.getByRole("switch").isDisabled()).toBe(true);
  await page.getByText("open the tester link that it prints").waitFor();
  await page.goto(`${hub.url}/tester#agent=once`);
  await page.getByRole("switch", { checked: true }).waitFor();
  expect(tokens).toEqual(["once"]);
  expect(page.url()).toBe(`${hub.url}/tester`);
  await page.reload();
  await page.getByRole("button", { name: "Add a header" }).click();
  await page.getByLabel("Name of header 1").fill("X-Me");
  await page.getByLabel("Value of header 1").fill("1");
  await page.getByRole("textbox", { name: "Origin" }).fill("https://other.example");
  await connect(page, "wss://localhost:1/x");
  await pill(page, "open").waitFor();
  expect(opens[0]).toMatchObject({ key: "the-key", url: "wss://localhost:1/x", headers: [["X-Me", "1"]], origin: "https://other.example", insecure: false, frames: true });
  await send(page, "Text", "hi");
  await rows(page, "frame", "in").filter({ hasText: "text, final" }).waitFor();
  await page.getByRole("button", { name: "Send a ping" }).click();
  await rows(page, "pong").filter({ hasText: "0.41 ms" }).waitFor();
  await page.getByRole("tab", { name: "Handshake" }).click();
  await page.getByText("The server's answer has the same value.").waitFor();
  await page.getByText("CN=<b>localhost</b>").waitFor();
  await rows(page, "frame", "in").click();
  await page.getByRole("region", { name: /^Row/ }).getByText("8102").waitFor();
  expect(await look(page, "tester-wire")).toEqual([]);
  await page.getByRole("button", { name: "Disconnect" }).click();
  await connect(page, "wss://localhost:1/refuse");
  await page.getByText("<script>no entry</script>").last().waitFor();
  await rows(page, "error").filter({ hasText: "403" }).waitFor();
  await connect(page, "wss://localhost:1/restarted");
  await page.getByRole("tab", { name: "Agent" }).click();
  await page.getByRole("alert").filter({ hasText: "Open the tester link that its terminal shows now" }).waitFor();
  expect(await page.getByRole("switch").isDisabled()).toBe(true);
  await page.reload();
  await page.getByText("Only who sees the terminal may use it.").waitFor();
  expect(person.complaints).toEqual([]);
  await person.leave();
});

test("from a file: no hub, no storage, and it works all the same", async () => {
  const foreign = await Foreign.start();
  const folder = mkdtempSync(join(tmpdir(), "tidewire-file-"));
  writeFileSync(join(folder, "tester.html"), await (await fetch(`${hub.url}/tester.html`)).text());
  const person = await enter(true, "Object.defineProperty(globalThis, 'localStorage', { get() { throw new Error('forbidden'); } })");
  const page = await person.open(pathToFileURL(join(folder, "tester.html")).href);
  await connect(page, foreign.url);
  await pill(page, "open").waitFor();
  await send(page, "Text", "from a file");
  await rows(page, "text", "in").filter({ hasText: "from a file" }).waitFor();
  await page.getByRole("tab", { name: "Agent" }).click();
  await page.getByText("It was opened from a file").waitFor();
  // The other pages are not there, so there is no way to them.
  expect(await page.getByRole("banner").getByRole("link").count()).toBe(0);
  expect(await page.getByRole("switch").isDisabled()).toBe(true);
  expect(person.complaints).toEqual([]);
  await person.leave();
  await foreign.stop();
  rmSync(folder, { recursive: true });
});

test("by keyboard alone, on a phone's width", async () => {
  const person = await enter();
  const page = await person.open(`${hub.url}/tester`);
  await page.setViewportSize({ width: 360, height: 740 });
  await page.keyboard.press("?");
  await page.getByRole("dialog", { name: "Keys" }).waitFor();
  await page.keyboard.press("Escape");
  await page.keyboard.press("u");
  await page.keyboard.press("Control+A");
  await page.keyboard.type("/echo?um");
  expect(await page.getByRole("combobox", { name: "WebSocket URL" }).inputValue()).toBe("/echo?um");
  await page.keyboard.press("Enter");
  await page.keyboard.press("Enter");
  await pill(page, "open").waitFor();
  await message(page).focus();
  await page.keyboard.type("one");
  await page.keyboard.press("Control+Enter");
  await page.keyboard.press("Control+A");
  await page.keyboard.type("two");
  await page.keyboard.press("Control+Enter");
  await rows(page, "text", "in").nth(1).waitFor();
  await page.keyboard.press("Home");
  await page.keyboard.press("ArrowUp");
  expect(await message(page).inputValue()).toBe("one");
  await page.keyboard.press("End");
  await page.keyboard.press("ArrowDown");
  expect(await message(page).inputValue()).toBe("two");
  await page.getByRole("button", { name: "Disconnect" }).focus();
  await page.keyboard.press("l");
  expect(await page.evaluate(() => document.activeElement?.getAttribute("aria-label"))).toBe("Messages");
  await page.keyboard.press("u");
  await page.keyboard.press("Escape");
  await pill(page, "closed").waitFor();
  await page.getByRole("tab", { name: "Handshake" }).focus();
  await page.keyboard.press("ArrowLeft");
  await page.getByRole("tabpanel", { name: "Copy as" }).waitFor();
  expect(await isTooWide(page)).toBe(false);
  expect(person.complaints).toEqual([]);
  await person.leave();
});
