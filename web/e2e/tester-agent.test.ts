// The tester through the hub's own agent, by the link that the terminal prints: what goes over the wire, and refusals.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { WebSocketServer } from "ws";
import { Person } from "./browser.ts";
import { browser, hub, stage } from "./stage.ts";
import { connect, pill, rows, send } from "./tester-page.ts";

stage();

/** Echoes, tells what it was asked with, and lets nobody into `/closed`. */
const asked: Record<string, string | string[] | undefined>[] = [];
const sockets = new WebSocketServer({ noServer: true });
const server = createServer();
let far = "";

beforeAll(async () => {
  server.on("upgrade", (request, socket, head) => {
    asked.push(request.headers);
    if (request.url === "/closed") {
      socket.end("HTTP/1.1 403 Forbidden\r\nContent-Length: 27\r\nX-Why: <b>key</b>\r\n\r\n<script>wrong key</script>\n");
      return;
    }
    sockets.handleUpgrade(request, socket, head, (ws) => ws.on("message", (data, binary) => ws.send(data, { binary })));
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  far = `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterAll(() => {
  sockets.clients.forEach((ws) => ws.terminate());
  server.close();
});

test("the terminal's link works once: headers, Origin, frames, Ping, the handshake, a refusal with its body", async () => {
  const inTerminal = /Tester\s+(\S+#agent=\w+)/;
  await expect.poll(() => hub.said).toMatch(inTerminal);
  const link = inTerminal.exec(hub.said)![1]!;
  const person = await Person.enter(browser);
  const page = await person.open(link);
  await page.getByRole("switch", { checked: true }).waitFor();
  expect(page.url()).toBe(`${hub.origin}/tester`);
  await page.getByRole("button", { name: "Add a header" }).click();
  await page.getByLabel("Name of header 1").fill("X-Me");
  await page.getByLabel("Value of header 1").fill("tester");
  await page.getByRole("textbox", { name: "Origin" }).fill("https://other.example");
  await connect(page, `${far}/open`);
  await pill(page, "open").waitFor();
  expect(asked[0]).toMatchObject({ "x-me": "tester", origin: "https://other.example" });

  await send(page, "Text", "through the agent");
  await rows(page, "text", "in").filter({ hasText: "through the agent" }).waitFor();
  await rows(page, "frame", "out").filter({ hasText: "text, final, masked" }).waitFor();
  await rows(page, "frame", "in").filter({ hasText: "text, final, not masked" }).waitFor();
  await page.getByRole("button", { name: "Send a ping" }).click();
  await rows(page, "pong", "in").filter({ hasText: /Round trip [\d.]+ ms/ }).waitFor();
  await page.getByRole("tab", { name: "Handshake" }).click();
  await page.getByText("The server's answer has the same value.").waitFor();

  await page.getByRole("button", { name: "Disconnect" }).click();
  await connect(page, `${far}/closed`);
  await rows(page, "error").filter({ hasText: "403" }).waitFor();
  await page.getByText("<script>wrong key</script>").last().waitFor();
  expect(person.complaints).toEqual([]);

  // Somebody who finds the link later has nothing of it; the terminal has another.
  const late = await Person.enter(browser);
  const second = await late.open(link);
  await second.getByRole("tab", { name: "Agent" }).click();
  await second.getByRole("alert").filter({ hasText: "used" }).waitFor();
  expect(await second.getByRole("switch").isDisabled()).toBe(true);
  await expect.poll(() => hub.said).toMatch(/link was used; a new one: \S+#agent=\w+/);
  await Promise.all([person.leave(), late.leave()]);
});
