// Images: chosen, pasted, dropped, looked at, sent as bytes without what the file said, and shown to the other.
import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { Person, look } from "./browser.ts";
import { ask, enter, publish, say } from "./chat.ts";
import { browser, hub, stage } from "./stage.ts";

/** Small, so that what the room takes is soon exceeded. */
const SMALL = `
[namespaces.chat]
subscribe = "anyone"
publish = "anyone"
presence = "anyone"
max_message = "24KiB"
`;
const LIMIT = 20_000;

stage({ config: SMALL });

/** A picture that no encoder makes small: noise over colours. */
async function photo(page: Page, width: number, height: number): Promise<Buffer> {
  const base64 = await page.evaluate(async ([w, h]) => {
    const canvas = document.createElement("canvas");
    canvas.width = w!;
    canvas.height = h!;
    const pen = canvas.getContext("2d")!;
    const colours = pen.createLinearGradient(0, 0, w!, h!);
    ["#0b6b83", "#f2c14e", "#a63a5b"].forEach((colour, i) => colours.addColorStop(i / 2, colour));
    pen.fillStyle = colours;
    pen.fillRect(0, 0, w!, h!);
    for (let i = 0; i < 4_000; i += 1) {
      pen.fillStyle = `hsl(${(i * 47) % 360} 60% 50% / 25%)`;
      pen.fillRect((i * 7919) % w!, (i * 104729) % h!, 24, 24);
    }
    return canvas.toDataURL("image/png").split(",")[1]!;
  }, [width, height]);
  return Buffer.from(base64, "base64");
}

/** The image with a text that a camera might have put in. */
function withText(png: Buffer, text: string): Buffer {
  const body = Buffer.from(`tEXt${text}`, "latin1");
  let crc = ~0;
  for (const byte of body) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) {
      crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
    }
  }
  const u32 = (n: number) => [n >>> 24, (n >>> 16) & 255, (n >>> 8) & 255, n & 255];
  const chunk = [...u32(text.length), ...body, ...u32(~crc)];
  return Buffer.from([...png.subarray(0, 33), ...chunk, ...png.subarray(33)]);
}

const limit = (page: Page, bytes: number) => page.locator("tidewire-chat").evaluate((chat, n) => chat.setAttribute("image-limit", String(n)), bytes);

test("an image is made small, looked at, sent, shown to the other, and opened", async () => {
  const [ann, bob] = [await Person.enter(browser), await Person.enter(browser)];
  const a = await enter(ann, hub, "pictures", "Ann");
  const b = await enter(bob, hub, "pictures", "Bob");
  await limit(a, LIMIT);
  const big = await photo(a, 2400, 1600);
  expect(big.length).toBeGreaterThan(60_000);
  // What a camera adds: its owner's secrets in a chunk of text.
  const secret = withText(big, "Secret\0GPS 51.5");
  await a.locator("input[type=file]").setInputFiles([{ name: "holiday.png", mimeType: "image/png", buffer: secret }, { name: "second.png", mimeType: "image/png", buffer: await photo(a, 300, 200) }]);
  await a.locator(".preview").nth(1).waitFor();
  expect(await look(a, "chat-preview")).toEqual([]);
  await a.getByRole("button", { name: "Take out second.png" }).click();
  expect(await a.locator(".preview figcaption").allInnerTexts()).toEqual([expect.stringMatching(/^holiday\.png\s+\d+ KiB$/)]);
  await say(a, "look at this");
  const image = b.getByRole("img", { name: /^Image from Ann, \d+×\d+$/ });
  await image.waitFor();
  const shown = await image.evaluate(async (one: HTMLImageElement) => {
    await one.decode();
    return { src: one.src, width: one.naturalWidth };
  });
  expect(shown.src).toMatch(/^blob:http/);
  expect(shown.width).toBeGreaterThan(300);
  const [page] = await ask(hub, [{ op: "history", channel: "pictures" }]);
  const sent = (page!["messages"] as { base64?: string }[]).flatMap(({ base64 }) => (base64 === undefined ? [] : [Buffer.from(base64, "base64")]));
  expect(sent).toHaveLength(1);
  expect(sent[0]!.length).toBeLessThanOrEqual(LIMIT);
  expect(sent[0]!.toString("latin1")).not.toContain("GPS");
  expect(sent[0]!.toString("latin1", 0, 12)).toMatch(/^RIFF.{4}WEBP/s);
  await a.locator(".message.own .state", { hasText: "✓" }).first().waitFor();
  expect(await look(b, "chat-image")).toEqual([]);

  await b.getByRole("button", { name: /Image from Ann.*Open larger/ }).click();
  await b.locator("dialog[open] img").waitFor();
  await b.screenshot({ path: "../target/screenshots/chat-image-open.png" });
  await b.keyboard.press("Escape");
  await b.locator("dialog").waitFor({ state: "detached" });
  // After a reload it comes out of the history.
  await b.reload();
  await b.getByRole("img", { name: /^Image from Ann/ }).waitFor();
  await Promise.all([ann.leave(), bob.leave()]);
});

test("pasted and dropped files are taken, others are refused in words", async () => {
  const ann = await Person.enter(browser);
  const a = await enter(ann, hub, "paste", "Ann");
  await limit(a, LIMIT);
  const base64 = (await photo(a, 80, 60)).toString("base64");
  const give = (selector: string, how: "paste" | "drop", name: string, text?: string) => a.locator(selector).evaluate((element, given) => {
    const bytes = given.text === undefined ? Uint8Array.from(atob(given.base64), (sign) => sign.charCodeAt(0)) : new TextEncoder().encode(given.text);
    const data = new DataTransfer();
    data.items.add(new File([bytes], given.name, { type: "image/png" }));
    const init = { bubbles: true, cancelable: true, composed: true };
    element.dispatchEvent(given.how === "paste" ? new ClipboardEvent("paste", { ...init, clipboardData: data }) : new DragEvent("drop", { ...init, dataTransfer: data }));
  }, { how, name, base64, text });
  await give("textarea", "paste", "pasted.png");
  await give(".log", "drop", "dropped.png");
  await expect.poll(() => a.locator(".preview bdi").allInnerTexts()).toEqual(["pasted.png", "dropped.png"]);
  await give(".log", "drop", "drawing.svg", "<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>");
  await a.getByText("drawing.svg is not an image that can be sent", { exact: false }).waitFor();
  await limit(a, 30);
  await give("textarea", "paste", "pasted.png");
  await a.getByText("The image cannot be made smaller than 30 B.").waitFor();
  await expect.poll(() => a.locator(".preview").count()).toBe(2);
  await a.getByRole("button", { name: "Send" }).click();
  await expect.poll(() => a.locator(".message.own img").count()).toBe(2);
  await ann.leave();
});

test("what the room does not take is said, and can be deleted; bytes that are no image can be saved", async () => {
  const ann = await Person.enter(browser);
  const a = await enter(ann, hub, "large", "Ann");
  await limit(a, 60_000);
  await a.locator("input[type=file]").setInputFiles({ name: "big.png", mimeType: "image/png", buffer: await photo(a, 2400, 1600) });
  await a.locator(".preview").waitFor();
  await a.getByRole("button", { name: "Send" }).click();
  await a.getByText("Not sent: it is larger than this room takes.").waitFor();
  await say(a, "the next one goes");
  await a.locator(".message.own .state", { hasText: "✓" }).waitFor();
  expect(await look(a, "chat-failed")).toEqual([]);
  // It is still there after a reload, and by the keyboard it goes.
  await a.reload();
  await a.locator(".state.bad").waitFor();
  await a.getByRole("button", { name: /^Retry:/ }).press("Enter");
  await a.getByText("Not sent: it is larger than this room takes.").waitFor();
  await a.getByRole("button", { name: /^Delete:/ }).press("Enter");
  await a.locator(".state.bad").waitFor({ state: "detached" });

  await publish(hub, "large", [{ base64: Buffer.from("<svg onload=alert(1)>").toString("base64") }, { base64: Buffer.from("\u0089PNG\r\n\u001a\nxxxxIHDR\xff\xff\xff\xff\xff\xff\xff\xff", "latin1").toString("base64") }]);
  await a.locator(".file", { hasText: "21 bytes" }).waitFor();
  await expect.poll(() => a.locator(".file").count()).toBe(2);
  const [download] = await Promise.all([a.waitForEvent("download"), a.locator(".file button").first().click()]);
  expect(download.suggestedFilename()).toBe("message.bin");
  await ann.leave();
});
