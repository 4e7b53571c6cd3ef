// The options with their defaults, and where the hub is.
import type { Bounds } from "./backoff.js";
import type { Ear, Line, Setup } from "./transports/line.js";
import { PollLine } from "./transports/poll.js";
import { SseLine } from "./transports/sse.js";
import { WebSocketLine } from "./transports/websocket.js";
import { TidewireError, type Options, type TransportName } from "./types.js";

export const WAYS: Record<TransportName, new (setup: Setup, ear: Ear) => Line> = {
  websocket: WebSocketLine,
  sse: SseLine,
  poll: PollLine,
};

export interface Settings extends Omit<Setup, "who" | "followed"> {
  readonly ways: readonly TransportName[];
  readonly token: Options["token"];
  readonly backoff: Bounds;
  readonly climb: number;
  readonly limit: number;
  readonly confirmWithin: number;
}

/** `http://host/base`, from any of the forms that a program may use. */
function base(url: string | URL): string {
  const { protocol, host, pathname } = new URL(url, (globalThis as { location?: Location }).location?.href);
  const scheme = { "ws:": "http:", "wss:": "https:" }[protocol] ?? protocol;
  if (!/^https?:$/.test(scheme)) {
    throw new TidewireError("bad_url", `${protocol} is no address of a hub: use ws:, wss:, http: or https:`);
  }
  return `${scheme}//${host}${pathname.replace(/\/+(ws\/*)?$/, "")}`;
}

export function settings(url: string | URL, options: Options): Settings {
  const socket = options.WebSocket ?? (globalThis as { WebSocket?: Settings["socket"] }).WebSocket;
  const wanted = options.transports ?? ["websocket", "sse", "poll"];
  const ways = wanted.filter((way) => way in WAYS && (way !== "websocket" || socket));
  if (ways.length === 0) {
    throw new TidewireError("no_transport", "none of the transports exists here: give `WebSocket`, or allow `sse`");
  }
  return {
    base: base(url),
    ways,
    socket,
    fetch: options.fetch ?? fetch,
    token: options.token,
    backoff: { min: options.backoff?.min ?? 500, max: options.backoff?.max ?? 20_000 },
    idle: options.idle ?? 30_000,
    patience: options.patience ?? 10_000,
    climb: options.climb ?? 30_000,
    limit: options.queue ?? 1000,
    confirmWithin: options.confirmWithin ?? 540_000,
  };
}
