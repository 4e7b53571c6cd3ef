// The options with their defaults, and where the hub is.
import type { Bounds } from "./backoff.js";
import type { Setup, Way } from "./transports/line.js";
import { poll } from "./transports/poll.js";
import { sse } from "./transports/sse.js";
import { websocket } from "./transports/websocket.js";
import { TidewireError, type Options, type TransportName } from "./types.js";

/** In the order of preference. */
const WAYS: Record<TransportName, Way> = { websocket, sse, poll };

export interface Settings extends Omit<Setup, "who" | "followed"> {
  readonly ways: readonly Way[];
  readonly token: Options["token"];
  readonly backoff: Bounds;
  readonly climb: number;
  readonly queue: number;
  readonly confirmWithin: number;
}

/** `http://host/base`, from any of the forms that a program may use. */
function base(url: string | URL): string {
  const { protocol, host, pathname } = new URL(url, (globalThis as { location?: Location }).location?.href);
  if (!/^(ws|http)s?:/.test(protocol)) {
    throw new TypeError(`${url} is no ws:// URL`);
  }
  return `${protocol.replace("ws", "http")}//${host}${pathname.replace(/\/+(ws\/*)?$/, "")}`;
}

/** What timers can take, three times over: some days. */
const LONGEST = 5e8;

export function settings(url: string | URL, options: Options): Settings {
  const {
    token, transports = Object.keys(WAYS) as TransportName[], backoff: { min = 500, max = 20_000 } = {}, queue = 1000, fetch = globalThis.fetch,
    WebSocket = (globalThis as { WebSocket?: NonNullable<Options["WebSocket"]> }).WebSocket,
  } = options;
  const ways = transports.filter((way) => way !== "websocket" || WebSocket).map((way) => WAYS[way]);
  if (!ways[0]) {
    throw new TidewireError("no_transport", "give `WebSocket`, or allow `sse`");
  }
  const times = { idle: 30_000, patience: 10_000, climb: 30_000, confirmWithin: 540_000 };
  for (const name in times) {
    const time = name as keyof typeof times;
    times[time] = Math.min(options[time] ?? times[time], LONGEST);
  }
  return { base: base(url), ways, token, backoff: { min, max }, queue, fetch, WebSocket, ...times };
}
