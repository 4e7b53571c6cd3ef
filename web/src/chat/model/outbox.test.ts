// What is not sent yet survives a reload, with its key; storage that fails breaks nothing.
import { expect, test } from "vitest";
import { Identities } from "./identity.ts";
import { type Store, store } from "./keep.ts";
import { KEY_AGE, Outbox, contentOfItem, imageBytes, isStale, newKey } from "./outbox.ts";
import { base64 } from "../../ui/base64.ts";

function memory(limit = Infinity): Store & { kept: Map<string, string> } {
  const kept = new Map<string, string>();
  const inner = store(() => ({
    getItem: (name) => kept.get(name) ?? null,
    removeItem: (name) => void kept.delete(name),
    setItem(name, value) {
      if (value.length > limit) {
        throw new Error("QuotaExceededError");
      }
      kept.set(name, value);
    },
  }));
  return { ...inner, kept };
}

test("items come back with their keys, in order", () => {
  const kept = memory();
  const before = new Outbox(kept, "a");
  before.add({ key: "1", at: 5, text: "one" });
  before.add({ key: "2", at: 6, text: "two" });
  before.tried("1", 7);
  before.tried("1", 99);
  const after = new Outbox(kept, "a");
  expect(after.items).toEqual([{ key: "1", at: 5, text: "one", tried: 7 }, { key: "2", at: 6, text: "two" }]);
  after.drop("1");
  after.drop("2");
  expect(kept.kept.size).toBe(0);
});

test("what failed waits for a person, and then goes last", () => {
  const outbox = new Outbox(memory(), "a");
  outbox.add({ key: "1", at: 5, text: "one", tried: 5 });
  outbox.add({ key: "2", at: 6, text: "two" });
  outbox.failed("1", "no");
  expect(outbox.next?.key).toBe("2");
  expect(outbox.again("1")).toEqual({ key: "1", at: 5, text: "one" });
  expect(outbox.items.map(({ key }) => key)).toEqual(["2", "1"]);
  expect(outbox.again("3")).toBeUndefined();
});

test.each(["", "{", "5", "null", "[5]", "[null]", "[{\"key\":1}]", "[{\"key\":\"a\",\"at\":1}]", "{\"length\":3}"])("storage with %s is empty", (json) => {
  const kept = memory();
  kept.kept.set("a", json);
  expect(new Outbox(kept, "a").items).toEqual([]);
});

test("a storage that is too small keeps the texts; the page keeps all", () => {
  const kept = memory(200);
  const outbox = new Outbox(kept, "a");
  outbox.add({ key: "1", at: 5, text: "one" });
  outbox.add({ key: "2", at: 6, image: "x".repeat(500) });
  expect(outbox.items).toHaveLength(2);
  expect(new Outbox({ ...kept, get: (name) => kept.kept.get(name) ?? null }, "a").items.map(({ key }) => key)).toEqual(["1"]);
});

test("a storage that throws is a memory", () => {
  const broken = store(() => {
    throw new Error("SecurityError");
  });
  expect(broken.set("a", "1")).toBe(false);
  expect(broken.get("a")).toBe("1");
  broken.set("a", null);
  expect(broken.get("a")).toBeNull();
});

test("age of keys; base64; keys differ", () => {
  expect(isStale({ key: "1", at: 0 }, KEY_AGE * 2)).toBe(false);
  expect(isStale({ key: "1", at: 0, tried: 1 }, KEY_AGE)).toBe(false);
  expect(isStale({ key: "1", at: 0, tried: 1 }, KEY_AGE + 2)).toBe(true);
  const bytes = Uint8Array.from({ length: 20_000 }, (_, i) => i % 256);
  expect(imageBytes(base64(bytes))).toEqual(bytes);
  expect(imageBytes("%%%")).toHaveLength(0);
  expect(contentOfItem({ key: "1", at: 0, image: base64(bytes) })).toMatchObject({ kind: "bytes" });
  expect(newKey()).not.toBe(newKey());
  expect(newKey().length).toBeLessThan(128);
});

test("the second chat of a page waits for the token of the first, but not for ever; the first never waits", async () => {
  const identities = new Identities(memory(), 30);
  const [first, second] = [{}, {}];
  expect(await identities.token("a", first)).toBeUndefined();
  expect(await identities.token("a", first)).toBeUndefined();
  const waiting = identities.token("a", second);
  identities.keep("a", "T");
  expect(await waiting).toBe("T");
  expect(await identities.token("a", first)).toBe("T");
  expect(await identities.token("b", first)).toBeUndefined();
  expect(await identities.token("b", second)).toBeUndefined();
  identities.leave("b", second);
  identities.leave("b", first);
  expect(await identities.token("b", second)).toBeUndefined();
});
