// A real hub for a test: the binary, on a free port, that can be killed and started again.
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

/** The binary: `TIDEWIRE_BIN`, or what was built last in the workspace. */
export function binary(): string | undefined {
  const target = process.env["CARGO_TARGET_DIR"] || resolve(dirname(fileURLToPath(import.meta.url)), "../../../target");
  const places = [process.env["TIDEWIRE_BIN"] ?? "", join(target, "debug/tidewire"), join(target, "release/tidewire")];
  return places.find((place) => place !== "" && existsSync(place));
}

/** Says why nothing can be tried; whoever counts tests reads this line. */
export function notRun(name: string): boolean {
  if (binary() !== undefined) {
    return false;
  }
  process.stdout.write(`NOT RUN: ${name}: no tidewire binary; build it, or set TIDEWIRE_BIN\n`);
  return true;
}

const listening = (server: Server): Promise<number> =>
  new Promise((done, failed) => {
    server.on("error", failed).listen(0, "127.0.0.1", () => {
      const address = server.address();
      done(typeof address === "object" && address ? address.port : 0);
    });
  });

export class Hub {
  port = 0;
  readonly #folder = mkdtempSync(join(tmpdir(), "tidewire-sdk-"));
  readonly #args: string[] = [];
  #process: ChildProcess | undefined;

  static async start(config?: string): Promise<Hub> {
    const hub = new Hub();
    const server = createServer();
    hub.port = await listening(server);
    await new Promise((done) => server.close(done));
    if (config !== undefined) {
      writeFileSync(join(hub.#folder, "hub.toml"), config);
      hub.#args.push("--config", join(hub.#folder, "hub.toml"));
    }
    await hub.run();
    return hub;
  }

  get url(): string {
    return `ws://127.0.0.1:${this.port}/ws`;
  }

  async run(): Promise<void> {
    const args = ["serve", "--listen", `127.0.0.1:${this.port}`, "--data", join(this.#folder, "data"), ...this.#args];
    const child = spawn(binary()!, args, { stdio: ["ignore", "pipe", "pipe"] });
    this.#process = child;
    let said = "";
    await new Promise<void>((done, failed) => {
      for (const stream of [child.stdout, child.stderr]) {
        stream.on("data", (chunk: Buffer) => {
          said += chunk.toString();
          if (said.includes("listening on")) {
            done();
          }
        });
      }
      child.on("exit", (code) => failed(new Error(`the hub ended with ${code}: ${said}`)));
    });
  }

  /** As if the power had gone. */
  async kill(signal: NodeJS.Signals = "SIGKILL"): Promise<void> {
    const child = this.#process;
    if (child && child.exitCode === null && child.signalCode === null) {
      const gone = new Promise((done) => child.once("exit", done));
      child.kill(signal);
      await gone;
    }
  }

  async stop(): Promise<void> {
    await this.kill();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** What stands between a client and its hub: it can cut connections, block WebSocket, and keep a stream's words back. */
export class Middle {
  port = 0;
  /** Refuses what asks for an upgrade. */
  blocksUpgrades = false;
  /** Answers of event streams are kept until they end, as some proxies do. */
  buffersStreams = false;
  /** Takes connections, and passes nothing on. */
  swallows = false;
  /** How long a new connection lives, in ms; nothing: as long as its ends want. */
  lives: () => number | undefined = () => undefined;
  /** What was asked, by first line. */
  readonly asked: string[] = [];
  readonly #open = new Set<Socket>();
  readonly #fromHub = new Set<Socket>();
  readonly #server: Server;

  private constructor(to: () => number) {
    this.#server = createServer((client) => this.#serve(client, to()));
  }

  static async before(hub: { readonly port: number }): Promise<Middle> {
    const middle = new Middle(() => hub.port);
    middle.port = await listening(middle.#server);
    return middle;
  }

  get url(): string {
    return `ws://127.0.0.1:${this.port}/ws`;
  }

  /** Cuts what is open, or some of it. */
  cut(which = (): boolean => true): void {
    [...this.#open].filter(which).forEach((socket) => socket.destroy());
  }

  /** Reads no more from the hub for a while, on some connections: their clients are slow readers. */
  stall(ms: number, which: () => boolean): void {
    for (const socket of [...this.#fromHub].filter(which)) {
      socket.pause();
      setTimeout(() => socket.resume(), ms);
    }
  }

  async stop(): Promise<void> {
    this.cut();
    await new Promise((done) => this.#server.close(done));
  }

  #serve(client: Socket, port: number): void {
    const hub = connect(port, "127.0.0.1");
    let stream = false;
    const lives = this.lives();
    if (lives !== undefined) {
      setTimeout(() => client.destroy(), lives);
    }
    this.#fromHub.add(hub);
    hub.on("close", () => this.#fromHub.delete(hub));
    for (const [one, other] of [[client, hub], [hub, client]] as const) {
      this.#open.add(one);
      one.on("error", () => {});
      one.on("close", () => {
        this.#open.delete(one);
        other.destroy();
      });
    }
    client.on("data", (chunk: Buffer) => {
      const head = chunk.toString("latin1");
      const [line] = /^(GET|POST) \S+/.exec(head) ?? [];
      if (line !== undefined) {
        this.asked.push(line);
        stream = line.startsWith("GET /sse");
        if (this.blocksUpgrades && /\r\nupgrade:/i.test(head)) {
          client.end("HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
          return;
        }
      }
      if (!this.swallows) {
        hub.write(new Uint8Array(chunk));
      }
    });
    hub.on("data", (chunk: Buffer) => {
      if (!this.swallows && !(this.buffersStreams && stream)) {
        client.write(new Uint8Array(chunk));
      }
    });
  }
}
