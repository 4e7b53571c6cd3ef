// The tester's log with 100,000 rows: scrolled, filtered, searched, opened; hostile texts; files; keys.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, Locator, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Person, look, startBrowser } from "./browser.ts";
import { Hub } from "./hub.ts";

const folder = mkdtempSync(join(tmpdir(), "tidewire-log-"));

let hub: Hub;
let browser: Browser;
let person: Person;
let page: Page;

const T = Date.UTC(2026, 0, 2, 3, 4, 5);
const ROWS = 100_000;
/** More rows than this are never in the page. */
const MOST_ROWS = 120;

type Fields = Record<string, unknown>;
const ndjson = (rows: Fields[]) => rows.map((row) => JSON.stringify(row)).join("\n");

const many = () => ndjson(Array.from({ length: ROWS }, (_, index) => ({
  at: T + index * 3.5, way: index % 5 === 0 ? "out" : "in", kind: "text",
  text: JSON.stringify({ type: index % 10 === 0 ? "trade" : "quote", seq: index, px: 100 + (index % 977) / 10, id: "12345678901234567890" }),
})));

beforeAll(async () => {
  hub = await Hub.start();
  browser = await startBrowser();
});

afterAll(async () => {
  await browser?.close();
  await hub?.stop();
  rmSync(folder, { recursive: true });
});

const log = () => page.locator(".log");
const list = () => page.getByRole("grid", { name: "Messages" });
const foot = () => page.locator(".log-foot");
const button = (name: string | RegExp): Locator => log().getByRole("button", { name });

async function open(): Promise<void> {
  person = await Person.enter(browser);
  page = await person.open(`${hub.url}/tester`);
  await list().waitFor();
}

/** The fields of the filter, opened if they are not. */
async function openFilter(): Promise<Locator> {
  const toggle = button(/^Filter/);
  if ((await toggle.getAttribute("aria-expanded")) === "false") {
    await toggle.click();
  }
  return log().getByRole("group", { name: "Filter", exact: true });
}

/** Imports a file, from disk as a person does. */
async function bring(name: string, content: string): Promise<void> {
  writeFileSync(join(folder, name), content);
  await log().locator("input[type=file]").setInputFiles(join(folder, name));
}

async function close(): Promise<void> {
  expect(person.complaints).toEqual([]);
  await person.leave();
}

interface Scrolled { frames: number; dropped: number; longest: number; blank: number; most: number }

/** Scrolls the list in each frame, and counts those that came late, or showed nothing. */
const scroll = (to: "top" | "bottom", frames: number): Promise<Scrolled> => list().evaluate(async (box, [way, count]) => {
  const frame = () => new Promise<number>((done) => requestAnimationFrame(done));
  const result = { frames: count, dropped: 0, longest: 0, blank: 0, most: 0 };
  const whole = box.scrollHeight - box.clientHeight;
  let last = await frame();
  for (let index = 1; index <= count; index += 1) {
    box.scrollTop = way === "top" ? whole * (1 - index / count) : (whole * index) / count;
    const now = await frame();
    result.longest = Math.max(result.longest, now - last);
    result.dropped += Math.max(0, Math.round((now - last) / (1000 / 60)) - 1);
    last = now;
    const { left, top, height } = box.getBoundingClientRect();
    const middle = document.elementFromPoint(left + 60, top + height / 2);
    result.blank += middle?.closest("[role=row]") === null ? 1 : 0;
    result.most = Math.max(result.most, box.querySelectorAll("[role=row]").length);
  }
  return result;
}, [to, frames] as const);

describe("100,000 rows", () => {
  beforeAll(async () => {
    await open();
    const started = Date.now();
    await bring("many.ndjson", many());
    await log().getByText("Imported 100,000 rows from many.ndjson.").waitFor({ timeout: 60_000 });
    console.log(`import of ${ROWS} rows: ${Date.now() - started} ms`);
    await foot().getByText("100,000 rows").waitFor();
  }, 90_000);
  afterAll(() => close());

  test("are scrolled through; what is in the page stays small", async () => {
    await list().getByText('"seq":99999,').waitFor();
    for (const way of ["top", "bottom"] as const) {
      const { frames, dropped, longest, blank, most } = await scroll(way, 240);
      console.log(`scroll to the ${way}: frames dropped: ${dropped} of ${frames + dropped}, longest ${longest.toFixed(0)} ms, blank ${blank}, rows in the page at most ${most}`);
      expect(most).toBeLessThan(MOST_ROWS);
    }
    expect(await list().getAttribute("aria-rowcount")).toBe(String(ROWS + 1));
  });

  test("are gone through by keys", async () => {
    await list().focus();
    await page.keyboard.press("Home");
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("ArrowDown");
    const active = page.locator(`#${await list().getAttribute("aria-activedescendant")}`);
    expect(await active.getAttribute("aria-rowindex")).toBe("4");
    await active.getByText('"seq":2,').waitFor();
    expect(await active.locator(".log-span").textContent()).toBe("+3.5 ms");
    await button("Jump to newest ↓").waitFor();
    await page.keyboard.press("Enter");
    const detail = page.getByRole("region", { name: "Row 3", exact: true });
    await detail.getByRole("treeitem", { name: /id: "12345678901234567890"/ }).waitFor();
    await page.keyboard.press("ArrowDown");
    await page.getByRole("region", { name: "Row 4", exact: true }).waitFor();
    await page.keyboard.press("Escape");
    await page.getByRole("region", { name: /^Row / }).waitFor({ state: "detached" });
    expect(await list().evaluate((box) => box === document.activeElement)).toBe(true);
    await page.keyboard.press("PageDown");
    await page.keyboard.press("End");
    await list().getByText('"seq":99999,').waitFor();
    await button("Jump to newest ↓").waitFor({ state: "detached" });
  });

  test("are filtered by way, text, expression, JSON path", async () => {
    const filter = await openFilter();
    const text = filter.getByLabel("Filter by text or /expression/");
    const path = filter.getByLabel("Filter by JSON path");
    await filter.getByLabel("Direction").selectOption("out");
    await foot().getByText("20,000 of 100,000 rows").waitFor();
    await text.fill("TRADE");
    await foot().getByText("10,000 of 100,000 rows").waitFor();
    await text.fill("/\"seq\":\\d{1,2}0,/");
    await foot().getByText("99 of 100,000 rows").waitFor();
    await text.fill("");
    await filter.getByLabel("Direction").selectOption("all");
    await path.fill('type == "trade" && seq < 50');
    await foot().getByText("5 of 100,000 rows").waitFor();
    await path.fill("seq ==");
    await filter.getByText(/^Expected a number, a text/).waitFor();
    await filter.getByRole("button", { name: "Reset" }).click();
    await foot().getByText(/^100,000 rows/).waitFor();
  });

  test("a wrong or endless expression is told, and the page goes on", async () => {
    const filter = await openFilter();
    const text = filter.getByLabel("Filter by text or /expression/");
    await text.fill("/(/");
    await filter.getByText(/^Not a regular expression: Unterminated group/).waitFor();
    await text.fill("/^([^x]+)+x$/");
    const longest = await page.evaluate(async () => {
      let most = 0;
      let last = performance.now();
      for (const until = last + 1500; last < until;) {
        const now = await new Promise<number>((done) => requestAnimationFrame(() => done(performance.now())));
        most = Math.max(most, now - last);
        last = now;
      }
      return most;
    });
    console.log(`longest frame while an endless expression runs: ${longest.toFixed(0)} ms`);
    await filter.getByText(/^The expression takes more than 1 s, so it was stopped/).waitFor();
    await filter.getByRole("button", { name: "Reset" }).click();
    await foot().getByText(/^100,000 rows/).waitFor();
  });

  test("are searched, marked and stepped through", async () => {
    const search = log().getByRole("search");
    await search.getByRole("textbox").fill('"SEQ":4242');
    await search.getByText("11 rows").waitFor();
    await search.getByRole("button", { name: "Next match" }).click();
    await search.getByText(/^[0-9]+ of 11 rows/).waitFor();
    await list().locator("mark", { hasText: '"seq":4242' }).first().waitFor();
    const first = await list().getAttribute("aria-activedescendant");
    await search.getByRole("textbox").press("Enter");
    expect(await list().getAttribute("aria-activedescendant")).not.toBe(first);
    await search.getByRole("textbox").fill("");
  });

  test("are exported, also only the shown", async () => {
    const filter = await openFilter();
    await filter.getByLabel("Filter by JSON path").fill("seq < 3");
    await foot().getByText("3 of 100,000 rows").waitFor();
    await log().getByText("Files", { exact: true }).click();
    const [file] = await Promise.all([page.waitForEvent("download"), button("Export shown rows as HAR").click()]);
    expect(file.suggestedFilename()).toMatch(/^tidewire-.*\.har$/);
    await log().getByText("Exported 3 rows as HAR.").waitFor();
    const [all] = await Promise.all([page.waitForEvent("download"), button("Export all rows as NDJSON").click()]);
    expect(all.suggestedFilename()).toMatch(/\.ndjson$/);
    await log().getByText("Exported 100,000 rows as NDJSON.").waitFor();
    await page.keyboard.press("Escape");
    await filter.getByRole("button", { name: "Reset" }).click();
  });

  test("are cleared, and come back", async () => {
    await button("Clear").click();
    await foot().getByText(/^0 rows/).waitFor();
    await button("Undo").click();
    await foot().getByText(/^100,000 rows/).waitFor();
    await list().getByText('"seq":99999,').waitFor();
  });
});

const HOSTILE = [
  "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", '"><svg onload=alert(1)>', "javascript:alert(1)", "</textarea><iframe src=javascript:alert(1)>",
  "&lt;b&gt;&#60;script&#62;", "{{constructor.constructor('alert(1)')()}}", "\u001b]0;x\u0007", "a\u202egnp.exe", "zero\u200bwidth", "\u0000", "<a href='javascript:alert(1)'>x</a>", "مرحبا abc",
];

describe("what comes from others", () => {
  beforeAll(() => open());
  afterAll(() => close());

  test("is text, whatever it is", async () => {
    let alerted = false;
    page.on("dialog", (dialog) => {
      alerted = true;
      void dialog.dismiss();
    });
    const message = (fields: Fields, index: number) => ({ at: T + index * 40, way: "in", kind: "text", ...fields });
    await bring("hostile.ndjson", ndjson([
      { at: T, way: "event", kind: "connecting", text: "Connecting", detail: { url: "wss://example.com/<b>" } },
      ...HOSTILE.map((text, index) => message({ text }, index)),
      ...HOSTILE.map((text, index) => message({ way: "out", text: JSON.stringify({ [text]: [text, { n: 1 }] }), detail: { [text]: text } }, index)),
      { at: T + 2000, way: "in", kind: "binary", base64: Buffer.from(HOSTILE.join("\n")).toString("base64") },
      { at: T + 9000, way: "event", kind: "close", code: 1006, reason: "<b>gone</b>" },
    ]));
    await list().getByText("No Close frame came").waitFor();
    await list().focus();
    await page.keyboard.press("Home");
    await list().getByText("<img src=x onerror=alert(1)>", { exact: true }).waitFor();
    await list().getByText("aRLOgnp.exe").first().waitFor();
    for (let row = 1; row <= 2 * HOSTILE.length + 3; row += 1) {
      await list().focus();
      await page.keyboard.press("Enter");
      const detail = page.getByRole("region", { name: `Row ${row}`, exact: true });
      await detail.waitFor();
      for (const name of ["Tree", "Text", "Hex"]) {
        const show = detail.getByRole("button", { name, exact: true });
        if (await show.count() > 0) {
          await show.click();
          expect(await page.locator(".log :is(script, img, iframe, a, b, textarea, object, [onerror], [onload])").count()).toBe(0);
        }
      }
      await list().focus();
      await page.keyboard.press("ArrowDown");
    }
    await list().focus();
    await page.keyboard.press("End");
    expect(alerted).toBe(false);
  });

  test("is calm, accessible, and fits a phone: the list", async () => {
    await button("Close details").click();
    await log().getByText("Imported 29 rows").waitFor();
    expect(await look(page, "tester-log")).toEqual([]);
    await button("Wrap").click();
    expect(await look(page, "tester-log-wrap")).toEqual([]);
    await button("Wrap").click();
  });

  test("is calm, accessible, and fits a phone: an opened tree, a hex dump, filter and menu", async () => {
    await list().focus();
    await page.keyboard.press("Home");
    for (let index = 0; index < 14; index += 1) {
      await page.keyboard.press("ArrowDown");
    }
    await page.keyboard.press("Enter");
    await log().locator(".log-detail").getByRole("button", { name: "Tree", exact: true }).click();
    const tree = log().getByRole("tree", { name: "JSON" });
    await tree.getByRole("treeitem").first().focus();
    await page.keyboard.press("ArrowLeft");
    await expect.poll(() => tree.getByRole("treeitem").count()).toBe(1);
    await page.keyboard.press("ArrowRight");
    await page.keyboard.press("ArrowDown");
    await expect.poll(() => tree.getByRole("treeitem").nth(1).evaluate((item) => item === document.activeElement)).toBe(true);
    expect(await look(page, "tester-log-tree")).toEqual([]);
    await log().locator(".log-detail").getByRole("button", { name: "Hex", exact: true }).click();
    await log().locator(".log-hex").waitFor();
    await log().getByRole("search").getByRole("textbox").fill("alert");
    await (await openFilter()).getByRole("button", { name: "Help" }).click();
    await log().getByText("Files", { exact: true }).click();
    expect(await look(page, "tester-log-hex-and-menu")).toEqual([]);
    await page.keyboard.press("Escape");
  });

  test("a message of many megabytes opens, in portions", async () => {
    await bring("big.ndjson", ndjson([{ at: T, way: "in", kind: "text", text: `${"x".repeat(30_000_000)}needle` }]));
    await log().getByText("Imported 1 row from").waitFor();
    await list().focus();
    await page.keyboard.press("End");
    await page.keyboard.press("Enter");
    const detail = log().locator(".log-detail");
    await detail.getByText("30,000,006 bytes").waitFor();
    await detail.getByRole("button", { name: "Text", exact: true }).click();
    await detail.getByText("Characters 1 to 32,768 of 30,000,006").waitFor();
    await detail.getByRole("button", { name: "Last" }).click();
    await detail.getByText(/needle$/).last().waitFor();
    expect((await list().locator(".log-space").textContent())!.length).toBeLessThan(20_000);
  });

  test("a broken file is refused with its line, and nothing is added", async () => {
    const before = await foot().textContent();
    await bring("bad.ndjson", `{"at":1,"way":"in","kind":"text","text":"x"}\n{"at":2,"way":"in"`);
    await log().getByText('bad.ndjson was not imported: line 2 is not JSON: "{\\"at\\":2,\\"way\\":\\"in\\"".').waitFor();
    expect(await foot().textContent()).toBe(before);
  });
});
