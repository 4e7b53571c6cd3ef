// What every way of talking to the hub has in common.
import type { Wire } from "../codec.js";
import type { Options, Position, TidewireError, TransportName } from "../types.js";

/** How a way ended. */
export interface End {
  /** A close code of WebSocket, a status of HTTP, or 0. */
  code: number;
  message: string;
  /** The least pause that the hub asks for, in ms. */
  retry?: number | undefined;
  /** Coming back would end the same way. */
  stop?: boolean;
  /** Not the hub but this way is to blame: try another. */
  blocked?: boolean;
}

/** What a way tells. */
export interface Ear {
  /** Commands can be sent. */
  up(): void;
  heard(object: Wire): void;
  /** A sign of life came, and nothing else. */
  alive(): void;
  /** It is over; nothing comes after it. */
  down(end: End): void;
}

/** A channel, as a request that names it needs to know it. */
export interface Followed {
  readonly name: string;
  readonly pos: Position | undefined;
  /** How many of the newest come first, if there is no position. */
  readonly newest: number;
  /** Whether joins and leaves are wanted. */
  readonly watched: boolean;
  /** The hub does not let it be followed. */
  refused(error: TidewireError): void;
}

/** What a way has to know. */
export interface Setup {
  /** `http://host/base`, without a slash at its end. */
  readonly base: string;
  readonly patience: number;
  readonly idle: number;
  readonly WebSocket: Options["WebSocket"];
  readonly fetch: typeof fetch;
  /** Who asks, for a query. */
  who(): { client?: string | undefined; name?: string | undefined };
  /** What is to be followed. */
  followed(): Followed[];
}

/** Makes a way, which begins at once. */
export type Way = (setup: Setup, ear: Ear) => Line;

export interface Line {
  readonly name: TransportName;
  /** Sends commands in order. */
  send(commands: readonly string[]): void;
  /** Only where what is followed is part of a request: it has changed, or has to begin anew. */
  follow?(): void;
  /** Ends it. What it says on the way out is not listened to. */
  close(): void;
}
