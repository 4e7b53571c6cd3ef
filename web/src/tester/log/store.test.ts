// The rows' numbers, sizes, bounds, and the way back from a clear.
import { describe, expect, test } from "vitest";
import { Rates, mean } from "./rates.ts";
import { Log, utf8Length } from "./store.ts";

const text = (words: string, way: "in" | "out" = "in") => ({ way, kind: "text" as const, text: words });

describe("Log", () => {
  test("numbers rows, and knows their size", () => {
    const log = new Log();
    expect(log.add(text("héllo"))).toMatchObject({ id: 1, size: 6 });
    expect(log.add({ way: "out", kind: "binary", bytes: new Uint8Array(3) })).toMatchObject({ id: 2, size: 3 });
    expect(log.add({ way: "event", kind: "open", text: "Open" })).toMatchObject({ id: 3, size: 0 });
    expect(log.counts).toEqual({ in: 1, out: 1, bytesIn: 6, bytesOut: 3 });
    expect(Math.abs(log.rows()[0]!.at - Date.now())).toBeLessThan(1000);
    expect(log.find(2)?.kind).toBe("binary");
    expect(log.find(4)).toBeUndefined();
  });

  test("keeps a time that it is given", () => {
    expect(new Log().add({ ...text("x"), at: 12.5 }).at).toBe(12.5);
  });

  test("drops the oldest beyond the bound of rows, and counts them", () => {
    const log = new Log({ rows: 1000, bytes: 1e9 });
    log.addAll(Array.from({ length: 1005 }, (_, index) => text(String(index))));
    expect(log.length).toBeLessThanOrEqual(1000);
    expect(log.length).toBeGreaterThanOrEqual(990);
    expect(log.dropped + log.length).toBe(1005);
    expect(log.rows().at(-1)?.text).toBe("1004");
    expect(log.find(log.rows()[0]!.id)).toBe(log.rows()[0]);
  });

  test("exactly the bound stays whole", () => {
    const log = new Log({ rows: 1000, bytes: 1e9 });
    log.addAll(Array.from({ length: 1000 }, () => text("x")));
    expect([log.length, log.dropped]).toEqual([1000, 0]);
  });

  test("drops the oldest beyond the bound of bytes, but never the newest", () => {
    const log = new Log({ rows: 1000, bytes: 100 });
    log.add(text("x".repeat(60)));
    log.add(text("y".repeat(60)));
    expect(log.rows().map((row) => row.text?.[0])).toEqual(["y"]);
    log.add(text("z".repeat(500)));
    expect(log.rows().map((row) => row.text?.[0])).toEqual(["z"]);
    expect(log.bytes).toBe(500);
  });

  test("a full log drops some at once, not all rows move for each new one", () => {
    const log = new Log({ rows: 100_000, bytes: 100_000 });
    for (let index = 0; index < 1010; index += 1) {
      log.add(text("x".repeat(100)));
    }
    expect([log.dropped, log.length]).toEqual([11, 999]);
  });

  test("rows of a file are no traffic of now, whatever time they claim", () => {
    const log = new Log();
    log.addAll([{ ...text("x"), at: Date.now() + 60_000_000_000 }, text("y")]);
    expect(log.counts.in).toBe(2);
    log.add(text("z"));
    expect(log.rates.last(Date.now() + 1000).reduce((sum, { messages }) => sum + messages, 0)).toBe(1);
  });

  test("bytes are those of what is kept, whatever was dropped, cleared and undone", () => {
    const log = new Log({ rows: 50, bytes: 1e6 });
    for (let index = 0; index < 200; index += 1) {
      log.add({ way: "event", kind: "close", code: 1000, reason: "gone", detail: { a: index } });
      log.add(text("ä".repeat(index % 7)));
    }
    log.clear();
    expect(log.bytes).toBe(0);
    log.undo();
    const before = log.bytes;
    const copy = new Log();
    copy.addAll(log.rows());
    expect(copy.bytes).toBe(before);
  });

  test("clear can be undone, also after new rows came", () => {
    const log = new Log();
    log.add(text("a"));
    log.clear();
    expect([log.length, log.undoable, log.counts.in]).toEqual([0, 1, 0]);
    log.add(text("b"));
    log.undo();
    expect(log.rows().map((row) => row.text)).toEqual(["a", "b"]);
    expect(log.rows().map((row) => row.id)).toEqual([1, 2]);
    expect([log.undoable, log.counts.in]).toEqual([0, 2]);
  });

  test("what was cleared is let go when asked, and when newer rows were dropped", () => {
    const log = new Log({ rows: 3, bytes: 1e6 });
    log.add(text("a"));
    log.clear();
    log.addAll([text("1"), text("2"), text("3"), text("4")]);
    expect(log.undoable).toBe(0);
    log.clear();
    log.forget();
    log.undo();
    expect(log.length).toBe(0);
  });

  test("tells of changes until asked to stop", () => {
    const log = new Log();
    let heard = 0;
    const off = log.onChange(() => (heard += 1));
    log.addAll([text("a"), text("b")]);
    off();
    log.add(text("c"));
    expect(heard).toBe(1);
  });
});

test.each(["", "abc", "äöü", "漢字", "😀😀", "a\ud800", "\udc00b", "\ud83d\ud83d\ude00"])("utf8Length of %j is that of the encoder", (words) => {
  expect(utf8Length(words)).toBe(new TextEncoder().encode(words).length);
});

describe("Rates", () => {
  test("counts by second, the present one left out", () => {
    const rates = new Rates();
    rates.count(100_000, 10);
    rates.count(100_900, 5);
    rates.count(101_000, 1);
    const last = rates.last(101_500);
    expect(last).toHaveLength(60);
    expect(last.at(-1)).toEqual({ messages: 2, bytes: 15 });
    expect(mean(last, 2)).toEqual({ messages: 1, bytes: 7.5 });
  });

  test("forgets after a minute, and is not confused by old or odd times", () => {
    const rates = new Rates();
    rates.count(100_000, 10);
    expect(rates.last(161_000).every((second) => second.messages === 0)).toBe(true);
    rates.count(-5000, 1);
    rates.count(NaN, 1);
    rates.count(10_000_000, 1);
    rates.count(100_000, 1);
    expect(rates.last(10_001_000).at(-1)).toEqual({ messages: 1, bytes: 1 });
  });
});
