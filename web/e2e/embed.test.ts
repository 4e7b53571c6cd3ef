// The chat on another site: two lines of HTML under a strict policy, and the one line of the hub that lets the site in.
import { type Server, createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Person, look, startBrowser } from "./browser.ts";
import { ROOMY, publish } from "./chat.ts";
import { Hub } from "./hub.ts";

let open: Hub;
let shut: Hub;
let browser: Browser;
let site: Server;
let origin: string;
/** What the site serves at `/`, and the policy it serves it with. */
let html = "";
let policy = "";

beforeAll(async () => {
  site = createServer((_, answer) => {
    answer.writeHead(200, { "content-type": "text/html; charset=utf-8", "content-security-policy": policy }).end(html);
  });
  await new Promise<void>((done) => site.listen(0, "127.0.0.1", done));
  origin = `http://127.0.0.1:${(site.address() as AddressInfo).port}`;
  open = await Hub.start({ config: `origins = ["${origin}"]\n${ROOMY}` });
  shut = await Hub.start({ config: ROOMY });
  browser = await startBrowser();
});

afterAll(async () => {
  await browser?.close();
  await open?.stop();
  await shut?.stop();
  site?.close();
});

/** The two lines, as a site has them; `server` only where the script is served by another process than the hub. */
const lines = (hub: Hub, attributes: string, inner = "") => {
  const server = hub.url === hub.origin ? "" : ` server="${hub.origin}"`;
  return `<script type="module" src="${hub.url}/chat.js"></script>\n<tidewire-chat${server} ${attributes}>${inner}</tidewire-chat>`;
};
const strict = (hub: Hub) => `default-src 'none'; script-src ${hub.url}; connect-src ${hub.origin} ${hub.origin.replace("http", "ws")} ${hub.url}; img-src blob:; base-uri 'none'; require-trusted-types-for 'script'; trusted-types 'none'`;
const page = (body: string) => `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Shop</title></head><body><main><h1>A shop</h1>\n${body}\n</main></body></html>`;

test("two chats on another site, under a strict policy and Trusted Types", async () => {
  policy = strict(open);
  html = page(lines(open, "room=\"shop\" id=\"one\" user-name=\"Guest One\"", "<span slot=\"empty\">Ask us anything</span><a slot=\"footer\" href=\"#terms\">Terms</a>") + lines(open, "room=\"support\" id=\"two\" lang=\"de\""));
  const person = await Person.enter(browser);
  const shop = await person.open(`${origin}/`);
  const [one, two] = [shop.locator("#one"), shop.locator("#two")];
  await one.getByText("Connected", { exact: true }).waitFor();
  await two.getByText("Verbunden", { exact: true }).waitFor();
  await one.getByText("Ask us anything").waitFor();
  expect(await one.locator(".naming").count()).toBe(0);
  await expect.poll(() => two.locator(".naming").count()).toBe(1);
  expect(await look(shop, "chat-embedded")).toEqual([]);

  // Events and methods.
  await shop.evaluate(() => {
    const told: unknown[] = ((globalThis as Record<string, unknown>)["told"] = []);
    for (const type of ["tidewire-message", "tidewire-send"]) {
      document.addEventListener(type, (event) => {
        const { text, message } = (event as CustomEvent<{ text?: string; message?: { data: unknown } }>).detail;
        told.push([type, text ?? message?.data]);
        if (text === "stop me") {
          event.preventDefault();
        }
      });
    }
  });
  const send = (text: string) => one.evaluate((chat, words) => (chat as unknown as { send(text: string): boolean }).send(words), text);
  expect(await send("from a script")).toBe(true);
  expect(await send("stop me")).toBe(false);
  await one.locator(".message.own .state", { hasText: "✓" }).waitFor();
  await publish(open, "shop", [{ data: { text: "hello from us" } }], "Shop");
  await one.getByText("hello from us").first().waitFor();
  expect(await shop.evaluate("told")).toEqual([
    ["tidewire-send", "from a script"], ["tidewire-message", { text: "from a script" }], ["tidewire-send", "stop me"], ["tidewire-message", { text: "hello from us" }],
  ]);
  await one.evaluate((chat) => (chat as HTMLElement).focus());
  expect(await one.evaluate((chat) => chat.shadowRoot?.activeElement?.tagName)).toBe("TEXTAREA");

  // Style from outside.
  await one.evaluate((chat) => {
    (chat as HTMLElement).style.setProperty("--tidewire-accent", "rgb(120, 20, 90)");
    (chat as HTMLElement).style.cssText += ";width:300px;height:400px";
  });
  expect(await one.locator(".jump, .field .send").first().evaluate((send) => getComputedStyle(send).getPropertyValue("--accent").trim())).toBe("rgb(120, 20, 90)");
  await one.screenshot({ path: "../target/screenshots/chat-small.png" });
  expect(await one.locator(".room").evaluate((room) => [room, ...room.querySelectorAll(".bar, .log, .composer, .field")].filter((part) => part.scrollWidth > part.clientWidth).map((part) => part.className))).toEqual([]);

  // Attributes at run time: another room, another name, another language; then gone.
  await two.evaluate((chat) => {
    chat.setAttribute("room", "shop");
    chat.setAttribute("user-name", "Zwei");
    chat.setAttribute("lang", "fr");
  });
  await two.getByText("Connecté", { exact: true }).waitFor();
  await two.getByText("hello from us").first().waitFor();
  await one.locator(".who-button", { hasText: "1 here" }).waitFor(); // one person, two sessions
  await two.evaluate((chat) => chat.setAttribute("user-name", "Deux"));
  await two.locator(".people b", { hasText: "Deux" }).waitFor({ state: "attached" });
  // Moved in the page it stays; taken out it closes.
  await two.evaluate((chat) => document.body.append(chat));
  await two.getByText("Connecté", { exact: true }).waitFor();
  const state = await two.evaluate(async (chat) => {
    chat.remove();
    await new Promise((done) => setTimeout(done, 50));
    return [(chat as unknown as { state: string }).state, chat.shadowRoot!.childElementCount];
  });
  expect(state).toEqual(["idle", 0]);
  expect(person.complaints).toEqual([]);
  await person.leave();
});

test("several in one room show each message once, and the script twice defines once", async () => {
  policy = strict(open);
  html = page(lines(open, "room=\"double\" id=\"one\" user-name=\"A\"") + `<script type="module" src="${open.url}/chat.js?again"></script>` + lines(open, "room=\"double\" id=\"two\" user-name=\"A\""));
  const person = await Person.enter(browser);
  const shop = await person.open(`${origin}/`);
  for (const id of ["#one", "#two"]) {
    await shop.locator(id).getByText("Connected", { exact: true }).waitFor();
  }
  await shop.locator("#one textarea").fill("once");
  await shop.locator("#one textarea").press("Enter");
  await shop.locator("#two .text", { hasText: "once" }).waitFor();
  expect(await shop.locator(".message .text").allInnerTexts()).toEqual(["once", "once"]);
  expect(person.complaints).toEqual([]);
  await person.leave();
});

test("a hub that does not let the site in: the chat says what to set", async () => {
  policy = strict(shut);
  html = page(lines(shut, "room=\"shop\""));
  const person = await Person.enter(browser);
  const shop = await person.open(`${origin}/`);
  await shop.getByText(`The chat server does not let in pages of ${origin}.`, { exact: false }).waitFor();
  expect(await shop.locator(".banner code").innerText()).toBe(`origins = ["${origin}"]`);
  expect(await look(shop, "chat-not-let-in")).toEqual([]);
  await person.leave();
});

test("a page whose policy forbids the connection: the chat says what the policy needs", async () => {
  policy = `default-src 'none'; script-src ${open.url}`;
  html = page(lines(open, "room=\"shop\""));
  const person = await Person.enter(browser);
  const shop = await person.open(`${origin}/`);
  await shop.getByText("Content-Security-Policy does not let it reach", { exact: false }).waitFor();
  expect(await shop.locator(".banner code").innerText()).toBe(`connect-src ${open.origin} ${open.origin.replace("http", "ws")}`);
  html = page("<tidewire-chat></tidewire-chat>" + lines(open, ""));
  await shop.reload();
  await shop.getByText("No room is named.", { exact: false }).first().waitFor();
  await person.leave();
});

test("a room that does not tell who is there is read all the same; one that may not be read is closed, in words", async () => {
  const access = (subscribe: string) => `subscribe = "${subscribe}"\npublish = "anyone"\n`;
  const hub = await Hub.start({ config: `origins = ["${origin}"]\n[namespaces.chat]\n${access("anyone")}[namespaces.secret]\n${access("nobody")}` });
  policy = strict(hub);
  html = page(lines(hub, "room=\"shop\" id=\"one\" user-name=\"Ann\"") + lines(hub, "room=\"secret:x\" id=\"two\""));
  const person = await Person.enter(browser);
  const shop = await person.open(`${origin}/`);
  await shop.locator("#one").getByText("Connected", { exact: true }).waitFor();
  await shop.locator("#one").getByText("This room does not tell who is here.").waitFor();
  await shop.locator("#one textarea").fill("hello");
  await shop.locator("#one textarea").press("Enter");
  await shop.locator("#one .state", { hasText: "✓" }).waitFor();
  await shop.locator("#two").getByText("This room is closed to this page:", { exact: false }).waitFor();
  expect(await look(shop, "chat-closed")).toEqual([]);
  await person.leave();
  await hub.stop();
});
