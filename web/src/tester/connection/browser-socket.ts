// A connection through the browser's own WebSocket.
import type { Socket, SocketEvents, Target } from "../model.ts";
import { originOf } from "./explain.ts";
import { standardHandshake } from "../wire/standard.ts";
import type { Page } from "../url.ts";

/** Opens it at once; what the browser refuses to try is told as an error and a close, like any other failure. */
export function openInBrowser(target: Target, page: Page, events: SocketEvents): Socket {
  const origin = originOf(page);
  events.handshake?.(standardHandshake(target, origin));
  let socket: WebSocket;
  try {
    socket = new WebSocket(target.url, target.protocols);
  } catch (error) {
    queueMicrotask(() => {
      events.row({ way: "event", kind: "error", text: `The browser does not even try: ${error instanceof Error ? error.message : String(error)}` });
      events.close(1006, "", false);
    });
    return { agent: false, send: () => undefined, close: () => undefined, buffered: 0 };
  }
  socket.binaryType = "arraybuffer";
  socket.onopen = () => {
    events.handshake?.(standardHandshake(target, origin, socket));
    events.open(socket.protocol, socket.extensions);
  };
  socket.onmessage = ({ data }: MessageEvent<string | ArrayBuffer>) => {
    events.row(typeof data === "string" ? { way: "in", kind: "text", text: data } : { way: "in", kind: "binary", bytes: new Uint8Array(data) });
  };
  socket.onclose = ({ code, reason, wasClean }) => events.close(code, reason, wasClean);
  return {
    agent: false,
    send: (payload) => socket.send(payload as string | Uint8Array<ArrayBuffer>),
    close: (code, reason) => (code === undefined ? socket.close() : socket.close(code, reason)),
    get buffered() {
      return socket.bufferedAmount;
    },
  };
}
