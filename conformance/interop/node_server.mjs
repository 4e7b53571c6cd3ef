// A Node `ws` server for `tidewire connect`: the path says how it behaves (see connect.py).
import { createServer, STATUS_CODES } from "node:http";
import { require } from "./node_common.mjs";

const { WebSocketServer } = require("ws");
const tell = (event) => console.log(JSON.stringify(event));
const servers = new Map();

function deflateOptions(asked, offer) {
  if (asked === "off") return false;
  if (asked === "takeover") return { threshold: 0 };
  if (asked === "no-takeover") return { threshold: 0, serverNoContextTakeover: true, clientNoContextTakeover: true };
  const bits = Number(asked);
  // `ws` refuses the whole offer when it wants a client window and the client offered none.
  const client = offer.includes("client_max_window_bits") ? { clientMaxWindowBits: bits } : {};
  return { threshold: 0, serverMaxWindowBits: bits, ...client };
}

/** One WebSocketServer per way to answer: subprotocol and deflate options are fixed in each. */
function answering(deflate, choose, offer) {
  const key = JSON.stringify([deflate, choose, offer]);
  if (!servers.has(key)) {
    servers.set(
      key,
      new WebSocketServer({
        noServer: true,
        maxPayload: 16 << 20,
        perMessageDeflate: deflateOptions(deflate, offer),
        handleProtocols: (offered) => (offered.has(choose) ? choose : false),
      }),
    );
  }
  return servers.get(key);
}

const pong = (ws, payload) =>
  new Promise((came) => {
    ws.once("pong", came);
    ws.ping(payload);
  });

const behaviours = {
  echo(ws, asked, seen) {
    ws.on("message", (data, binary) => {
      ws.send(data, { binary });
      seen.messages += 1;
      if (seen.messages === Number(asked.get("n"))) ws.close(1000);
    });
  },
  close(ws, asked) {
    if (asked.get("code")) ws.close(Number(asked.get("code")), asked.get("reason") ?? "");
    else ws.close();
  },
  push(ws) {
    for (let n = 0; n < 1000; n += 1) ws.send(`push ${n}`);
    ws.close(1000);
  },
  async fragments(ws) {
    ws.send(Buffer.from("fr\xf0", "latin1"), { binary: false, fin: false });
    await pong(ws, "between");
    ws.send(Buffer.from("\x9f\xa6", "latin1"), { binary: false, fin: false });
    ws.send(Buffer.from("\x80ag", "latin1"), { binary: false, fin: true });
    ws.close(1000);
  },
  binary(ws) {
    ws.send(Buffer.from(Array.from({ length: 256 }, (_, byte) => byte)));
    ws.close(1000);
  },
  async ping(ws) {
    for (const payload of [Buffer.alloc(0), Buffer.from([0, 255]), Buffer.alloc(125, "p")]) {
      const answer = await pong(ws, payload);
      ws.send(payload.equals(answer) ? `pong ${payload.length}` : "another payload");
    }
    ws.close(1000);
  },
  invalid(ws) {
    ws.send(Buffer.from("bad \xff", "latin1"), { binary: false });
  },
  abort(ws) {
    ws.send("before", () => setTimeout(() => ws.terminate(), 100));
  },
};

function refuse(socket, status, body) {
  const login = status === 401 ? 'WWW-Authenticate: Basic realm="peers"\r\n' : "";
  const headers = `Content-Type: text/plain\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n${login}`;
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${headers}\r\n${body}`);
}

/** The header lines as they came: names in their writing, doubles kept. */
function lines({ rawHeaders }) {
  return rawHeaders.flatMap((name, at) => (at % 2 ? [] : [[name, rawHeaders[at + 1]]]));
}

const http = createServer((request, response) => response.writeHead(404).end());
http.on("upgrade", (request, socket, head) => {
  const url = new URL(request.url, "http://host");
  const behaviour = url.pathname.slice(1);
  const asked = url.searchParams;
  if (behaviour === "refuse") {
    refuse(socket, Number(asked.get("status") ?? 403), asked.get("body") ?? "not today\n");
    return;
  }
  const offer = request.headers["sec-websocket-extensions"] ?? "";
  answering(asked.get("deflate") ?? "takeover", asked.get("choose"), offer).handleUpgrade(request, socket, head, (ws) => {
    const seen = { messages: 0 };
    const about = { case: asked.get("case") };
    const parameters = Object.values(ws._extensions ?? {}).map((extension) => extension.params);
    const agreed = ws.extensions ? `${ws.extensions} ${JSON.stringify(parameters)}` : null;
    tell({ event: "open", ...about, headers: request.headers, lines: lines(request), agreed, subprotocol: ws.protocol || null });
    ws.on("error", () => {});
    ws.on("close", (code, reason) => {
      const wire = { wire_in: socket.bytesRead, wire_out: socket.bytesWritten };
      tell({ event: "close", ...about, code: code === 1006 ? null : code, reason: String(reason), ...wire, ...seen });
    });
    behaviours[behaviour](ws, asked, seen);
  });
});
http.listen(0, "127.0.0.1", () => tell({ event: "listening", url: `ws://127.0.0.1:${http.address().port}` }));
process.stdin.resume().on("end", () => process.exit(0)); // until the parent closes it
