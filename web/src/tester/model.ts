// What the tester's parts say to each other: rows of the log, and sockets.

/** Which way: to the server, from it, or neither (what happened to the connection). */
export type Way = "out" | "in" | "event";

export type Kind =
  | "text" | "binary"
  /** Seen only through the local agent. */
  | "ping" | "pong" | "frame"
  /** The connection's life. */
  | "connecting" | "open" | "close" | "error" | "note";

/** A row before the log has numbered it. */
export interface NewRow {
  /** ms since 1970, with fractions (`performance.timeOrigin + performance.now()`). Default: now. */
  at?: number;
  way: Way;
  kind: Kind;
  /** Text of a message, or the sentence of an event. */
  text?: string;
  /** Payload of a binary message. */
  bytes?: Uint8Array;
  /** Of `close`. */
  code?: number;
  reason?: string;
  /** Details of a frame, a handshake, a refusal: shown when the row is opened, all as text. */
  detail?: Record<string, string | number | boolean>;
}

/** A row of the log. `size`: bytes of the payload as sent (UTF-8), 0 for events. */
export interface Row extends NewRow {
  id: number;
  at: number;
  size: number;
}

/** Everything about a connection that a link, a snippet or the history can hold. */
export interface Target {
  url: string;
  protocols: string[];
  /** Through the agent only. */
  headers?: [string, string][];
  origin?: string;
  insecure?: boolean;
}

export type Phase = "idle" | "connecting" | "open" | "closing" | "closed" | "waiting";

/** An open or opening connection, through the browser's own WebSocket or through the agent. */
export interface Socket {
  readonly agent: boolean;
  send(payload: string | Uint8Array): void;
  close(code?: number, reason?: string): void;
  /** Bytes queued that have not left; 0 if unknown. */
  readonly buffered: number;
  /** The agent only. */
  ping?(): void;
}

/** How a socket tells what happens. */
export interface SocketEvents {
  open(protocol: string, extensions: string): void;
  row(row: NewRow): void;
  /** `final`: trying again cannot help. */
  close(code: number, reason: string, clean: boolean, final?: boolean): void;
  /** The whole handshake, as far as it can be seen: the agent's is what went over the wire. */
  handshake?(handshake: Handshake): void;
}

export interface Handshake {
  /** Where these texts are from: the wire (agent), or what a browser sends by the standard. */
  source: "wire" | "standard";
  request: string;
  /** Absent where the page cannot see it. */
  response?: string;
  /** Of a refused handshake. */
  status?: number;
  body?: string;
  key?: string;
  accept?: string;
  /** `verified`: whether the certificate was judged, and found good. */
  tls?: { version: string; cipher: string; alpn?: string; verified: boolean; chain: Certificate[] };
}

export interface Certificate {
  subject: string;
  issuer: string;
  names: string[];
  from: string;
  until: string;
  sha256: string;
}
