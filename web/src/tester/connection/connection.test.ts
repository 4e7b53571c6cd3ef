// The connection's logic: its life, waiting, round trips, and what is said of failures.
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { NewRow, Socket, SocketEvents, Target } from "../model.ts";
import { waitFor } from "./backoff.ts";
import { explain } from "./explain.ts";
import { EchoMeter, quantile } from "./rtt.ts";
import { type Habits, Session } from "./session.ts";

const target: Target = { url: "ws://a.example/", protocols: [] };

/** A session whose sockets the test plays. */
function scene(habits: Partial<Habits> = {}) {
  const rows: NewRow[] = [];
  const sockets: { events: SocketEvents; sent: (string | Uint8Array)[]; closed: unknown[] }[] = [];
  const asked: Habits = { reconnect: false, onConnect: [], keepalive: undefined, ...habits };
  const session = new Session({
    open: (_target, events): Socket => {
      const mine = { events, sent: [] as (string | Uint8Array)[], closed: [] as unknown[] };
      sockets.push(mine);
      return { agent: false, buffered: 0, send: (payload) => void mine.sent.push(payload), close: (...why) => void mine.closed.push(why) };
    },
    log: { add: (row) => { rows.push(row); return { id: rows.length, at: 0, size: 0, ...row }; } },
    habits: () => asked,
    fill: (text) => text.replace("{{i}}", "1"),
    random: () => 0,
  });
  return { session, rows, sockets, asked };
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe("a session", () => {
  test("opens, sends, closes", () => {
    const { session, rows, sockets } = scene();
    expect(session.send("early")).toBe(false);
    session.connect(target);
    expect(session.phase).toBe("connecting");
    sockets[0]!.events.open("p", "");
    expect(session.view.value).toMatchObject({ phase: "open", protocol: "p" });
    expect(session.send("a")).toBe(true);
    session.disconnect(3000, "bye");
    expect(session.phase).toBe("closing");
    expect(sockets[0]!.closed).toEqual([[3000, "bye"]]);
    sockets[0]!.events.close(3000, "bye", true);
    expect(session.view.value).toMatchObject({ phase: "closed", ended: { code: 3000, opened: true, byUser: true } });
    expect(rows.map(({ kind }) => kind)).toEqual(["connecting", "open", "text", "note", "close"]);
  });

  test("what can never come about is not tried again", () => {
    const { session, sockets } = scene({ reconnect: true });
    session.connect(target);
    sockets[0]!.events.close(1006, "", false, true);
    expect(session.phase).toBe("closed");
  });

  test("first messages go out as soon as it opens", () => {
    const { session, sockets } = scene({ onConnect: ["join {{i}}", "hello"] });
    session.connect(target);
    sockets[0]!.events.open("", "");
    expect(sockets[0]!.sent).toEqual(["join 1", "hello"]);
  });

  test("keepalive follows the switch while open", () => {
    const { session, sockets, asked } = scene({ keepalive: { text: "ka", seconds: 10 } });
    session.connect(target);
    sockets[0]!.events.open("", "");
    vi.advanceTimersByTime(25_000);
    expect(sockets[0]!.sent).toEqual(["ka", "ka"]);
    asked.keepalive = undefined;
    vi.advanceTimersByTime(60_000);
    expect(sockets[0]!.sent).toHaveLength(2);
    asked.keepalive = { text: "ka2", seconds: 2 };
    vi.advanceTimersByTime(3_500);
    expect(sockets[0]!.sent.at(-1)).toBe("ka2");
  });

  test("tries again, later each time, until it is stopped", () => {
    const { session, sockets } = scene({ reconnect: true });
    session.connect(target);
    for (const [index, wait] of [250, 500, 1000].entries()) {
      sockets[index]!.events.close(1006, "", false);
      expect(session.view.value).toMatchObject({ phase: "waiting", attempt: index + 2 });
      vi.advanceTimersByTime(wait - 1);
      expect(sockets).toHaveLength(index + 1);
      vi.advanceTimersByTime(1);
      expect(sockets).toHaveLength(index + 2);
    }
    sockets[3]!.events.close(1006, "", false);
    session.retryNow();
    expect(sockets).toHaveLength(5);
    sockets[4]!.events.close(1006, "", false);
    session.disconnect();
    expect(session.phase).toBe("closed");
    vi.advanceTimersByTime(100_000);
    expect(sockets).toHaveLength(5);
  });

  test("a connection that held makes the next wait short again", () => {
    const { session, sockets } = scene({ reconnect: true });
    session.connect(target);
    sockets[0]!.events.close(1006, "", false);
    vi.advanceTimersByTime(250);
    sockets[1]!.events.open("", "");
    vi.advanceTimersByTime(6_000);
    sockets[1]!.events.close(1001, "", true);
    expect(session.view.value.attempt).toBe(2);
  });

  test("who disconnects does not want to be connected again", () => {
    const { session, sockets } = scene({ reconnect: true });
    session.connect(target);
    sockets[0]!.events.open("", "");
    session.disconnect();
    sockets[0]!.events.close(1000, "", true);
    expect(session.phase).toBe("closed");
  });

  test("what an abandoned socket still says is not heard", () => {
    const { session, sockets, rows } = scene();
    session.connect(target);
    sockets[0]!.events.open("", "");
    session.disconnect();
    session.disconnect();
    expect(session.phase).toBe("closed");
    const before = rows.length;
    sockets[0]!.events.row({ way: "in", kind: "text", text: "late" });
    sockets[0]!.events.close(1000, "", true);
    expect(rows).toHaveLength(before);
  });

  test("texts are heard by those who listen", () => {
    const { session, sockets } = scene();
    const heard: string[] = [];
    session.heard.add((text) => heard.push(text));
    session.connect(target);
    sockets[0]!.events.open("", "");
    sockets[0]!.events.row({ way: "in", kind: "text", text: "a" });
    sockets[0]!.events.row({ way: "in", kind: "binary", bytes: new Uint8Array(1) });
    expect(heard).toEqual(["a"]);
  });
});

test("waits grow to half a minute, and chance has its part", () => {
  expect([1, 2, 3, 4].map((attempt) => waitFor(attempt, () => 1))).toEqual([500, 1000, 2000, 4000]);
  expect(waitFor(1, () => 0)).toBe(250);
  expect(waitFor(1000, () => 1)).toBe(30_000);
  expect(waitFor(0, () => 0)).toBe(250);
});

describe("round trips", () => {
  test("are counted by mark, whatever is around it", () => {
    const meter = new EchoMeter("n");
    const first = meter.mark(0);
    const second = meter.mark(10);
    expect(meter.heard("something", 1)).toBe(false);
    expect(meter.heard(`Echo: ${second}`, 14)).toBe(true);
    expect(meter.heard(first, 20)).toBe(true);
    expect(meter.heard(first, 30)).toBe(false);
    expect(meter.heard(new EchoMeter("other").mark(0), 30)).toBe(false);
    expect(meter.heard("tidewire-rtt n 99999999999999999999;", 30)).toBe(false);
    expect(meter.figures()).toEqual({ count: 2, lost: 0, min: 4, max: 20, p50: 4, p95: 20 });
  });
  test("a server that does not echo is told", () => {
    const meter = new EchoMeter("n");
    meter.mark(0);
    meter.sweep(4_000);
    expect(meter.silent).toBe(false);
    meter.sweep(5_001);
    expect(meter.silent).toBe(true);
    expect(meter.figures().lost).toBe(1);
  });
  test("only the last hundred count", () => {
    const meter = new EchoMeter("n");
    for (let at = 0; at < 250; at++) {
      meter.heard(meter.mark(at), at + at);
    }
    expect(meter.figures()).toMatchObject({ count: 100, min: 150, max: 249, p50: 199, p95: 244 });
  });
  test("quantiles", () => {
    expect(quantile([1, 2, 3, 4], 0.5)).toBe(2);
    expect(quantile([], 0.5)).toBeNaN();
  });
});

describe("what is said of a failure", () => {
  const base = { url: "ws://localhost:9/", protocols: [], page: { protocol: "http:", host: "localhost:4000" }, tookMs: 3, online: true, agent: false };
  const text = (more: Partial<typeof base>) => explain({ ...base, ...more }).causes.join("\n");
  test("a quick one nearby: nobody listens", () => expect(text({})).toMatch(/nothing listens on localhost:9/));
  test("a slow one: a firewall", () => expect(text({ url: "ws://b.example/", tookMs: 20_000 })).toMatch(/firewall/));
  test("TLS: the certificate, and where to look", () => expect(text({ url: "wss://b.example/x" })).toContain("https://b.example/"));
  test("mixed content: why, and the way out", () => {
    const page = { protocol: "https:", host: "p.example" };
    expect(text({ url: "ws://b.example/", page })).toMatch(/https[\s\S]*tidewire serve/);
    expect(text({ page })).not.toMatch(/came over https/);
  });
  test("offline comes first", () => expect(text({ online: false })).toMatch(/^This device says/));
  test("the agent's own words are passed on", () => expect(explain({ ...base, agent: true, why: "refused" })).toEqual({ sentence: "refused", causes: [] }));
  test("it never claims to know", () => expect(explain(base).sentence).toMatch(/Browsers hide/));
});
