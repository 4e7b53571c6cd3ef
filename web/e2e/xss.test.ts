// Markup from people never runs: as message, name, link, room, JSON, claim, file name; under the policy, and without it.
import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { Person } from "./browser.ts";
import { ROOMY, ask, enter, publish } from "./chat.ts";
import { browser, hub, stage } from "./stage.ts";

const CORPUS = [
  "<script>alert(1)</script>",
  "<img src=x onerror=alert(1)>",
  "<svg onload=alert(1)>",
  "<svg><script>alert(1)</script></svg>",
  "<iframe src=javascript:alert(1)></iframe>",
  "<iframe srcdoc=\"<script>parent.alert(1)</script>\">",
  "<body onload=alert(1)>",
  "<details open ontoggle=alert(1)>",
  "<video><source onerror=alert(1)></video>",
  "<audio src=x onerror=alert(1)>",
  "<input autofocus onfocus=alert(1)>",
  "<marquee onstart=alert(1)>",
  "<object data=javascript:alert(1)></object>",
  "<embed src=javascript:alert(1)>",
  "<math><mtext></mtext><mglyph><style></math><img src onerror=alert(1)>",
  "<a href=javascript:alert(1)>x</a>",
  "<form action=javascript:alert(1)><button>x</button></form>",
  "<link rel=stylesheet href=//evil.example/x.css>",
  "<style>@import '//evil.example/x.css';</style>",
  "<meta http-equiv=refresh content='0;url=javascript:alert(1)'>",
  "<base href=//evil.example/>",
  "<template><script>alert(1)</script></template>",
  "<noscript><p title=\"</noscript><img src=x onerror=alert(1)>\">",
  "</textarea><script>alert(1)</script>",
  "</title><script>alert(1)</script>",
  "\"><script>alert(1)</script>",
  "'><img src=x onerror=alert(1)>",
  "\" onmouseover=\"alert(1)",
  "' autofocus onfocus='alert(1)",
  "<scr<script>ipt>alert(1)</scr</script>ipt>",
  "<<script>alert(1);//<</script>",
  "&lt;script&gt;alert(1)&lt;/script&gt;",
  "&#60;img src=x onerror=alert(1)&#62;",
  "\\u003cimg src=x onerror=alert(1)\\u003e",
  "javascript:alert(1)",
  "JaVaScRiPt:alert(1)//https://a.example",
  "https://a.example/\"onmouseover=\"alert(1)",
  "https://a.example/<script>alert(1)</script>",
  "https://javascript:alert(1)@a.example/",
  "http://a.example/?x=javascript:alert(1)",
  "data:text/html,<script>alert(1)</script>",
  "mailto:x@a.example\"onclick=\"alert(1)",
  "[x](javascript:alert(1))",
  "![x](x\"onerror=\"alert(1))",
  "{{constructor.constructor('alert(1)')()}}",
  "${alert(1)}",
  "<%= alert(1) %>",
  "#{alert(1)}",
  "<tidewire-chat room=x></tidewire-chat>",
  "<slot name=header onslotchange=alert(1)></slot>",
  "<b id=alert>x</b><a id=document name=cookie>",
  "<!--<img src=\"--><img src=x onerror=alert(1)//\">",
  "<![CDATA[<script>alert(1)</script>]]>",
  "\u202e<script>alert(1)</script>\u202c",
  "<img/src/onerror=alert(1)>",
  "<x onclick=alert(1) style=position:fixed;inset:0>x</x>",
];

stage({ config: ROOMY });

/** Anything that runs rings. */
const TRIPWIRE = `
  window.rang = [];
  for (const name of ["alert", "confirm", "prompt", "print", "open"]) window[name] = () => window.rang.push(name);
  document.addEventListener("securitypolicyviolation", (event) => window.rang.push("policy: " + event.violatedDirective + " " + event.blockedURI + " " + event.sample));
`;

/** What stands in the shadow root and should not; and how often what should. */
const inside = (page: Page) => page.locator("tidewire-chat").evaluate((chat) => {
  const all = [...chat.shadowRoot!.querySelectorAll("*"), ...document.body.querySelectorAll("*")];
  const known = new Set("A ARTICLE ASIDE B BDI BODY BUTTON CODE DIALOG DIV EM FORM H1 H2 HEADER INPUT LABEL LI MAIN NAV P SLOT SPAN SVG PATH CIRCLE TEXTAREA TIME UL IMG FIGURE FIGCAPTION NOSCRIPT TIDEWIRE-CHAT".split(" "));
  return {
    strange: all.map((one) => one.tagName.toUpperCase()).filter((name) => !known.has(name)),
    handlers: all.flatMap((one) => one.getAttributeNames().filter((name) => name.startsWith("on"))),
    links: all.filter((one) => one.tagName === "A" && one.closest(".message, .people, .bar") !== null).map((one) => new URL((one as HTMLAnchorElement).href).protocol),
    chats: all.filter((one) => one.tagName === "TIDEWIRE-CHAT").length,
    images: all.filter((one) => one.tagName === "IMG").map((one) => (one as HTMLImageElement).src.slice(0, 5)),
    slots: all.filter((one) => one.tagName === "SLOT").length,
  };
});

test.each([["under the hub's policy", false], ["without any policy", true]] as const)("%s nothing of the corpus runs", async (_, bypassCSP) => {
  const room = `<img src=x onerror=alert(1)>${bypassCSP ? 2 : 1}`;
  for (const [i, name] of CORPUS.slice(0, 12).entries()) {
    const taken = [...name].filter((sign) => sign >= " " && sign < "\u007f").join("").slice(0, 64);
    await publish(hub, room, [{ text: `name ${i}` }, { data: { user: name, content: `claim ${i}` } }], taken);
  }
  await publish(hub, room, CORPUS.flatMap((text) => [
    { text }, { data: { text } }, { data: { user: text, content: text } }, { data: { [text]: text, list: [text] } }, { base64: Buffer.from(text).toString("base64") },
  ]));
  const person = await Person.enter(browser, { bypassCSP });
  await person.context.addInitScript(TRIPWIRE);
  const page = await enter(person, hub, room, "<b onclick=alert(1)>Ann");
  await page.locator("tidewire-chat").evaluate((chat) => {
    chat.addEventListener("tidewire-error", (event) => (globalThis as unknown as { rang: string[] }).rang.push(JSON.stringify((event as CustomEvent).detail)));
  });
  expect(await page.locator(".bar h2").innerText()).toBe(room);
  // All the way up, so that each has been shown.
  for (let n = 0; n < 40 && (await page.getByText("This is the beginning of what is kept.").count()) === 0; n += 1) {
    await page.locator(".log").evaluate((log) => (log.scrollTop = 0));
    await page.waitForTimeout(60);
    const found = await inside(page);
    expect(found).toEqual({ strange: [], handlers: [], links: found.links.filter((protocol) => /^(https?|mailto):$/.test(protocol)), chats: 1, images: [], slots: 2 });
  }
  await page.getByText("This is the beginning of what is kept.").waitFor();
  await page.getByText("name 0").waitFor();
  // Live, typed, as a file's name, and as typing.
  await page.locator("input[type=file]").setInputFiles({ name: "<img src=x onerror=alert(1)>.png", mimeType: "image/png", buffer: Buffer.from("<svg onload=alert(1)>") });
  await page.locator(".problem").waitFor();
  await ask(hub, [{ op: "auth", name: CORPUS[0] }, { op: "publish", channel: room, data: { typing: true }, keep: false }]);
  await page.getByText("<script>alert(1)</script> is typing…").waitFor();
  await page.locator("textarea").fill(CORPUS[1]!);
  await page.keyboard.press("Enter");
  await page.locator(".message.own .text", { hasText: CORPUS[1]! }).waitFor();
  expect(await inside(page)).toMatchObject({ strange: [], handlers: [], chats: 1, images: [] });
  await page.mouse.move(400, 400);
  expect(await page.evaluate("window.rang")).toEqual([]);
  expect(person.complaints).toEqual([]);
  await person.leave();
});
