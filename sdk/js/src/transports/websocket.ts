// WebSocket: one connection for everything.
import { decode } from "../codec.js";
import type { Way } from "./line.js";

/** Codes with which coming back would end the same way, besides 4500 to 4999. */
const FINAL = [1002, 1003, 1007, 1009];

export const websocket: Way = ({ base, WebSocket }, ear) => {
  let socket: InstanceType<typeof globalThis.WebSocket> | undefined;
  try {
    socket = new WebSocket!(base.replace(/^http/, "ws") + "/ws", "tidewire.v1") as InstanceType<typeof globalThis.WebSocket>;
    socket.binaryType = "arraybuffer";
    socket.onopen = ear.up;
    socket.onmessage = ({ data }: MessageEvent<unknown>) => decode(data).forEach(ear.heard);
    socket.onclose = ({ code, reason }) => {
      const stop = (code >= 4500 && code < 5000) || FINAL.includes(code);
      ear.down({ code, message: reason || "the connection ended", stop });
    };
    // What follows is told by `close`; without a listener some libraries throw.
    socket.onerror = () => {};
  } catch (error) {
    // A policy of the page may forbid it.
    queueMicrotask(() => ear.down({ code: 0, message: String(error), blocked: true }));
  }
  return {
    name: "websocket",
    // A socket that closes swallows it: the answer will be missed.
    send: (commands) => commands.forEach((command) => socket!.send(command)),
    close() {
      socket?.close(1000);
    },
  };
};
