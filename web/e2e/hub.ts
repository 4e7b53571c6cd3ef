// A real hub for a test: the binary, on a free port, with data of its own; it can be killed and started again.
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const WEB = resolve(dirname(fileURLToPath(import.meta.url)), "..");

/** The binary: `TIDEWIRE_BIN`, or what was built last in the workspace. */
function binary(): string {
  const target = process.env["CARGO_TARGET_DIR"] ?? resolve(WEB, "../target");
  const places = [process.env["TIDEWIRE_BIN"], join(target, "debug/tidewire"), join(target, "release/tidewire")];
  const found = places.find((place) => place !== undefined && place !== "" && existsSync(place));
  if (found === undefined) {
    throw new Error("no tidewire binary: run `cargo build`, or set TIDEWIRE_BIN");
  }
  return found;
}

export async function freePort(): Promise<number> {
  return new Promise((done, failed) => {
    const server = createServer().on("error", failed).listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => done(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
}

export interface HubOptions {
  /** TOML; without it the hub is a development server. */
  config?: string;
  /** More arguments of `serve`. */
  args?: string[];
}

export class Hub {
  /** Where the pages are: the hub itself, or the development server before it (`TIDEWIRE_WEB_DEV=1`). */
  url = "";
  /** Where the hub itself is. */
  origin = "";
  /** All that it wrote for people. */
  said = "";
  readonly port: number;
  readonly #folder = mkdtempSync(join(tmpdir(), "tidewire-e2e-"));
  readonly #options: HubOptions;
  #process: ChildProcess | undefined;
  #pages: ChildProcess | undefined;

  private constructor(port: number, options: HubOptions) {
    this.port = port;
    this.#options = options;
  }

  static async start(options: HubOptions = {}): Promise<Hub> {
    const hub = new Hub(await freePort(), options);
    await hub.run();
    hub.url = hub.origin;
    if (process.env["TIDEWIRE_WEB_DEV"] === "1") {
      hub.#pages = spawn(process.execPath, ["dev.mjs", "--hub", hub.origin, "--port", "0"], { cwd: WEB });
      const line = await heard(hub.#pages, /pages at (\S+)\//);
      hub.url = line;
    }
    return hub;
  }

  /** Starts the process; again after `kill`. */
  async run(): Promise<void> {
    const args = ["serve", "--listen", `127.0.0.1:${this.port}`, "--data", join(this.#folder, "data")];
    if (this.#options.config !== undefined) {
      writeFileSync(join(this.#folder, "hub.toml"), this.#options.config);
      args.push("--config", join(this.#folder, "hub.toml"));
    }
    const process = spawn(binary(), [...args, ...(this.#options.args ?? [])], { stdio: ["ignore", "pipe", "pipe"] });
    process.stderr.on("data", (chunk: Buffer) => (this.said += chunk.toString()));
    this.#process = process;
    await heard(process, /listening on (\S+?)\/?\s/, () => this.said);
    this.origin = `http://127.0.0.1:${this.port}`;
  }

  /** `kill -9`: as if the power had gone. */
  async kill(): Promise<void> {
    await ended(this.#process, "SIGKILL");
  }

  /** What it has kept is lost. */
  forget(): void {
    rmSync(join(this.#folder, "data"), { recursive: true, force: true });
  }

  /** Ends it in order, and everything it left. */
  async stop(): Promise<void> {
    await ended(this.#pages, "SIGKILL");
    await ended(this.#process, "SIGTERM");
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** Waits for a line on stdout. */
function heard(process: ChildProcess, pattern: RegExp, why = () => ""): Promise<string> {
  return new Promise((done, failed) => {
    let text = "";
    process.stdout?.on("data", (chunk: Buffer) => {
      text += chunk.toString();
      const found = pattern.exec(text);
      if (found?.[1] !== undefined) {
        done(found[1]);
      }
    });
    process.on("error", failed);
    process.on("exit", (code) => failed(new Error(`ended with ${code} before it was ready: ${text}${why()}`)));
  });
}

async function ended(process: ChildProcess | undefined, signal: NodeJS.Signals): Promise<void> {
  if (process === undefined || process.exitCode !== null || process.signalCode !== null) {
    return;
  }
  const gone = new Promise((done) => process.once("exit", done));
  process.kill(signal);
  // Who does not go when asked goes all the same.
  const last = setTimeout(() => process.kill("SIGKILL"), 15_000);
  await gone;
  clearTimeout(last);
}
