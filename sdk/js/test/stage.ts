// A hub in virtual time and clients of it, ended after each test.
import { afterEach, beforeEach, vi } from "vitest";
import type { Tidewire } from "../src/index.js";
import { FakeHub } from "./fake-hub.js";

export const LOBBY = "chat:lobby";
export let hub: FakeHub;
const clients: Tidewire[] = [];

/** A client of the hub that does not wait long. */
export const client: FakeHub["client"] = (options) => {
  const tide = hub.client({ backoff: { min: 100, max: 1000 }, ...options });
  clients.push(tide);
  return tide;
};

/** What the channel says from now on. */
export const hear = (tide: Tidewire, name = LOBBY): unknown[] => {
  const said: unknown[] = [];
  tide.channel(name).on("message", ({ data }) => said.push(data));
  return said;
};

/** Call it once, at the top of the file. */
export function stage(): void {
  beforeEach(() => {
    vi.useFakeTimers();
    hub = new FakeHub();
  });
  afterEach(async () => {
    await Promise.all(clients.splice(0).map((tide) => tide.close()));
    vi.useRealTimers();
  });
}
