// What the Node scripts share: the pinned packages, one line per case for run.py, and `tidewire echo` servers.
import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { join } from "node:path";

// run.py installs the packages outside of this folder and says where.
export const require = createRequire(join(process.env.TIDEWIRE_INTEROP_NODE, "index.js"));

export const MIB = 1 << 20;
let count = 0;

export function note(verdict, name, seen) {
  count += 1;
  console.log(`${verdict}\t${name}\t${String(seen).replace(/\s+/g, " ").slice(0, 300)}`);
}

export function must(condition, otherwise) {
  if (!condition) throw new Error(otherwise);
}

export function short(value) {
  const text = typeof value === "string" ? JSON.stringify(value) : String(value);
  return text.length <= 60 ? text : `${text.slice(0, 50)}… (${text.length} long)`;
}

export function equal(got, wanted, what) {
  must(got === wanted, `${what}: got ${short(got)}, expected ${short(wanted)}`);
}

export function within(limit, what, promise) {
  let timer;
  const late = new Promise((_, refuse) => {
    timer = setTimeout(() => refuse(new Error(`${what}: nothing within ${limit} s`)), limit * 1000);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** Runs one case: `body` resolves to what it saw, or throws. */
export async function run(name, body, limit = 20) {
  try {
    note("ok", name, await within(limit, "case", body()));
  } catch (problem) {
    note("FAIL", name, problem.message ?? problem);
  }
}

/** Says that no case was lost, and ends what a failed case may have left running. */
export function finish() {
  for (const child of running) child.kill("SIGKILL");
  process.stdout.write(`done\t${count}\n`, () => process.exit(0));
}

const running = new Set();

/** `tidewire echo` on a free port, ended by its pid. */
export class Echo {
  static async start(binary, options = [], address = "127.0.0.1:0") {
    const echo = new Echo();
    echo.stderr = "";
    echo.child = spawn(binary, ["echo", ...(address ? [address] : []), ...options], { stdio: ["ignore", "pipe", "pipe"] });
    echo.child.stderr.on("data", (data) => (echo.stderr += data));
    running.add(echo.child);
    echo.ended = new Promise((end) => echo.child.on("exit", (code, signal) => end(code ?? signal)));
    echo.ended.then(() => running.delete(echo.child));
    echo.child.on("error", (problem) => (echo.stderr += problem.message));
    const first = new Promise((line) => createInterface(echo.child.stdout).once("line", line));
    const line = await within(10, "tidewire echo", Promise.race([first, echo.ended]));
    const match = /^listening on (ws:\/\/127\.0\.0\.1:(\d+)\/)$/.exec(line);
    must(match, `tidewire echo said ${short(line)} instead of listening on ws://127.0.0.1:PORT/: ${echo.stderr}`);
    [, echo.url] = match;
    echo.port = Number(match[2]);
    return echo;
  }

  interrupt() {
    this.child.kill("SIGINT");
  }

  /** Ends the server with SIGINT; throws if its life was not a clean one. */
  async stop() {
    must(this.child.exitCode === null && this.child.signalCode === null, `${this.url} ended on its own: ${this.stderr.slice(-200)}`);
    this.interrupt();
    try {
      await within(10, `${this.url} after SIGINT`, this.ended);
    } catch (late) {
      this.child.kill("SIGKILL");
      throw late;
    }
    must(!this.stderr.includes("panicked"), `${this.url} panicked: ${this.stderr.slice(-200)}`);
  }
}

export async function stopAll(servers) {
  const ends = await Promise.allSettled(servers.map((server) => server.stop()));
  const problems = ends.filter((end) => end.status === "rejected").map((end) => end.reason.message);
  must(problems.length === 0, problems.join("; "));
  return `${servers.length} servers lived through all cases and ended on SIGINT`;
}
