// Something between page and hub that answers in the hub's place: the way is to blame, not the channel.
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Tidewire } from "../src/index.js";
import { FakeHub } from "./fake-hub.js";
import { pass, record } from "./tools.js";

const LOBBY = "chat:lobby";
let hub: FakeHub;
let tide: Tidewire;

beforeEach(() => {
  vi.useFakeTimers();
  hub = new FakeHub();
});

afterEach(async () => {
  await tide.close();
  vi.useRealTimers();
});

/** Requests whose address has it are answered by something else than the hub. */
function shadow(part: string, status: number): void {
  const real = hub.fetch.bind(hub);
  vi.spyOn(hub, "fetch").mockImplementation((url, init) =>
    url.includes(part) ? Promise.resolve(new Response("<h1>no</h1>", { status })) : real(url, init),
  );
}

test.each([401, 403, 404, 405])("%i without a word of the hub on /sse: the next way is tried", async (status) => {
  shadow("/sse", status);
  tide = hub.client({ transports: ["sse", "poll"] });
  const said: unknown[] = [];
  const errors = record(tide.channel(LOBBY), "error");
  tide.channel(LOBBY).on("message", ({ data }) => said.push(data));
  await pass(1000);
  hub.say(LOBBY, 1);
  await pass(100);
  expect([tide.transport, tide.channel(LOBBY).state, said, errors]).toEqual(["poll", "live", [1], []]);
});

test("where no way gets through, it says so and goes on trying", async () => {
  shadow("?", 404);
  tide = hub.client({ transports: ["sse", "poll"], backoff: { min: 100, max: 1000 } });
  const errors = record(tide.channel(LOBBY), "error");
  tide.channel(LOBBY).subscribe();
  await pass(20_000);
  expect([tide.channel(LOBBY).state, errors, tide.reason?.code]).toEqual(["subscribing", [], 404]);
  vi.mocked(hub.fetch).mockRestore();
  await pass(5000);
  expect([tide.state, tide.channel(LOBBY).state]).toEqual(["open", "live"]);
});
