// The handshake's arithmetic against the RFC, and the agent's words against hostile ones.
import { describe, expect, test } from "vitest";
import { hexText } from "../log/hex.ts";
import { EXAMPLE_KEY, digest, header, randomKey, stepsOf } from "./accept.ts";
import { frameWords, readAgent } from "./agent-wire.ts";
import { sha1 } from "./sha1.ts";
import { standardHandshake } from "./standard.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

test("the RFC's own example", async () => {
  for (const sum of [digest, async (data: Uint8Array) => sha1(data)]) {
    expect(await stepsOf(EXAMPLE_KEY, sum)).toEqual({
      joined: "dGhlIHNhbXBsZSBub25jZQ==258EAFA5-E914-47DA-95CA-C5AB0DC85B11",
      sum: "b3 7a 4f 2c c0 62 4f 16 90 f6 46 06 cf 38 59 45 b2 be c4 ea",
      accept: "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
    });
  }
});

test("our SHA-1 is the browser's, for every length around a block", async () => {
  expect(hexText(sha1(bytes("abc"))).replaceAll(" ", "")).toBe("a9993e364706816aba3e25717850c26c9cd0d89d");
  for (let length = 0; length < 140; length++) {
    const data = Uint8Array.from({ length }, (_, index) => (index * 7 + length) & 255);
    expect(hexText(sha1(data))).toBe(hexText(await digest(data)));
  }
});

test("odd keys are told", async () => {
  expect((await stepsOf("é")).fault).toMatch(/not base64/);
  expect((await stepsOf("AAAA")).fault).toMatch(/3 bytes/);
  expect((await stepsOf(randomKey())).fault).toBeUndefined();
});

test("finds a header whatever its case", () => {
  const head = "HTTP/1.1 101 x\r\nUpgrade: websocket\r\nSEC-WEBSOCKET-ACCEPT:  a=b: c \r\n\r\n";
  expect(header(head, "sec-websocket-accept")).toBe("a=b: c");
  expect(header(head, "sec-websocket-key")).toBeUndefined();
});

test("the standard's form says what is known", () => {
  const known = standardHandshake({ url: "ws://a.example:80/x?y", protocols: ["a", "b"] }, "http://o.example", { protocol: "b", extensions: "permessage-deflate" });
  expect(known.request).toMatch(/^GET \/x\?y HTTP\/1\.1\r\nHost: a\.example\r\n/);
  expect(known.request).toContain("Sec-WebSocket-Protocol: a, b");
  expect(known.response).toMatch(/^HTTP\/1\.1 101/);
  expect(known.response).toContain("Sec-WebSocket-Protocol: b");
  expect(standardHandshake({ url: "ws://a.example/", protocols: [] }, "null")).not.toHaveProperty("response");
});

describe("the agent's words", () => {
  test.each([
    { ev: "request", head: "GET / HTTP/1.1\r\n\r\n" },
    { ev: "refused", status: 403, head: "HTTP/1.1 403", body: "<b>", truncated: true },
    { ev: "open", protocol: "a", extensions: "" },
    { ev: "text", text: "" },
    { ev: "connected", address: "127.0.0.1:1", proxy: "http://p/" },
    { ev: "skipped", frames: 12 },
    { ev: "pong", rtt_ms: 0.41 },
    { ev: "pong" },
    { ev: "ping" },
    { ev: "close", code: 1000, reason: "r", by: "server", clean: true },
    { ev: "error", stage: "dns", message: "m", hint: "h" },
    { ev: "frame", way: "in", opcode: 1, name: "text", fin: true, rsv1: false, masked: true, mask: "01020304", length: 5, wire: 11, head: "8185" },
    { ev: "tls", version: "TLSv1.3", cipher: "c", alpn: "http/1.1", verified: false, chain: [{ subject: "s", issuer: "i", names: ["n"], from: "f", until: "u", sha256: "x" }] },
  ])("$ev", (event) => {
    expect(readAgent(JSON.stringify(event))).toEqual(event);
  });

  test.each(["", "{", "null", "[]", "5", '"text"', "{}", '{"ev":"other"}', '{"ev":"text"}', '{"ev":"text","text":5}', '{"ev":"request"}', '{"ev":"frame","way":"up"}', '{"ev":"refused","status":"x"}', '{"ev":["text"],"text":"x"}', '{"ev":"__proto__"}'])("%s is nothing", (text) => {
    expect(readAgent(text)).toBeUndefined();
  });

  test("fields of the wrong kind become empty ones", () => {
    expect(readAgent('{"ev":"tls","version":{},"chain":[5,null,{"subject":["x"],"names":"n"}]}'))
      .toEqual({ ev: "tls", version: "", cipher: "", verified: true, chain: [{ subject: "", issuer: "", names: [], from: "", until: "", sha256: "" }] });
    expect(readAgent('{"ev":"close","code":"1000","by":"me","clean":"yes"}')).toEqual({ ev: "close", code: 1006, reason: "", by: "nobody", clean: false });
    expect(readAgent('{"ev":"frame","way":"out","length":1e999,"fin":1,"mask":5}')).toMatchObject({ length: 0, fin: false });
    expect(readAgent(`{"ev":"tls","chain":[${Array(100).fill("{}").join()}]}`)).toHaveProperty("chain.length", 20);
  });

  test("frames in words", () => {
    expect(frameWords({ way: "in", opcode: 1, name: "text", fin: true, rsv1: true, masked: false, length: 5, wire: 7, head: "" })).toBe("text, final, compressed, not masked, 5 + 2 bytes");
  });
});
