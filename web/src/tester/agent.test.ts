// The agent's client, against an agent that the test plays; and the token of the link.
import { beforeAll, describe, expect, test, vi } from "vitest";
import { AgentAccess, type World } from "./agent-access.ts";
import { openThroughAgent } from "./agent.ts";
import type { Handshake, NewRow } from "./model.ts";

class FakeLink {
  static last: FakeLink;
  binaryType = "";
  readyState = 1;
  bufferedAmount = 0;
  sent: (string | Uint8Array)[] = [];
  onopen?: () => void;
  onmessage?: (event: { data: unknown }) => void;
  onclose?: (event: { reason: string }) => void;
  constructor(readonly url: string) { FakeLink.last = this; }
  send(data: string | Uint8Array) { this.sent.push(data); }
  close() { this.readyState = 3; this.onclose?.({ reason: "" }); }
  say(event: unknown) { this.onmessage?.({ data: typeof event === "string" ? event : JSON.stringify(event) }); }
}

beforeAll(() => {
  (globalThis as { WebSocket?: unknown }).WebSocket ??= { OPEN: 1 };
});

function scene(reached = true) {
  const told: unknown[] = [];
  const forgotten: string[] = [];
  const rows: NewRow[] = [];
  const handshakes: Handshake[] = [];
  const socket = openThroughAgent({ url: "wss://t.example/", protocols: ["a"], headers: [["X", "1"], ["X", "2"]], origin: "https://o", insecure: true },
    { url: "ws://127.0.0.1:1/agent", key: "K", frames: true, forgotten: (why) => void forgotten.push(why) },
    { open: (...how) => told.push(["open", ...how]), row: (row) => rows.push(row), close: (code, reason, clean, final) => told.push(["close", code, reason, clean, ...(final === true ? ["final"] : [])]), handshake: (one) => handshakes.push(one) },
    (url) => new FakeLink(url) as unknown as WebSocket);
  const link = FakeLink.last;
  if (reached) {
    link.onopen?.();
  }
  return { socket, link, told, rows, handshakes, forgotten };
}

describe("a socket through the agent", () => {
  test("asks first, with the key in the message and not in the URL", () => {
    const { link } = scene();
    expect(link.url).not.toContain("K");
    expect(JSON.parse(link.sent[0] as string)).toEqual({
      op: "open", key: "K", url: "wss://t.example/", protocols: ["a"], headers: [["X", "1"], ["X", "2"]], origin: "https://o", insecure: true, deflate: true, frames: true,
    });
  });

  test("carries messages both ways", () => {
    const { socket, link, rows, told } = scene();
    link.say({ ev: "open", protocol: "a", extensions: "" });
    socket.send("t");
    socket.send(Uint8Array.of(1));
    socket.ping?.();
    socket.close(1000, "bye");
    expect(link.sent.slice(1)).toEqual(['{"op":"send","text":"t"}', Uint8Array.of(1), '{"op":"ping"}', '{"op":"close","code":1000,"reason":"bye"}']);
    link.say({ ev: "text", text: "{\"ev\":\"close\"}" });
    link.onmessage?.({ data: Uint8Array.of(2, 3).buffer });
    link.say({ ev: "pong", rtt_ms: 0.4 });
    expect(rows.map(({ kind }) => kind)).toEqual(["text", "binary", "pong"]);
    link.say({ ev: "close", code: 1008, reason: "<b>", by: "server", clean: true });
    expect(told).toEqual([["open", "a", ""], ["close", 1008, "<b>", true]]);
  });

  test("shows the wire: heads, key, accept, frames, a refusal", () => {
    const { link, rows, handshakes, told } = scene();
    link.say({ ev: "request", head: "GET / HTTP/1.1\r\nSec-WebSocket-Key: abc\r\n\r\n" });
    link.say({ ev: "frame", way: "out", opcode: 9, name: "ping", fin: true, rsv1: false, masked: true, mask: "00", length: 0, wire: 6, head: "8980" });
    link.say({ ev: "refused", status: 403, head: "HTTP/1.1 403 Forbidden\r\n\r\n", body: "no", truncated: true });
    link.onclose?.({ reason: "" });
    expect(rows).toHaveLength(2);
    expect(handshakes.at(-1)).toMatchObject({ source: "wire", key: "abc", status: 403, body: expect.stringContaining("cut off") as string });
    expect(rows[0]).toMatchObject({ way: "out", kind: "frame", detail: { head: "8980" } });
    expect(rows[1]).toMatchObject({ kind: "error", text: expect.stringContaining("403") as string });
    expect(told).toEqual([["close", 1006, "", false]]);
  });

  test("an agent that goes away is an end, told once", () => {
    const { link, rows, told } = scene();
    link.onclose?.({ reason: "no such key" });
    link.onclose?.({ reason: "" });
    expect(told).toHaveLength(1);
    expect(rows[0]?.text).toMatch(/open the link[\s\S]*no such key/);
  });

  test("an agent that turns the page away says why itself", () => {
    const { link, rows, told } = scene();
    link.say({ ev: "error", stage: "agent", message: "unknown key", hint: "Open the link." });
    link.onclose?.({ reason: "unknown key" });
    expect(rows.map(({ text }) => text)).toEqual(["Unknown key. Open the link."]);
    expect(told).toEqual([["close", 1006, "", false]]);
  });

  test("a key that the hub does not know is dropped, and not tried again", () => {
    const { link, told, forgotten } = scene();
    link.say({ ev: "error", stage: "agent", message: "this key was not given by this server, or is forgotten", hint: "Open the link." });
    expect(forgotten).toEqual([expect.stringMatching(/link that its terminal shows/)]);
    expect(told).toEqual([["close", 1006, "", false, "final"]]);
    const other = scene();
    other.link.say({ ev: "error", stage: "dns", message: "this key is a host's name", hint: "" });
    other.link.onclose?.({ reason: "" });
    expect([other.forgotten, other.told]).toEqual([[], [["close", 1006, "", false]]]);
  });

  test("an agent that was never reached may just not run", () => {
    const { link, rows, forgotten } = scene(false);
    link.onclose?.({ reason: "" });
    expect(rows[0]?.text).toMatch(/still running/);
    expect(forgotten).toEqual([]);
  });

  test("words of another kind are told, not followed", () => {
    const { link, rows, told } = scene();
    link.say("<script>");
    expect(rows[0]).toMatchObject({ kind: "error" });
    expect(told).toEqual([]);
  });
});

describe("the token of the link", () => {
  function world(hash: string, answer: (where: string, how?: RequestInit) => Response | Promise<Response>, protocol = "http:") {
    const kept = new Map<string, string>();
    const log: string[] = [];
    const it: World = {
      location: { protocol, hash, pathname: "/tester", search: "" },
      replace: (url) => log.push(`replace ${url}`),
      fetch: async (where, how) => { log.push(`${how?.method ?? "GET"} ${where} ${String(how?.body ?? "")}`.trim()); return answer(where, how); },
      storage: { getItem: (key) => kept.get(key) ?? null, setItem: (key, value) => void kept.set(key, value), removeItem: (key) => void kept.delete(key) },
      redeemed: () => void log.push("redeemed"),
    };
    return { access: new AgentAccess(it), log, kept };
  }

  test("leaves the address before it is used; the key is kept", async () => {
    const { access, log, kept } = world("#agent=T&url=ws://a", () => new Response('{"key":"K"}'));
    await access.begin();
    expect(log).toEqual(["replace /tester#url=ws://a", "POST /agent T", "redeemed"]);
    expect(access.value).toEqual({ state: "ready", key: "K" });
    expect([...kept.values()]).toEqual(["K"]);
    access.forget();
    expect(kept.size).toBe(0);
  });

  test("used up: the hub's sentence is shown", async () => {
    const { access } = world("#agent=T", () => new Response("This link was used.", { status: 410 }));
    await access.begin();
    expect(access.value).toEqual({ state: "locked", trouble: "This link was used." });
  });

  test("without a token the hub says whether it has an agent", async () => {
    for (const [body, state] of [['{"agent":true}', "locked"], ['{"agent":false}', "none"], ["<html>", "none"], ["null", "none"]] as const) {
      const { access } = world("", () => new Response(body));
      await access.begin();
      expect(access.value.state).toBe(state);
    }
    const { access } = world("", () => Promise.reject(new TypeError("offline")));
    await access.begin();
    expect(access.value.state).toBe("none");
  });

  test("a file asks nobody, and still drops the token", async () => {
    const fetch = vi.fn();
    const { access, log } = world("#agent=T", fetch, "file:");
    await access.begin();
    expect(log).toEqual(["replace /tester"]);
    expect(access.value.state).toBe("none");
  });
});
