// Share links: what goes in comes out, and nothing else comes in.
import { describe, expect, test } from "vitest";
import { linkOf, readLink, takeToken } from "./share.ts";

const open = (link: string) => readLink(new URL(link).hash, new URL(link).search);

describe("round trip", () => {
  test.each([
    { url: "wss://a.example/x?y=1&z=#" },
    { url: "ws://a.example/", protocols: ["a", "b.v1"], message: "héllo & <b>&msg=2#%20+\n\u{1f600}", kind: "text" as const },
    { url: "ws://a.example/", message: "{\"a\": 1}", kind: "json" as const },
    { url: "ws://a.example/", message: "00 ff", kind: "hex" as const },
  ])("%j", (shared) => {
    expect(open(linkOf("http://localhost:4000/tester?url=ws%3A%2F%2Fold#agent=secret", shared))).toEqual(shared);
  });

  test("is all in the fragment, without the agent's token", () => {
    const link = new URL(linkOf("http://localhost:4000/tester?x=1#agent=secret", { url: "ws://a.example/" }));
    expect(link.search).toBe("");
    expect(link.href).not.toContain("secret");
  });
});

test("takes the other form, too; the fragment comes first", () => {
  expect(readLink("", "?url=wss%3A%2F%2Fa.example%2F")).toEqual({ url: "wss://a.example/" });
  expect(readLink("#url=ws://b.example", "?url=wss%3A%2F%2Fa.example%2F")).toEqual({ url: "ws://b.example" });
});

describe("hostile links", () => {
  test("other fields are nothing", () => {
    expect(readLink("#agent=x&connect=1&__proto__=1&constructor=1&tab=2")).toEqual({});
    expect(readLink("#main")).toEqual({});
  });
  test("signs that hide what a URL is are left out", () => {
    expect(readLink("#url=ws://a.example/%E2%80%AEmoc%0d%0a%00x").url).toBe("ws://a.example/mocx");
  });
  test("broken escapes and unknown kinds do no harm", () => {
    expect(readLink("#url=%E0%A4%A&msg=%&kind=exe")).toMatchObject({ message: "%", kind: "text" });
  });
  test("too long is left out, and that is told", () => {
    expect(readLink(`#url=ws://${"a".repeat(9000)}&msg=x`)).toEqual({ left: "url" });
    expect(readLink(`#url=ws://a&msg=${"b".repeat(5_000_000)}&sub=${"c".repeat(2000)}`)).toEqual({ url: "ws://a", left: "message" });
    expect(open(linkOf("http://h/tester", { url: "ws://a", message: "b".repeat(65_537) }))).toEqual({ url: "ws://a" });
    expect(open(linkOf("http://h/tester", { url: "ws://a", message: "b".repeat(65_536) })).message).toHaveLength(65_536);
  });
});

test("takes the agent's token out of a fragment", () => {
  expect(takeToken("#agent=abc")).toEqual({ token: "abc", rest: "" });
  expect(takeToken("#url=ws://a&agent=a%2Fb&msg=x")).toEqual({ token: "a/b", rest: "#url=ws://a&msg=x" });
  expect(takeToken("#agent=%E0%A4%A")).toEqual({ token: "", rest: "" });
  expect(takeToken("#url=ws://a/?agent=1")).toBeUndefined();
});
