// Reading the URL box.
import { describe, expect, test } from "vitest";
import { faultOfProtocols, guess, isLoopback, isPrivate, names } from "./url.ts";

const local = { protocol: "http:", host: "localhost:4000" };
const secure = { protocol: "https:", host: "example.org" };
const file = { protocol: "file:", host: "" };

describe("what is meant", () => {
  test.each([
    ["ws://a.example/x", local, "ws://a.example/x"],
    ["wss://a.example", local, "wss://a.example/"],
    ["http://a.example/x?y=1", local, "ws://a.example/x?y=1"],
    ["HTTPS://A.example", local, "wss://a.example/"],
    ["localhost:4000/x", secure, "ws://localhost:4000/x"],
    ["localhost:4000/x", file, "ws://localhost:4000/x"],
    [":4000/x", file, "ws://localhost:4000/x"],
    ["127.0.0.1:9", secure, "ws://127.0.0.1:9/"],
    ["[::1]:9/a", secure, "ws://[::1]:9/a"],
    ["example.com", local, "wss://example.com/"],
    ["example.com:443/x", local, "wss://example.com/x"],
    ["example.com:9000", local, "ws://example.com:9000/"],
    ["example.com:9000", secure, "wss://example.com:9000/"],
    ["192.168.1.2/s", local, "ws://192.168.1.2/s"],
    ["/echo", local, "ws://localhost:4000/echo"],
    ["/echo", secure, "wss://example.org/echo"],
    ["example.org/x", secure, "wss://example.org/x"],
    ["//example.com/x", local, "wss://example.com/x"],
    ["  ws://a.example/ \n", local, "ws://a.example/"],
    ["ws://a.example/x#part", local, "ws://a.example/x"],
    ["http://a.example:80/", local, "ws://a.example/"],
    ["https://a.example:443/", local, "wss://a.example/"],
    ["ws:/10.0.0.1:80/x", local, "ws://10.0.0.1/x"],
    ["wss:a.example/x", local, "wss://a.example/x"],
    ["ws:4000/x", local, "ws://ws:4000/x"],
  ])("%s", (typed, page, url) => {
    expect(guess(typed, page)).toMatchObject({ ok: true, url });
  });

  test("says so only when something was changed", () => {
    expect(guess("ws://a.example", local)).not.toHaveProperty("hint");
    expect(guess("a.example", local)).toMatchObject({ hint: "wss://a.example/" });
    expect(guess("ws://a.example/#x", local)).toMatchObject({ hint: expect.stringContaining("fragment") as string });
  });

  test.each(["", "   ", "ftp://a.example", "javascript:alert(1)", "javascript://a.example/%0aalert(1)", "ws://", "http://[::1", "ws://a b/", "data:text/html,x"])("refuses %j", (typed) => {
    expect(guess(typed, local)).toMatchObject({ ok: false, error: expect.any(String) as string });
  });

  test("a path alone leads nowhere from a file", () => {
    expect(guess("/echo", file)).toMatchObject({ ok: false });
  });

  test("knows mixed content", () => {
    expect(guess("ws://a.example", secure)).toMatchObject({ mixed: true });
    expect(guess("wss://a.example", secure)).toMatchObject({ mixed: false });
    expect(guess("ws://a.example", local)).toMatchObject({ mixed: false });
  });
});

test("knows this machine, and networks at home", () => {
  expect(["localhost", "localhost:1", "a.localhost", "127.1.2.3:4", "[::1]:5"].every(isLoopback)).toBe(true);
  expect(["localhost.example", "128.0.0.1", "example.com"].some(isLoopback)).toBe(false);
  expect(["10.0.0.1", "172.16.0.1:80", "printer", "a.local", "[fd00::1]"].every(isPrivate)).toBe(true);
  expect(["172.32.0.1", "8.8.8.8", "example.com"].some(isPrivate)).toBe(false);
});

test("reads lists of subprotocols", () => {
  expect(names(" a,b  c ,, ")).toEqual(["a", "b", "c"]);
  expect(faultOfProtocols(["a", "b.v1"])).toBeUndefined();
  expect(faultOfProtocols(["a", "a"])).toContain("twice");
  expect(faultOfProtocols(["a/b"])).toContain("a/b");
});
