// Filter, pause and search over the log, in slices; expressions in a thread that can be ended.
import { afterEach, describe, expect, test, vi } from "vitest";
import type { NewRow } from "../model.ts";
import { type Filter, NO_FILTER, asExpression, compileFilter } from "./filter.ts";
import { Finder } from "./finder.ts";
import { type Matcher, type Question, type StartMatcher, type Thread, WorkerMatcher } from "./matcher.ts";
import { Sieve } from "./sieve.ts";
import { Log } from "./store.ts";

const text = (words: string, way: "in" | "out" = "in"): NewRow => ({ way, kind: "text", text: words });
const ROWS: NewRow[] = [
  { way: "event", kind: "open", text: "Open" },
  text('{"type":"trade","px":10}'),
  text('{"type":"quote","px":9}', "out"),
  { way: "in", kind: "binary", bytes: new TextEncoder().encode("Hello bytes") },
  { way: "event", kind: "close", code: 1006, reason: "" },
];

/** Runs expressions at once, in a later turn. */
const matcher: StartMatcher = ({ source, flags }): Matcher => ({
  match: async (texts) => texts.map((one) => new RegExp(source, flags).test(one)),
  stop: () => undefined,
});

const ids = (sieve: Sieve) => sieve.shown.map((row) => row.id);
const turn = () => new Promise((done) => setTimeout(done));

function filled(rows = ROWS, start = matcher) {
  const log = new Log();
  log.addAll(rows);
  const sieve = new Sieve(log, () => undefined, start);
  return { log, sieve, shown: (filter: Partial<Filter>) => {
    sieve.set({ ...NO_FILTER, ...filter });
    while (sieve.work(Infinity)) { /* to the end */ }
    return ids(sieve);
  } };
}

describe("filter", () => {
  test.each<[Partial<Filter>, number[]]>([
    [{}, [1, 2, 3, 4, 5]],
    [{ way: "in" }, [2, 4]],
    [{ way: "event" }, [1, 5]],
    [{ kind: "message" }, [2, 3, 4]],
    [{ kind: "close" }, [5]],
    [{ text: "TRADE" }, [2]],
    [{ text: "hello" }, [4]],
    [{ text: "1006" }, [5]],
    [{ text: "abnormal" }, [5]],
    [{ text: "/type" }, []],
    [{ path: "px > 9" }, [2]],
    [{ path: "$.px", way: "out" }, [3]],
    [{ path: "px == 9", text: "quote", kind: "text" }, [3]],
  ])("%j", (filter, expected) => {
    expect(filled().shown(filter)).toEqual(expected);
  });

  test("an expression runs apart, and its answer comes later", async () => {
    const { sieve, shown } = filled();
    expect(shown({ text: "/px.:[0-9]+/" })).toEqual([]);
    expect(sieve.busy).toBe(true);
    await turn();
    expect(ids(sieve)).toEqual([2, 3]);
    sieve.work(Infinity);
    expect(sieve.busy).toBe(false);
  });

  test("an answer to an older filter is not taken", async () => {
    const { sieve, shown } = filled();
    shown({ text: "/./" });
    shown({ text: "trade" });
    await turn();
    expect(ids(sieve)).toEqual([2]);
  });

  test.each([[{ text: "/(/" }, "text", /Not a regular expression: Unterminated group/], [{ path: "a ==" }, "path", /Expected a number/], [{ text: "/a/iu", path: "]" }, "path", /Expected a path/]])(
    "%j is told to be wrong, and what was shown stays", (filter, field, message) => {
      const { sieve, shown } = filled();
      shown({});
      expect(shown(filter)).toHaveLength(5);
      expect(sieve.error?.field).toBe(field);
      expect(sieve.error?.message).toMatch(message);
      expect(sieve.busy).toBe(false);
    });

  test.each([["/a/", "a", ""], ["/a/gi", "a", "i"], ["/a\\/b/", "a\\/b", ""]])("%s is an expression", (typed, source, flags) => {
    expect(asExpression(typed)).toEqual({ source, flags });
  });

  test.each(["/a/b", "/a", "a/", "//", "/"])("%s is a text", (typed) => {
    expect(asExpression(typed)).toBeUndefined();
    expect("test" in compileFilter({ ...NO_FILTER, text: typed })).toBe(true);
  });
});

describe("sieve", () => {
  test("works in slices: it stops when its time is over, and goes on", () => {
    const { sieve } = filled(Array.from({ length: 10_000 }, (_, index) => text(String(index))));
    let time = 0;
    const now = () => (time += 1);
    expect(sieve.work(3, now)).toBe(true);
    expect(sieve.shown.length).toBeGreaterThan(100);
    expect(sieve.shown.length).toBeLessThan(1000);
    while (sieve.work(time + 3, now)) { /* on */ }
    expect(sieve.shown).toHaveLength(10_000);
  });

  test("pause: rows wait, and are counted; then they are all there", () => {
    const { log, sieve, shown } = filled();
    shown({});
    sieve.hold(true);
    log.addAll([text("a"), text("b")]);
    sieve.work(Infinity);
    expect([ids(sieve).length, sieve.waiting, sieve.held]).toEqual([5, 2, true]);
    sieve.hold(false);
    sieve.work(Infinity);
    expect([ids(sieve).length, sieve.waiting]).toEqual([7, 0]);
  });

  test("what the log drops leaves, and how much is told", () => {
    const log = new Log({ rows: 100, bytes: 1e6 });
    const sieve = new Sieve(log, () => undefined, matcher);
    for (let index = 0; index < 250; index += 1) {
      log.add(text(String(index)));
      sieve.work(Infinity);
    }
    expect(sieve.shown).toEqual(log.rows());
    expect(sieve.removed).toBe(log.dropped);
  });

  test("rows that were dropped unseen do not matter", () => {
    const log = new Log({ rows: 10, bytes: 1e6 });
    const sieve = new Sieve(log, () => undefined, matcher);
    log.addAll(Array.from({ length: 1000 }, (_, index) => text(String(index))));
    sieve.work(Infinity);
    expect(sieve.shown).toEqual(log.rows());
    expect(sieve.busy).toBe(false);
  });

  test("clear and undo", () => {
    const { log, sieve, shown } = filled();
    shown({ way: "in" });
    log.clear();
    sieve.work(Infinity);
    expect(ids(sieve)).toEqual([]);
    expect(sieve.busy).toBe(false);
    log.add(text("new"));
    sieve.work(Infinity);
    log.undo();
    sieve.work(Infinity);
    expect(ids(sieve)).toEqual([2, 4, 6]);
  });

  test("clear while paused: what came before the pause is gone, what came after waits", () => {
    const { log, sieve } = filled();
    sieve.hold(true);
    log.clear();
    log.add(text("new"));
    sieve.work(Infinity);
    expect([ids(sieve).length, sieve.waiting, sieve.busy]).toEqual([0, 1, false]);
  });

  test("an expression that fails is told", async () => {
    const { sieve, shown } = filled(ROWS, () => ({ match: () => Promise.reject(new Error("too slow")), stop: () => undefined }));
    shown({ text: "/a/" });
    await turn();
    expect(sieve.error).toEqual({ field: "text", message: "too slow" });
    expect(sieve.busy).toBe(false);
  });

  test("so is one whose thread cannot start", () => {
    const { sieve, shown } = filled(ROWS, () => {
      throw new Error("no threads");
    });
    shown({ text: "/a/" });
    expect(sieve.error?.message).toBe("no threads");
  });
});

describe("finder", () => {
  test("finds in the shown rows, and steps around", () => {
    const { sieve, shown } = filled();
    shown({ kind: "message" });
    const finder = new Finder(sieve);
    finder.set("px");
    finder.work(Infinity);
    expect(finder.hits.map((row) => row.id)).toEqual([2, 3]);
    expect([finder.step(0, 1)?.id, finder.step(2, 1)?.id, finder.step(3, 1)?.id]).toEqual([2, 3, 2]);
    expect([finder.step(0, -1)?.id, finder.step(3, -1)?.id, finder.step(2, -1)?.id]).toEqual([3, 2, 3]);
    expect([finder.place(3), finder.place(4)]).toEqual([2, 0]);
  });

  test("goes on with new rows, and anew with another filter", () => {
    const { log, sieve, shown } = filled();
    shown({});
    const finder = new Finder(sieve);
    finder.set("px");
    finder.work(Infinity);
    log.add(text("px again"));
    sieve.work(Infinity);
    expect(finder.busy).toBe(true);
    finder.work(Infinity);
    expect(finder.hits.map((row) => row.id)).toEqual([2, 3, 6]);
    shown({ way: "out" });
    finder.work(Infinity);
    expect(finder.hits.map((row) => row.id)).toEqual([3]);
    finder.set("");
    finder.work(Infinity);
    expect([finder.hits.length, finder.step(0, 1)]).toEqual([0, undefined]);
  });
});

describe("matcher", () => {
  afterEach(() => void vi.useRealTimers());

  function thread(answer: (question: Question) => boolean[] | undefined, ready = true) {
    const made = { ended: false, onmessage: null, onerror: null, terminate: () => (made.ended = true), postMessage: (question) => {
      const data = answer(question);
      if (data !== undefined) {
        setTimeout(() => made.onmessage?.({ data }));
      }
    } } as Thread & { ended: boolean };
    if (ready) {
      setTimeout(() => made.onmessage?.({ data: "ready" }));
    }
    return made;
  }

  test("asks the thread", async () => {
    const asked = new WorkerMatcher({ source: "a", flags: "" }, () => thread(({ source, texts }) => texts.map((one) => one.includes(source))));
    expect(await asked.match(["a", "b"])).toEqual([true, false]);
    expect(await asked.match(["b"])).toEqual([false]);
  });

  test("ends a thread that takes too long, and says what to do", async () => {
    vi.useFakeTimers();
    const one = thread(() => undefined);
    const answer = expect(new WorkerMatcher({ source: "(a+)+$", flags: "" }, () => one).match(["a"])).rejects.toThrow(/more than 1 s.*simpler/);
    await vi.runAllTimersAsync();
    await answer;
    expect(one.ended).toBe(true);
  });

  test("says when the thread never starts", async () => {
    vi.useFakeTimers();
    const answer = expect(new WorkerMatcher({ source: "a", flags: "" }, () => thread(() => [], false)).match(["a"])).rejects.toThrow(/Filter by a plain text/);
    await vi.runAllTimersAsync();
    await answer;
  });
});
