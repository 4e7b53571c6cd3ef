// WebSocket: one connection for everything.
import { decode } from "../codec.js";
import type { Ear, Line, Setup } from "./line.js";

/** Codes with which coming back would end the same way, besides 4500 to 4999. */
const FINAL = [1002, 1003, 1007, 1009];

export class WebSocketLine implements Line {
  readonly name = "websocket";
  heardAt = Date.now();
  readonly #socket: WebSocket | undefined;

  constructor({ base, socket: Socket }: Setup, ear: Ear) {
    let opened = false;
    try {
      const socket = new Socket!(base.replace(/^http/, "ws") + "/ws", "tidewire.v1");
      this.#socket = socket;
      socket.binaryType = "arraybuffer";
      socket.onopen = () => {
        opened = true;
        ear.up();
      };
      socket.onmessage = ({ data }: MessageEvent<unknown>) => {
        this.heardAt = Date.now();
        decode(data).forEach(ear.heard);
      };
      socket.onclose = ({ code, reason }) => {
        const stop = (code >= 4500 && code < 5000) || FINAL.includes(code);
        ear.down({ code, message: reason || (opened ? "the connection ended" : "no WebSocket connection"), stop });
      };
      // What follows is told by `close`; without a listener some libraries throw.
      socket.onerror = () => {};
    } catch (error) {
      // A policy of the page may forbid it.
      queueMicrotask(() => ear.down({ code: 0, message: String(error), blocked: true }));
    }
  }

  send(commands: readonly string[]): void {
    for (const command of commands) {
      // A closing socket swallows it: the answer will be missed.
      this.#socket?.send(command);
    }
  }

  close(): Promise<void> {
    const socket = this.#socket;
    if (!socket || socket.readyState === 3) {
      return Promise.resolve();
    }
    socket.onopen = socket.onmessage = null;
    return new Promise((done) => {
      const last = setTimeout(done, 1000);
      socket.onclose = () => {
        clearTimeout(last);
        done();
      };
      socket.close(1000);
    });
  }
}
