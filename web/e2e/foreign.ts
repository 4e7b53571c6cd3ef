// A WebSocket server that is not ours: an echo that a test can have its own way, and start again on the same port.
import { type AddressInfo } from "node:net";
import { type WebSocket, WebSocketServer } from "ws";

export class Foreign {
  #server: WebSocketServer | undefined;
  port = 0;
  /** The requests' paths and subprotocols, in order. */
  readonly asked: { path: string; protocols: string }[] = [];
  /** All texts that arrived. */
  readonly heard: string[] = [];

  /** `greet` has each new connection first; without it the server echoes. */
  static async start(greet?: (socket: WebSocket, path: string) => void): Promise<Foreign> {
    const foreign = new Foreign(greet);
    await foreign.run();
    return foreign;
  }

  private constructor(private readonly greet: ((socket: WebSocket, path: string) => void) | undefined) {}

  get url(): string {
    return `ws://127.0.0.1:${this.port}`;
  }

  run(): Promise<void> {
    return new Promise((done) => {
      // Of several subprotocols it likes the last one most.
      const server = new WebSocketServer({ host: "127.0.0.1", port: this.port, handleProtocols: (offered) => [...offered].at(-1) ?? false }, done);
      server.on("connection", (socket, request) => {
        const path = request.url ?? "";
        this.asked.push({ path, protocols: request.headers["sec-websocket-protocol"] ?? "" });
        socket.on("message", (data, binary) => {
          if (!binary) {
            this.heard.push(String(data));
          }
          if (this.greet === undefined) {
            socket.send(data, { binary });
          }
        });
        this.greet?.(socket, path);
      });
      server.on("listening", () => (this.port = (server.address() as AddressInfo).port));
      this.#server = server;
    });
  }

  /** Ends the server and all its connections, as a crash would. */
  async stop(): Promise<void> {
    for (const socket of this.#server?.clients ?? []) {
      socket.terminate();
    }
    await new Promise<void>((done) => (this.#server === undefined ? done() : this.#server.close(() => done())));
    this.#server = undefined;
  }
}
