// Cases: the Node `ws` client against `tidewire echo`.
import { connect as tcp } from "node:net";
import { randomBytes } from "node:crypto";
import { Echo, MIB, equal, finish, must, require, run, stopAll, within } from "./node_common.mjs";

const WebSocket = require("ws");
const binary = process.argv[2];
const LIMIT = 65536;
const [echo, plain, small, chooser] = await Promise.all(
  [[], ["--no-deflate"], ["--max-message", String(LIMIT)], ["--subprotocol", "superchat"]].map((options) =>
    Echo.start(binary, options),
  ),
);

/** A connected client whose messages wait in a queue. */
class Client {
  static async dial(url = echo.url, protocols = [], options = {}) {
    const client = new Client();
    const ws = new WebSocket(url, protocols, { maxPayload: 4 * MIB, ...options });
    Object.assign(client, { ws, queue: [], waiting: [] });
    ws.on("upgrade", (response) => (client.head = response.headers));
    ws.on("message", (data, isBinary) => {
      const message = isBinary ? data : data.toString();
      if (client.waiting.length) client.waiting.shift()(message);
      else client.queue.push(message);
    });
    client.closed = new Promise((end) => ws.on("close", (code, reason) => end({ code, reason: reason.toString() })));
    await new Promise((open, fail) => ws.once("open", open).once("error", fail));
    ws.on("error", (problem) => (client.problem = problem));
    return client;
  }

  receive() {
    if (this.queue.length) return Promise.resolve(this.queue.shift());
    const gone = this.closed.then(({ code, reason }) => {
      throw new Error(`closed with ${code} ${reason} instead of a message`);
    });
    return Promise.race([new Promise((take) => this.waiting.push(take)), gone]);
  }

  async echoed(message, options = {}) {
    this.ws.send(message, options);
    const got = await this.receive();
    if (typeof message === "string") equal(got, message, "echo");
    else must(Buffer.isBuffer(got) && got.equals(message), "binary echo differs");
  }

  async close(code, reason) {
    this.ws.close(code, reason);
    return this.closed;
  }

  get wire() {
    return { out: this.ws._socket.bytesWritten, in: this.ws._socket.bytesRead };
  }

  get agreed() {
    return this.head["sec-websocket-extensions"];
  }
}

async function oneMessage(message, path = "") {
  const client = await Client.dial(echo.url + path);
  await client.echoed(message);
  await client.close(1000);
  return `${typeof message === "string" ? "text" : "binary"} of ${message.length} came back`;
}

async function deflated(server, options, expected) {
  const client = await Client.dial(server.url, [], options);
  const message = "tidewire ".repeat(20_000);
  const before = client.wire;
  await client.echoed(message);
  const used = { out: client.wire.out - before.out, in: client.wire.in - before.in };
  await client.close(1000);
  if (expected) {
    must(client.agreed?.startsWith("permessage-deflate"), `extension header: ${client.agreed}`);
    must(used.in < 5000 && used.out < 5000, `${used.out} out, ${used.in} in`);
  } else {
    equal(client.agreed, undefined, "extension header");
    must(used.in > message.length, `${used.in} in`);
  }
  return `extension header ${client.agreed}; ${message.length} characters as ${used.out} bytes out, ${used.in} in`;
}

/** Text with repeats both near and far, different in each round. */
const varied = (round) => Array.from({ length: 3000 }, (_, n) => `${round}:${(n * 7919) % 1009}`).join(" ");

async function deflateWith(settings) {
  const client = await Client.dial(echo.url, [], { perMessageDeflate: { threshold: 0, ...settings } });
  must(client.agreed?.startsWith("permessage-deflate"), `extension header: ${client.agreed}`);
  for (let round = 0; round < 5; round += 1) {
    await client.echoed(varied(round));
    await client.echoed("short");
    await client.echoed("");
  }
  await client.close(1000);
  return client.agreed;
}

async function fragmented() {
  const client = await Client.dial();
  for (const part of ["frag", "ment", ""]) client.ws.send(part, { fin: false });
  client.ws.send("ed ✓", { fin: true });
  equal(await client.receive(), "fragmented ✓", "text");
  const crab = Buffer.from("🦀");
  for (const byte of crab) client.ws.send(Buffer.from([byte]), { binary: false, compress: false, fin: byte === crab.at(-1) });
  equal(await client.receive(), "🦀", "character cut by frames");
  await client.close(1000);
  return "4 frames; a character in 4 frames";
}

async function closing(code, reason) {
  const client = await Client.dial();
  await client.echoed("hello");
  const end = await client.close(code, reason);
  equal(end.code, code, "code answered");
  return `sent ${code} '${reason ?? ""}', answered ${end.code} '${end.reason}'`;
}

async function closedByServer(server, wanted, send) {
  const client = await Client.dial(server.url);
  await send(client);
  const end = await client.closed;
  equal(end.code, wanted, "close code");
  return `${end.code} '${end.reason}'`;
}

async function tooLarge() {
  const exact = await closedByServer(small, 1009, async (client) => {
    await client.echoed("x".repeat(LIMIT));
    client.ws.send("x".repeat(LIMIT + 1), { compress: false });
  });
  const inflated = await closedByServer(small, 1009, (client) => client.ws.send("x".repeat(20 * MIB)));
  return `${LIMIT} bytes pass, one more: ${exact}; 20 MiB deflated: ${inflated}`;
}

async function ping() {
  const client = await Client.dial();
  const trips = [];
  for (const payload of [Buffer.alloc(0), Buffer.from([0, 255, 10]), Buffer.alloc(125, "p")]) {
    const start = performance.now();
    const answer = new Promise((came) => client.ws.once("pong", came));
    client.ws.ping(payload);
    must((await answer).equals(payload), "pong with another payload");
    trips.push((performance.now() - start).toFixed(2));
  }
  await client.close(1000);
  return `pongs after ${trips.join(", ")} ms (0, 3 and 125 bytes)`;
}

async function pipelined() {
  const client = await Client.dial();
  for (let n = 0; n < 1000; n += 1) client.ws.send(`message ${n}`);
  for (let n = 0; n < 1000; n += 1) equal(await client.receive(), `message ${n}`, "order");
  await client.close(1000);
  return "1000 messages came back in order";
}

async function sequential() {
  for (let n = 0; n < 200; n += 1) {
    const client = await Client.dial();
    await client.echoed(String(n));
    equal((await client.close(1000)).code, 1000, "close code");
  }
  return "200 connections one after the other";
}

async function subprotocol(server, offered, wanted) {
  const client = await Client.dial(server.url, offered);
  equal(client.ws.protocol, wanted, "subprotocol");
  await client.close(1000);
  return `offered ${offered}, chosen ${client.ws.protocol}`;
}

/** A client made of nothing but a socket: handshake and masked frames written in one piece. */
async function raw(frames, until) {
  const socket = tcp(echo.port, "127.0.0.1");
  let read = Buffer.alloc(0);
  const done = new Promise((end, fail) => {
    socket.on("data", (data) => {
      read = Buffer.concat([read, data]);
      if (until(read)) end();
    });
    socket.on("error", fail).on("end", () => fail(new Error(`ended after ${read.toString("latin1")}`)));
  });
  const head =
    `GET / HTTP/1.1\r\nHost: 127.0.0.1:${echo.port}\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n` +
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: x3JJHMbDL1EzLkh9GBhXDw==\r\n\r\n";
  socket.write(Buffer.concat([Buffer.from(head), ...frames]));
  await within(10, "raw socket", done).finally(() => socket.destroy());
  must(read.includes("HSmrc0sMlYUkAGmm5OPpG2HaGWk="), "Sec-WebSocket-Accept");
  return read.subarray(read.indexOf("\r\n\r\n") + 4);
}

function masked(opcode, payload) {
  const key = Buffer.from([1, 2, 3, 4]);
  return Buffer.concat([Buffer.from([0x80 | opcode, 0x80 | payload.length]), key, payload.map((byte, at) => byte ^ key[at % 4])]);
}

async function rawInvalid() {
  const bad = masked(1, Buffer.from([0x6f, 0xff]));
  const answer = await raw([bad], (read) => read.subarray(read.indexOf("\r\n\r\n") + 4).length >= 4);
  equal(answer[0], 0x88, "first byte of the answer");
  equal(answer.readUInt16BE(2), 1007, "close code");
  return "frames in the same segment as the handshake; Close 1007 on the wire";
}

async function drain() {
  const server = await Echo.start(binary);
  const clients = await Promise.all(Array.from({ length: 5 }, () => Client.dial(server.url)));
  for (const client of clients) await client.echoed("hello");
  server.interrupt();
  const codes = (await Promise.all(clients.map((client) => client.closed))).map((end) => end.code);
  equal(codes.join(), "1001,1001,1001,1001,1001", "codes");
  return `5 clients got 1001, the server ended with ${await server.ended}`;
}

const unicode = "Grüße λ 漢字 🦀 ";
await run("text, ASCII", () => oneMessage("hello"));
await run("text, multi-byte, any path", () => oneMessage(unicode, "some/path?with=query"));
await run("text, empty", () => oneMessage(""));
await run("binary, all byte values", () => oneMessage(Buffer.from(Array.from({ length: 256 }, (_, byte) => byte))));
await run("binary, empty", () => oneMessage(Buffer.alloc(0)));
await run("text, 1 MiB", () => oneMessage(unicode.repeat(40_000) + "x".repeat(MIB - 40_000 * Buffer.byteLength(unicode))));
await run("binary, 1 MiB", () => oneMessage(randomBytes(MIB)));
await run("fragmented", fragmented);
await run("deflate agreed", () => deflated(echo, {}, true));
await run("deflate not offered", () => deflated(echo, { perMessageDeflate: false }, false));
await run("deflate offered to --no-deflate", () => deflated(plain, {}, false));
await run("deflate, takeover asked both ways", () => deflateWith({}));
await run("deflate, both no_context_takeover", () => deflateWith({ serverNoContextTakeover: true, clientNoContextTakeover: true }));
for (let bits = 9; bits <= 15; bits += 1) {
  await run(`deflate, window ${bits} bits both ways`, () => deflateWith({ serverMaxWindowBits: bits, clientMaxWindowBits: bits }));
}
await run("subprotocol, first offered", () => subprotocol(echo, ["chat", "superchat"], "chat"));
await run("subprotocol, --subprotocol", () => subprotocol(chooser, ["chat", "superchat"], "superchat"));
for (const [code, reason] of [[1000], [1000, "done"], [1001, "away"], [3000, "library"], [4999, "ünïcode ✓"]]) {
  await run(`close ${code}${reason ? `, ${reason}` : ""}`, () => closing(code, reason));
}
await run("invalid UTF-8", () => closedByServer(echo, 1007, (client) => client.ws.send(Buffer.from([0xff]), { binary: false })));
await run("invalid UTF-8, raw socket", rawInvalid);
await run("--max-message", tooLarge);
await run("ping", ping);
await run("pipelined", pipelined);
await run("sequential connections", sequential, 40);
await run("SIGINT", drain);
await run("servers", () => stopAll([echo, plain, small, chooser]));
finish();
