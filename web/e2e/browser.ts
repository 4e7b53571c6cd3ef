// Chromium for a test: contexts like separate people's browsers, what their pages complain of, and a look at them.
import type { AxeResults } from "axe-core";
import axe from "axe-core";
import { existsSync, mkdirSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { type Browser, type BrowserContext, type BrowserContextOptions, type Page, chromium } from "playwright-core";

const SHOTS = resolve(dirname(fileURLToPath(import.meta.url)), "../../target/screenshots");

export const DESKTOP = { width: 1280, height: 800 };
export const PHONE = { width: 360, height: 740 };

/** The system's own Chromium: `TIDEWIRE_CHROMIUM`, or where the distributions put it. */
function program(): string {
  const places = [process.env["TIDEWIRE_CHROMIUM"], "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
  const found = places.find((place) => place !== undefined && place !== "" && existsSync(place));
  if (found === undefined) {
    throw new Error("no Chromium: install it (apt-get install chromium), or set TIDEWIRE_CHROMIUM");
  }
  return found;
}

/** `without`: what playwright asks of Chromium, and a test does not want. */
export function startBrowser(without: string[] = []): Promise<Browser> {
  return chromium.launch({ executablePath: program(), args: ["--no-sandbox", "--disable-dev-shm-usage"], ignoreDefaultArgs: without });
}

/** One person's browser, and what its pages complained of. */
export class Person {
  readonly complaints: string[] = [];
  private constructor(readonly context: BrowserContext) {}

  static async enter(browser: Browser, options: BrowserContextOptions = {}): Promise<Person> {
    const person = new Person(await browser.newContext({ viewport: DESKTOP, reducedMotion: "reduce", ...options }));
    person.context.on("page", (page) => {
      page.on("pageerror", (error) => person.complaints.push(String(error)));
      page.on("console", (message) => {
        if (message.type() === "error") {
          person.complaints.push(message.text());
        }
      });
    });
    return person;
  }

  async open(url: string): Promise<Page> {
    const page = await this.context.newPage();
    await page.goto(url);
    return page;
  }

  leave(): Promise<void> {
    return this.context.close();
  }
}

/** Whether the page is wider than its window; then phones scroll sideways. */
export const isTooWide = (page: Page): Promise<boolean> =>
  page.evaluate(() => document.documentElement.scrollWidth > document.documentElement.clientWidth);

/** What axe finds against WCAG 2.2 A and AA (contrast too), a line each; none is right. */
export async function judge(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  const found = await page.evaluate(async () => {
    const all = (globalThis as unknown as { axe: { run(where: Document, options: object): Promise<AxeResults> } }).axe;
    return all.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] });
  });
  return found.violations.flatMap(({ id, help, nodes }) =>
    nodes.map((node) => `${id}: ${help}: ${node.target.join(" ")}: ${node.failureSummary ?? ""}`));
}

/**
 * Pictures of the page as it is, on desktop and phone, light and dark, under `target/screenshots`; gives what is
 * wrong in any of the four, a line each.
 */
export async function look(page: Page, name: string): Promise<string[]> {
  mkdirSync(SHOTS, { recursive: true });
  const wrong: string[] = [];
  const before = page.viewportSize();
  for (const [size, viewport] of [["desktop", DESKTOP], ["phone", PHONE]] as const) {
    await page.setViewportSize(viewport);
    for (const colorScheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme });
      const which = `${name}-${size}-${colorScheme}`;
      await page.screenshot({ path: join(SHOTS, `${which}.png`) });
      if (await isTooWide(page)) {
        wrong.push(`${which}: wider than its window`);
      }
      wrong.push(...(await judge(page)).map((line) => `${which}: ${line}`));
    }
  }
  await page.emulateMedia({ colorScheme: null });
  if (before !== null) {
    await page.setViewportSize(before);
  }
  return wrong;
}
