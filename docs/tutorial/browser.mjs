// The reader's browser for run.py: one JSON question a line on stdin, one JSON answer a line on stdout.
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const require = createRequire(new URL("../../web/package.json", import.meta.url));

function playwright() {
  try {
    return require("playwright-core");
  } catch {
    console.error("playwright-core is missing: run `npm ci` in web/");
    process.exit(1);
  }
}

function program() {
  const places = [process.env.TIDEWIRE_CHROMIUM, "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
  const found = places.find((place) => place && existsSync(place));
  if (found === undefined) {
    console.error("no Chromium: install it (apt-get install chromium), or set TIDEWIRE_CHROMIUM");
    process.exit(1);
  }
  return found;
}

const { chromium } = playwright();
const browser = await chromium.launch({ executablePath: program(), args: ["--no-sandbox", "--disable-dev-shm-usage"] });
/** Each named page is a person of its own. */
const people = new Map();

async function person(name) {
  if (!people.has(name)) {
    const context = await browser.newContext();
    const page = await context.newPage();
    const one = { context, page, log: [], tools: await context.newCDPSession(page) };
    page.on("console", (line) => {
      // The browser asks for it by itself, at any time; the tutorial says to let it pass.
      if (!line.location().url.endsWith("/favicon.ico")) {
        one.log.push(line.text());
      }
    });
    page.on("pageerror", (error) => one.log.push(String(error)));
    page.setDefaultTimeout(15_000);
    people.set(name, one);
  }
  return people.get(name);
}

/** A page that never answers must not hold up everything. */
function soon(work) {
  let timer;
  const late = new Promise((_, fail) => {
    timer = setTimeout(() => fail(new Error("no answer within 20 seconds")), 20_000);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}

const AsyncFunction = (async () => {}).constructor;

const actions = {
  /** What a person does, in the words of Playwright. */
  async browser({ page }, code) {
    await new AsyncFunction("page", code)(page);
  },
  /** As the console of the developer's tools takes it: `const` lasts, `await` works. */
  async script({ tools }, code) {
    const { exceptionDetails } = await tools.send("Runtime.evaluate", { expression: code, replMode: true, awaitPromise: true });
    if (exceptionDetails !== undefined) {
      throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
    }
  },
  "see page": async ({ page }) => page.locator("body").innerText(),
  "see console": async ({ log }) => log.join("\n"),
};

for await (const line of createInterface({ input: process.stdin })) {
  const { page, action, code } = JSON.parse(line);
  let answer;
  try {
    if (action === "close") {
      await soon(Promise.all([...people.values()].map(({ context }) => context.close())));
      people.clear();
      answer = {};
    } else {
      answer = { text: await soon(actions[action](await person(page), code)) };
    }
  } catch (error) {
    answer = { error: String(error.message ?? error) };
  }
  console.log(JSON.stringify(answer));
}
await browser.close();
