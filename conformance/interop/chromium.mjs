// Cases: headless Chromium against `tidewire echo`: WebSocket in a page, the tutorial page from disk, the tester page.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer as createHttpServer } from "node:http";
import { createServer, connect as tcp } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { Echo, MIB, equal, finish, must, note, require, run, stopAll, within } from "./node_common.mjs";

const { chromium } = require("playwright-core");
const [binary, executablePath, work] = process.argv.slice(2);
const LIMIT = 65536;
const TUTORIAL = readFileSync(new URL("./tutorial.html", import.meta.url), "utf8");
const pictures = join(work, "screenshots");
mkdirSync(pictures, { recursive: true });

const [echo, plain, small, chooser] = await Promise.all(
  [[], ["--no-deflate"], ["--max-message", String(LIMIT)], ["--subprotocol", "superchat"]].map((options) =>
    Echo.start(binary, options),
  ),
);
const profile = mkdtempSync(join(tmpdir(), "tidewire-chromium-"));
const browser = await chromium.launchPersistentContext(profile, {
  executablePath,
  headless: true,
  args: [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
  ],
});

/** What runs in the page: a WebSocket with its messages in a queue. */
function inPage() {
  window.dial = (url, protocols = [], binaryType = "arraybuffer") =>
    new Promise((open, fail) => {
      const ws = new WebSocket(url, protocols);
      ws.binaryType = binaryType;
      const queue = [];
      const waiting = [];
      const closed = new Promise((end) =>
        ws.addEventListener("close", ({ code, reason, wasClean }) => {
          end({ code, reason, wasClean });
          fail(new Error(`closed with ${code} ${reason}`));
          for (const { refuse } of waiting) refuse(new Error(`closed with ${code} ${reason} instead of a message`));
        }),
      );
      ws.addEventListener("message", ({ data }) => (waiting.length ? waiting.shift().take(data) : queue.push(data)));
      const receive = () =>
        queue.length ? Promise.resolve(queue.shift()) : new Promise((take, refuse) => waiting.push({ take, refuse }));
      const bytes = (data) => (typeof data === "string" ? null : new Uint8Array(data));
      const echoed = async (data) => {
        ws.send(data);
        const got = await receive();
        if (typeof data === "string") {
          if (got !== data) throw new Error(`echo of ${data.length} characters: got ${String(got).slice(0, 60)}`);
        } else {
          const [sent, back] = [bytes(data), bytes(got)];
          if (!back || sent.length !== back.length || sent.some((byte, at) => byte !== back[at])) throw new Error("binary echo differs");
        }
      };
      const close = (code, reason) => {
        ws.close(code, reason);
        return closed;
      };
      ws.addEventListener("open", () => open({ ws, receive, echoed, close, closed }));
    });
}

const page = await browser.newPage();
await page.addInitScript(inPage);
// A page of a foreign origin on this machine; Chromium keeps pages of unknown origin from local addresses.
const blank = createHttpServer((_, response) => response.setHeader("Content-Type", "text/html").end("<title>interop</title>"));
await new Promise((ready) => blank.listen(0, "127.0.0.1", ready));
await page.goto(`http://127.0.0.1:${blank.address().port}/`);
/** Runs `body` in the page with `dial` and the argument; its result comes back. */
const inside = (body, argument) => page.evaluate(body, argument);

/** A TCP relay that counts bytes, for what a page cannot see of its own connection. */
async function counted(port, use) {
  const wire = { out: 0, in: 0 };
  const sockets = new Set();
  const relay = createServer((near) => {
    const far = tcp(port, "127.0.0.1");
    near.on("data", (data) => (wire.out += data.length)).pipe(far);
    far.on("data", (data) => (wire.in += data.length)).pipe(near);
    for (const socket of [near, far]) sockets.add(socket.on("error", () => {}));
  });
  await new Promise((ready) => relay.listen(0, "127.0.0.1", ready));
  try {
    return await use(`ws://127.0.0.1:${relay.address().port}/`, wire);
  } finally {
    for (const socket of sockets) socket.destroy();
    relay.close();
  }
}

async function text(message) {
  await inside(async ([url, message]) => {
    const client = await dial(url);
    await client.echoed(message);
    await client.close(1000);
  }, [echo.url, message]);
  return `${message.length} characters came back`;
}

async function binaryData() {
  return inside(async (url) => {
    const bytes = Uint8Array.from({ length: 256 }, (_, byte) => byte);
    const client = await dial(url);
    await client.echoed(bytes.buffer);
    await client.echoed(new ArrayBuffer(0));
    client.ws.send(new Blob([bytes, "and text"]));
    const mixed = await client.receive();
    if (mixed.byteLength !== 264) throw new Error(`Blob came back with ${mixed.byteLength} bytes`);
    await client.close(1000);
    const blobs = await dial(url, [], "blob");
    blobs.ws.send(bytes);
    const back = await blobs.receive();
    if (!(back instanceof Blob) || back.size !== 256) throw new Error("no Blob of 256 bytes");
    await blobs.close(1000);
    return "ArrayBuffer, empty ArrayBuffer, Blob sent, Blob received";
  }, echo.url);
}

async function large() {
  return inside(async ([url, size]) => {
    const client = await dial(url);
    const words = "Grüße λ 漢字 🦀 ";
    const text = words.repeat(40_000) + "x".repeat(size - 40_000 * new TextEncoder().encode(words).length);
    await client.echoed(text);
    const noise = new Uint8Array(size);
    for (let at = 0; at < size; at += 65536) crypto.getRandomValues(noise.subarray(at, at + 65536));
    await client.echoed(noise.buffer);
    await client.close(1000);
    return `${new TextEncoder().encode(text).length} bytes of UTF-8 and ${size} random bytes both ways`;
  }, [echo.url, MIB]);
}

const deflated = (server, expected) =>
  counted(server.port, async (url, wire) => {
    const message = "tidewire ".repeat(20_000);
    const seen = await inside(async ([url, message]) => {
      const client = await dial(url);
      for (let turn = 0; turn < 3; turn += 1) await client.echoed(message);
      const { extensions } = client.ws;
      await client.close(1000);
      return extensions;
    }, [url, message]);
    const used = `${3 * message.length} characters as ${wire.out} bytes out, ${wire.in} in, handshake included`;
    if (expected) {
      must(seen.startsWith("permessage-deflate"), `extensions: '${seen}'`);
      must(wire.out < 12_000 && wire.in < 12_000, used);
    } else {
      equal(seen, "", "extensions");
      must(wire.in > 3 * message.length, used);
    }
    return `extensions '${seen}'; ${used}`;
  });

async function subprotocol(server, offered, wanted) {
  const chosen = await inside(async ([url, offered]) => {
    const client = await dial(url, offered);
    await client.echoed("hello");
    await client.close(1000);
    return client.ws.protocol;
  }, [server.url, offered]);
  equal(chosen, wanted, "subprotocol");
  return `offered ${offered}, chosen ${chosen}`;
}

async function closing(code, reason) {
  const end = await inside(async ([url, code, reason]) => {
    const client = await dial(url);
    await client.echoed("hello");
    return code ? client.close(code, reason) : (client.ws.close(), client.closed);
  }, [echo.url, code, reason]);
  equal(end.code, code ?? 1005, "code");
  must(end.wasClean, "wasClean is false");
  return `close event ${end.code} '${end.reason}', clean`;
}

async function tooLarge() {
  const end = await inside(async ([url, limit]) => {
    const client = await dial(url);
    await client.echoed("x".repeat(limit));
    client.ws.send("x".repeat(limit + 1));
    return client.closed;
  }, [small.url, LIMIT]);
  equal(end.code, 1009, "code");
  return `${LIMIT} characters pass, one more: close event ${end.code} '${end.reason}'`;
}

async function pipelined() {
  return inside(async (url) => {
    const client = await dial(url);
    for (let n = 0; n < 1000; n += 1) client.ws.send(`message ${n}`);
    for (let n = 0; n < 1000; n += 1) {
      const got = await client.receive();
      if (got !== `message ${n}`) throw new Error(`message ${n}: got ${got}`);
    }
    await client.close(1000);
    return "1000 messages came back in order";
  }, echo.url);
}

async function sequential() {
  return inside(async (url) => {
    for (let n = 0; n < 50; n += 1) {
      const client = await dial(url);
      await client.echoed(String(n));
      const { code } = await client.close(1000);
      if (code !== 1000) throw new Error(`close event ${code}`);
    }
    return "50 connections one after the other";
  }, echo.url);
}

async function drain() {
  const server = await Echo.start(binary);
  await inside(async (url) => {
    window.drained = await dial(url);
    await window.drained.echoed("hello");
  }, server.url);
  server.interrupt();
  const end = await inside(() => window.drained.closed);
  equal(end.code, 1001, "code");
  return `close event ${end.code} '${end.reason}', clean ${end.wasClean}, the server ended with ${await server.ended}`;
}

/** The tutorial page, opened from disk; with another port in it when `port` is given. */
async function tutorial(port) {
  const folder = join(work, "tutorial");
  mkdirSync(folder, { recursive: true });
  const file = join(folder, port === 4000 ? "index.html" : "other-port.html");
  must(TUTORIAL.includes("ws://localhost:4000"), "the template has no ws://localhost:4000");
  writeFileSync(file, TUTORIAL.replace("ws://localhost:4000", `ws://localhost:${port}`));
  const tab = await browser.newPage();
  try {
    const logged = [];
    const answered = new Promise((seen) =>
      tab.on("console", (entry) => {
        logged.push(entry.text());
        if (entry.text().startsWith("Message from server:")) seen(entry.text());
      }),
    );
    const protocol = await browser.newCDPSession(tab);
    await protocol.send("Network.enable");
    const origin = new Promise((seen) =>
      protocol.on("Network.webSocketWillSendHandshakeRequest", ({ request }) => seen(request.headers.Origin)),
    );
    await tab.goto(pathToFileURL(file).href);
    const answer = await within(10, `the answer; logged so far: ${logged.join(" | ")}`, answered);
    equal(answer, "Message from server: Hello, server!", "console");
    equal((await tab.textContent("#log")).trim(), "Hello, server!", "page");
    const sent = await within(5, "the handshake request", origin);
    must(["null", "file://"].includes(sent), `Origin: ${sent}`);
    return `file:// page, Origin: ${sent}; console: ${logged.join(" | ")}`;
  } finally {
    await tab.close();
  }
}

const free = (port, host) =>
  new Promise((answer) => {
    const probe = createServer();
    probe.once("error", (problem) => answer(problem.code !== "EADDRINUSE"));
    probe.listen(port, host, () => probe.close(() => answer(true)));
  });

async function tutorialOnItsOwnPort() {
  const server = await Echo.start(binary, [], null);
  try {
    equal(server.port, 4000, "default port");
    return await tutorial(4000);
  } finally {
    await server.stop();
  }
}

/** A tab on the tester page that fails on script errors and on requests to anywhere else. */
async function tester(width, use) {
  const tab = await browser.newPage();
  const problems = [];
  try {
    const home = echo.url.replace("ws://", "http://");
    await tab.setViewportSize({ width, height: 800 });
    tab.on("pageerror", (problem) => problems.push(`script error: ${problem.message}`));
    tab.on("console", (entry) => {
      if (entry.type() === "error" && !entry.location().url.endsWith("/favicon.ico")) problems.push(`console: ${entry.text()}`);
    });
    tab.on("request", (request) => {
      if (!/^(data|blob):/.test(request.url()) && !request.url().startsWith(home)) problems.push(`asked for ${request.url()}`);
    });
    const response = await tab.goto(home);
    equal(response.status(), 200, "status");
    const seen = await use(tab);
    must(problems.length === 0, problems.join("; "));
    return seen;
  } finally {
    await tab.close();
  }
}

/** Finds what the page offers by what a person reads: buttons, the message box, the log. */
async function drive(tab, message) {
  const button = (name) => tab.getByRole("button", { name }).first();
  await button(/^\s*connect/i).click({ timeout: 5000 });
  const box = tab.getByRole("textbox", { name: /message/i }).first();
  await box.fill(message, { timeout: 5000 });
  await button(/^\s*send/i).click({ timeout: 5000 });
  const log = tab.getByRole("log").first();
  const times = (text) => text.split(message).length - 1;
  let shown = "";
  for (let turn = 0; turn < 100 && times(shown) < 2; turn += 1) {
    shown = await log.innerText({ timeout: 5000 });
    await tab.waitForTimeout(50);
  }
  must(times(shown) >= 2, `the log does not show '${message}' sent and received: '${shown.slice(0, 200)}'`);
  return shown;
}

const testerAt = (width) =>
  tester(width, async (tab) => {
    const message = `hello at ${width} <b>✓</b>`;
    const shown = await drive(tab, message);
    const picture = join(pictures, `tester-${width}.png`);
    await tab.screenshot({ path: picture, fullPage: true });
    const { scrollWidth, innerWidth } = await tab.evaluate(() => ({ scrollWidth: document.documentElement.scrollWidth, innerWidth }));
    must(scrollWidth <= innerWidth, `the page is ${scrollWidth} px wide in a window of ${innerWidth} px`);
    await tab.getByRole("button", { name: /^\s*disconnect/i }).click({ timeout: 5000 });
    await tab.getByRole("button", { name: /^\s*connect/i }).waitFor({ timeout: 5000 });
    return `connected, sent, disconnected, log: '${shown.slice(-120)}'; ${picture}`;
  });

try {
  await run("text, ASCII", () => text("hello"));
  await run("text, multi-byte", () => text("Grüße λ 漢字 🦀 \u0000\ufeff"));
  await run("text, empty", () => text(""));
  await run("binary", binaryData);
  await run("1 MiB", large);
  await run("deflate agreed", () => deflated(echo, true));
  await run("deflate offered to --no-deflate", () => deflated(plain, false));
  await run("subprotocol, first offered", () => subprotocol(echo, ["chat", "superchat"], "chat"));
  await run("subprotocol, --subprotocol", () => subprotocol(chooser, ["chat", "superchat"], "superchat"));
  for (const [code, reason] of [[], [1000, "done"], [3000, "library"], [4999, "ünïcode ✓"]]) {
    await run(`close ${code ?? "without a code"}`, () => closing(code, reason));
  }
  await run("--max-message", tooLarge);
  await run("pipelined", pipelined);
  await run("sequential connections", sequential);
  await run("SIGINT", drain);
  await run("tutorial page from disk, a free port", () => tutorial(echo.port));
  if ((await free(4000, "127.0.0.1")) && (await free(4000, "::1"))) {
    await run("tutorial page from disk, unchanged, port 4000", tutorialOnItsOwnPort);
  } else {
    note("not run", "tutorial page from disk, unchanged, port 4000", "another program listens on port 4000");
  }
  await run("tester page, 1280 px", () => testerAt(1280));
  await run("tester page, 390 px", () => testerAt(390));
} finally {
  await browser.close();
  blank.close();
  rmSync(profile, { recursive: true, force: true });
}
await run("servers", () => stopAll([echo, plain, small, chooser]));
finish();
