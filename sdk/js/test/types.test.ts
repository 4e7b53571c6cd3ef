// The types, as a strict program meets them: `npm run check` judges most of this file.
import { expect, test } from "vitest";
import { WebSocket } from "ws";
import { Tidewire, type Message, type Payload } from "../src/index.js";

interface Chat {
  text: string;
  mood?: string;
}

test("a strict program needs no casts", async () => {
  const kept = undefined as string | undefined;
  const tide = new Tidewire("ws://127.0.0.1:1/ws", { token: kept, name: kept, WebSocket });
  const room = tide.channel("lobby", { since: kept });
  const off = room.on("message", (message) => message satisfies Message);
  tide.on("state", (state, why) => (state === "waiting" ? why?.retryAt?.toFixed() : state));
  const chat: Chat = { text: "hi" };
  const all: Payload[] = [chat, { mood: undefined }, new Uint8Array(), new ArrayBuffer(1), null, 1, "x", [chat]];
  const signal = AbortSignal.abort();
  for (const payload of all) {
    await expect(room.publish(payload, { signal, key: kept })).rejects.toThrow("given up");
  }
  await expect(room.history({ before: kept, signal })).rejects.toThrow("given up");
  // @ts-expect-error: no such event.
  room.on("mesage", () => {});
  off();
  await tide.close();
});
