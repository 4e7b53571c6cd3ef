// Settings survive what storage may hold, and storage that may not be used.
import { expect, test } from "vitest";
import { Kept, START, readSettings } from "./settings.ts";

test.each([null, "", "{", "[]", "null", "5", '{"recent":5,"snippets":{},"history":[1,null],"repeatEvery":"x","kind":"exe","url":null}'])("%j gives a start", (text) => {
  expect(readSettings(text)).toEqual(START);
});

test("what is right is kept, whatever is beside it", () => {
  const read = readSettings('{"url":"ws://a","recent":["a",1],"keepaliveSeconds":1e999,"enterSends":true,"unknown":1}');
  expect(read).toMatchObject({ url: "ws://a", recent: ["a"], keepaliveSeconds: 30, enterSends: true });
  expect(read).not.toHaveProperty("unknown");
});

test("holds for the page where storage throws", () => {
  const storage = { getItem: () => { throw new Error("no"); }, setItem: () => { throw new Error("no"); } };
  const kept = new Kept(storage);
  expect(kept.lasting.value).toBe(true);
  kept.patch({ url: "ws://a" });
  expect(kept.lasting.value).toBe(false);
  expect(kept.value.url).toBe("ws://a");
});

test("recent URLs: the latest first, each once, not for ever", () => {
  const kept = new Kept(undefined);
  for (const name of ["a", "b", "a", ..."cdefghijklmnop"]) {
    kept.used(name);
  }
  expect(kept.value.recent).toHaveLength(12);
  kept.used("k");
  expect(kept.value.recent.slice(0, 2)).toEqual(["k", "p"]);
});

test("what another tab saved is not written over", () => {
  let text = "";
  const storage = { getItem: () => null, setItem: (_key: string, value: string) => void (text = value) };
  const here = new Kept(storage);
  const there = new Kept(storage);
  there.patch({ url: "ws://there", snippets: [{ name: "n", kind: "text", text: "t" }] });
  here.adopt(text);
  here.patch({ url: "ws://here" });
  expect(readSettings(text)).toMatchObject({ url: "ws://here", snippets: [{ name: "n" }] });
});
