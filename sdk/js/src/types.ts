// What a program says to the client and hears from it: types and nothing else.

/** Anything that JSON can hold. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** A place in one channel: opaque, to be kept and handed back. */
export type Position = string;

/** How bytes travel. */
export type TransportName = "websocket" | "sse" | "poll";

/**
 * What the connection does.
 * - `idle`: nothing was asked for yet, or `disconnect()` was called.
 * - `connecting`: on the way, for the first time or again.
 * - `open`: the hub answers.
 * - `waiting`: it failed; the next attempt is at `retryAt`.
 * - `offline`: the machine says that it has no network. It tries now and then all the same, and at once when there is one.
 * - `closed`: for good: `close()` was called, or the hub said not to come back.
 */
export type State = "idle" | "connecting" | "open" | "waiting" | "offline" | "closed";

/** Who sent a message, as the hub stamped it. A name of a guest is not verified. */
export interface Sender {
  /** The public id of a guest. */
  client?: string;
  /** Who the session has proved to be. */
  user?: string;
  /** What it calls itself. */
  name?: string;
}

/** One publication of a channel. Exactly one of `data`, `text`, `bytes` is there, unless `redacted`. */
export interface Message {
  channel: string;
  /** Absent: it was not kept (`keep: false`). */
  pos?: Position;
  /** When the hub kept it, in ms since 1970. */
  at: number;
  from?: Sender;
  /** Only on one's own: the key it was published under. */
  key?: string;
  data?: Json;
  text?: string;
  bytes?: Uint8Array;
  /** Its payload was removed. */
  redacted?: boolean;
}

/**
 * What to publish: a string arrives as `text`, bytes (`ArrayBuffer` or a view of one) as `bytes`, anything else as `data`, as
 * `JSON.stringify` writes it. (`object` lets values of an interface in, which are no `Json` to TypeScript.)
 */
export type Payload = Json | object;

export interface PublishOptions {
  /** The idempotency key, at most 128 bytes. Default: a new one. One key is kept once, however often it is sent. */
  key?: string | undefined;
  /** `false`: goes to who is there now, is not kept, not queued while offline, and not repeated. Default: `true`. */
  keep?: boolean | undefined;
  /** Whether this session hears it, too. Default: as the namespace says. */
  echo?: boolean | undefined;
  /** Gives up: what is still queued is taken back. */
  signal?: AbortSignal | undefined;
}

/** The hub has kept it (`pos`), or passed it on (`keep: false`, no `pos`). */
export interface Ack {
  pos?: Position;
  key?: string;
}

export interface Member {
  session: string;
  client?: string;
  user?: string;
  name?: string;
}

/** Why a view of a channel is not whole, and from where it goes on. */
export interface Gap {
  /** The last position before the gap, if there was one. */
  from?: Position;
  /** What follows comes after this position. */
  pos?: Position;
  /** How many were skipped, if the hub knows. */
  skipped?: number;
}

export interface HistoryOptions {
  before?: Position | undefined;
  after?: Position | undefined;
  /** 1 to 1000. Default: 50. */
  limit?: number | undefined;
  signal?: AbortSignal | undefined;
}

/** A page of history, oldest first. */
export interface HistoryPage {
  messages: Message[];
  /** Whether there is more in the direction that was asked for. */
  more: boolean;
  /** The newest position of the channel. */
  pos?: Position;
}

export interface ChannelOptions {
  /** The last position that the program has: what came after it comes first. */
  since?: Position | undefined;
  /** Without `since`: how many of the newest come first, 0 to 1000. Default: 0. */
  history?: number | undefined;
}

export interface Options {
  /**
   * Who this client is: the token that an earlier `hello` gave it (see the event `token`). A function is asked
   * before each connection. Default: a new guest.
   */
  token?: string | (() => string | undefined | Promise<string | undefined>) | undefined;
  /** What the client calls itself, at most 64 bytes. Others see it as unverified. */
  name?: string | undefined;
  /** In the order of preference. Default: `["websocket", "sse", "poll"]`. */
  transports?: readonly TransportName[] | undefined;
  /** The first and the longest pause between attempts, in ms; each is drawn at random below its bound. Default: 500, 20000. */
  backoff?: { min?: number | undefined; max?: number | undefined } | undefined;
  /** How long silence lasts before the hub is asked whether it is there, in ms. Default: 30000. */
  idle?: number | undefined;
  /** How long an attempt or an answer may take, in ms. Default: 10000. */
  patience?: number | undefined;
  /** How often a better transport is tried while a worse one is in use, in ms. Default: 30000, doubling to 5 minutes. */
  climb?: number | undefined;
  /** What publishes may wait while there is no connection, in number. More are refused with `queue_full`. Default: 1000. */
  queue?: number | undefined;
  /** How long a publish that was sent, but not answered, is repeated with its key, in ms; must be below the hub's age of keys (10 minutes). Default: 540000. */
  confirmWithin?: number | undefined;
  /** In place of the globals; Node 20 has no WebSocket: pass that of `ws`, or the client uses SSE. */
  WebSocket?: (new (url: string, protocols?: string | string[]) => object) | undefined;
  fetch?: typeof fetch | undefined;
}

/** What `tide.on` tells. */
export interface ClientEvents {
  /** The state changed; or, with `open` again, the transport did. */
  state: (state: State, why?: Reason) => void;
  /** The hub named this session; the token makes a later one the same guest. */
  token: (token: string) => void;
  /** Something failed that nobody awaits: a sentence, and a code of the protocol if the hub gave one. */
  error: (error: TidewireError) => void;
}

/** Why there is no connection, as a person may read it. */
export interface Reason {
  /** A WebSocket close code, an HTTP status, or 0. */
  code: number;
  message: string;
  /** When the next attempt is, in ms since 1970; in `connecting`: when this one was due. */
  retryAt?: number;
}

/** What `channel.on` tells. */
export interface ChannelEvents {
  message: (message: Message) => void;
  /** Messages were missed and do not come: what was derived from older ones may be wrong. */
  gap: (gap: Gap) => void;
  /** Everything up to now has come. Again after each break. */
  live: (pos: Position) => void;
  /** The subscription's state changed. */
  state: (state: ChannelState) => void;
  /** The hub refused the subscription: see `code`. It is not tried again before `subscribe()`; only joins and leaves were refused if `state` is not `idle`. */
  error: (error: TidewireError) => void;
}

/**
 * - `idle`: not subscribed. - `subscribing`: asked, or waiting for the connection.
 * - `recovering`: what was missed is coming. - `live`: up to date.
 */
export type ChannelState = "idle" | "subscribing" | "recovering" | "live";

/** What `channel.presence.on` tells; each with the whole list after it. */
export interface PresenceEvents {
  join: (member: Member, members: readonly Member[]) => void;
  leave: (member: Member, members: readonly Member[]) => void;
  /** The list was read, or read again. */
  sync: (members: readonly Member[]) => void;
}

/** Takes a listener off again. */
export type Off = () => void;

/** What went wrong, with who must act in `code`. */
export class TidewireError extends Error {
  /**
   * A code of the protocol (`rate_limited`, `forbidden`, …), or one of the client's own: `queue_full`, `aborted`,
   * `closed`, `offline` (a `keep: false` publish without connection), `timeout`,
   * `unconfirmed` (a publish that may or may not have been kept; see `confirmWithin`).
   * `token` (the function that gives it failed), `no_transport`.
   */
  declare readonly code: string;
  /** Whether the same may work later. */
  declare readonly temporary: boolean;
  /** The least pause before that, in ms, if the hub asks for one. */
  declare readonly retryAfter: number | undefined;
  constructor(code: string, message: string, temporary = false, retryAfter?: number) {
    super(message);
    Object.assign(this, { name: "TidewireError", code, temporary, retryAfter });
  }
}
