// What the hub says of itself at `/status`, checked; and what follows from two of its answers.

export interface Namespace {
  name: string;
  storage: string;
  subscribe: string;
  publish: string;
  presence: string;
  slow_consumer: string;
  max_message: number;
  history_size: number;
  /** 0: no bound. */
  history_age_ms: number;
}

/** Totals since the start, and what is open now. */
export interface Numbers {
  connections: number;
  sessions: number;
  websocket: number;
  sse: number;
  poll: number;
  channels: number;
  subscriptions: number;
  published: number;
  delivered: number;
}

export interface Status {
  version: string;
  started: number;
  now: number;
  development: boolean;
  tls: boolean;
  listening: string[];
  namespaces: Namespace[];
  /** Told to callers of the hub's own machine alone. */
  numbers: Numbers | null;
}

type Fields = Record<string, unknown>;
const isFields = (value: unknown): value is Fields => typeof value === "object" && value !== null && !Array.isArray(value);
const text = (value: unknown): string => (typeof value === "string" ? value : "");
const number = (value: unknown): number => (typeof value === "number" && Number.isFinite(value) ? value : 0);
const list = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);

/** The answer as a status; `undefined`: it is none. What is missing in it is empty, so that hubs of other versions work. */
export function asStatus(answer: unknown): Status | undefined {
  if (!isFields(answer) || typeof answer["version"] !== "string" || typeof answer["started"] !== "number") {
    return undefined;
  }
  return {
    version: answer["version"],
    started: answer["started"],
    now: number(answer["now"]),
    development: answer["development"] === true,
    tls: answer["tls"] === true,
    listening: list(answer["listening"]).filter((address) => typeof address === "string"),
    namespaces: list(answer["namespaces"]).filter(isFields).map(asNamespace),
    numbers: isFields(answer["numbers"]) ? asNumbers(answer["numbers"]) : null,
  };
}

const asNamespace = (from: Fields): Namespace => ({
  name: text(from["name"]),
  storage: text(from["storage"]),
  subscribe: text(from["subscribe"]),
  publish: text(from["publish"]),
  presence: text(from["presence"]),
  slow_consumer: text(from["slow_consumer"]),
  max_message: number(from["max_message"]),
  history_size: number(from["history_size"]),
  history_age_ms: number(from["history_age_ms"]),
});

const asNumbers = (from: Fields): Numbers => ({
  connections: number(from["connections"]),
  sessions: number(from["sessions"]),
  websocket: number(from["websocket"]),
  sse: number(from["sse"]),
  poll: number(from["poll"]),
  channels: number(from["channels"]),
  subscriptions: number(from["subscriptions"]),
  published: number(from["published"]),
  delivered: number(from["delivered"]),
});

/** Messages a second, the newest last. */
export interface Rates {
  in: number[];
  out: number[];
}

/** How many rates are kept: two minutes at an answer each 2 s. */
export const KEPT = 60;

/** The rates after one more answer. A hub that was started again begins anew: its totals are smaller, and no rate. */
export function rates(before: Rates, last: Status | undefined, next: Status): Rates {
  const seconds = last === undefined ? 0 : (next.now - last.now) / 1000;
  if (last === undefined || last.numbers === null || next.numbers === null || seconds <= 0 || last.started !== next.started) {
    return before;
  }
  const one = (name: "published" | "delivered") => Math.max(0, next.numbers![name] - last.numbers![name]) / seconds;
  return { in: [...before.in, one("published")].slice(-KEPT), out: [...before.out, one("delivered")].slice(-KEPT) };
}
