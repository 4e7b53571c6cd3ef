// An answer of `/status` for pages under test: always the same numbers, or none.
import type { Page } from "playwright-core";

const namespace = (name: string, more: object) => ({
  name, storage: "memory", subscribe: "anyone", publish: "anyone", presence: "anyone", slow_consumer: "disconnect",
  max_message: 65_536, history_size: 1000, history_age_ms: 86_400_000, ...more,
});

const STARTED = 1_790_000_000_000;

/** `turn`: which answer this is; the totals grow by 30 and 120 each 2 s. */
export const statusAnswer = (turn: number, numbers = true) => ({
  version: "0.1.0", started: STARTED, now: STARTED + 7_500_000 + turn * 2000, development: true, pages: "full", agent: true, tls: false,
  listening: ["127.0.0.1:4000"],
  namespaces: [
    namespace("chat", { storage: "durable", max_message: 262_144, history_size: 10_000, history_age_ms: 2_592_000_000 }),
    namespace("dm", { storage: "durable", subscribe: "members", publish: "members", presence: "members" }),
    namespace("live", {}),
    namespace("prices", { slow_consumer: "keep-latest", history_size: 100, presence: "nobody" }),
  ],
  numbers: numbers
    ? { connections: 5, sessions: 4, websocket: 2, sse: 1, poll: 1, channels: 3, subscriptions: 6, published: 1200 + turn * 30 + (turn % 5) * 7, delivered: 4800 + turn * 120, bytes_in: 1, bytes_out: 1 }
    : null,
});

/** Answers `/status` of the page so; gives how often it was asked. */
export async function routeStatus(page: Page, numbers = true): Promise<() => number> {
  let turn = 0;
  await page.route("**/status", (route) => route.fulfill({ json: statusAnswer(turn++, numbers) }));
  return () => turn;
}
