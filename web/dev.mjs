// Serves dist/ as the hub does, and passes everything else on to a hub:
// `node dev.mjs [--hub http://127.0.0.1:4000] [--port 5173]`, beside `node build.mjs --watch`.
import { createReadStream, existsSync, readFileSync } from "node:fs";
import { createServer, request } from "node:http";
import { connect } from "node:net";
import { dirname, extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const { values } = parseArgs({ options: { hub: { type: "string" }, port: { type: "string" } } });
const HUB = new URL(values.hub ?? "http://127.0.0.1:4000");
const DIST = join(dirname(fileURLToPath(import.meta.url)), "dist");
const TYPES = { ".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".svg": "image/svg+xml" };
const POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; " +
  "connect-src 'self' ws: wss:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; " +
  "require-trusted-types-for 'script'; trusted-types ";

/** The file of a path, by the manifest as it is now. */
function find(path) {
  const manifest = join(DIST, "manifest.tsv");
  const rows = existsSync(manifest) ? readFileSync(manifest, "utf8").trim().split("\n").map((row) => row.split("\t")) : [];
  const room = /^\/(chat|c)\/[^/]+$/.test(path) ? "/chat/*" : path;
  return rows.find(([url]) => url === room)?.[1];
}

/** The request's headers as if the page were the hub's own. */
const own = (headers) => ({ ...headers, host: HUB.host, ...(headers.origin === undefined ? {} : { origin: HUB.origin }) });

const server = createServer((question, answer) => {
  const { pathname } = new URL(question.url, "http://x");
  const file = find(pathname);
  if (file !== undefined && question.method === "GET") {
    const open = /^\/(tidewire|chat)\.js$/.test(pathname);
    answer.writeHead(200, {
      "content-type": TYPES[extname(file)],
      "content-security-policy": POLICY + (pathname === "/tester" ? "tidewire-matcher" : "'none'"),
      "cache-control": "no-store",
      ...(open ? { "access-control-allow-origin": "*", "cross-origin-resource-policy": "cross-origin" } : {}),
    });
    createReadStream(join(DIST, file)).pipe(answer);
    return;
  }
  const passed = request({ host: HUB.hostname, port: HUB.port, path: question.url, method: question.method, headers: own(question.headers) }, (reply) => {
    answer.writeHead(reply.statusCode, reply.headers);
    reply.pipe(answer);
    // A hub that goes away ends its streams here, too.
    reply.on("close", () => reply.complete || answer.destroy());
  });
  passed.on("error", (error) => answer.writeHead(502).end(`The hub at ${HUB.origin} does not answer: ${error.message}\n`));
  answer.on("close", () => passed.destroy());
  question.pipe(passed);
});

server.on("upgrade", (question, socket, head) => {
  const hub = connect(Number(HUB.port || 80), HUB.hostname, () => {
    const lines = Object.entries(own(question.headers)).map(([name, value]) => `${name}: ${value}`);
    hub.write(`GET ${question.url} HTTP/1.1\r\n${lines.join("\r\n")}\r\n\r\n`);
    hub.write(head);
    hub.pipe(socket).pipe(hub);
  });
  hub.on("error", () => socket.destroy());
  socket.on("error", () => hub.destroy());
  socket.on("close", () => hub.destroy());
  hub.on("close", () => socket.destroy());
});

server.listen(Number(values.port ?? 5173), "127.0.0.1", () => console.log(`pages at http://127.0.0.1:${server.address().port}/, hub at ${HUB.origin}`));
