// One conversation of the Node `ws` client: a plan as JSON on its input, what it saw as JSON on its output (see commands.py).
import { readFileSync } from "node:fs";
import { require } from "./node_common.mjs";

const WebSocket = require("ws");
const url = process.argv[2];
const plan = JSON.parse(readFileSync(0, "utf8"));
const seen = { messages: [], binary: [] };
const ws = new WebSocket(url, plan.subprotocols ?? [], {
  headers: plan.headers ?? {},
  perMessageDeflate: plan.deflate === false ? false : { threshold: 0 },
  maxPayload: 16 << 20,
});

/** `{ text }` or `{ base64 }`, in `fragments` frames if that is asked for. */
function send({ text, base64, fragments = 1 }) {
  const data = text === undefined ? Buffer.from(base64, "base64") : Buffer.from(text);
  const step = Math.ceil(data.length / fragments) || 1;
  for (let part = 0; part < fragments; part += 1) {
    const piece = data.subarray(part * step, (part + 1) * step);
    ws.send(piece, { binary: text === undefined, fin: part === fragments - 1 });
  }
}

ws.on("open", () => {
  Object.assign(seen, { subprotocol: ws.protocol, extensions: ws.extensions });
  if (plan.ping !== undefined) ws.ping(plan.ping);
  plan.send.forEach(send);
});
ws.on("pong", (payload) => (seen.pong = String(payload)));
ws.on("message", (data, binary) => {
  seen.messages.push(binary ? data.toString("base64") : data.toString());
  seen.binary.push(binary);
  const bytes = Buffer.concat(seen.messages.map((message, at) => Buffer.from(message, seen.binary[at] ? "base64" : "utf8")));
  const enough = plan.bytes === undefined ? seen.messages.length >= plan.until : bytes.length >= plan.bytes;
  if (enough) ws.close(...(plan.close ?? [1000]));
});
ws.on("close", (code, reason) => console.log(JSON.stringify({ ...seen, code, reason: String(reason) })));
ws.on("error", (problem) => {
  console.error(problem.message);
  process.exitCode = 1;
});
