// The handshake as the standard has it, for when a page cannot see the wire.
import type { Handshake, Target } from "../model.ts";
import { EXAMPLE_KEY } from "./accept.ts";

const EXTENSIONS = "permessage-deflate; client_max_window_bits";

/** `opened`: what the page was told of the answer. */
export function standardHandshake(target: Target, origin: string, opened?: { protocol: string; extensions: string }): Handshake {
  const { host, path } = placeOf(target.url);
  const request = [
    `GET ${path} HTTP/1.1`,
    `Host: ${host}`,
    "Connection: Upgrade",
    "Upgrade: websocket",
    `Origin: ${origin}`,
    "Sec-WebSocket-Version: 13",
    `Sec-WebSocket-Key: ${EXAMPLE_KEY}`,
    ...(target.protocols.length > 0 ? [`Sec-WebSocket-Protocol: ${target.protocols.join(", ")}`] : []),
    `Sec-WebSocket-Extensions: ${EXTENSIONS}`,
  ];
  const handshake: Handshake = { source: "standard", request: request.join("\r\n"), key: EXAMPLE_KEY };
  if (opened !== undefined) {
    handshake.response = [
      "HTTP/1.1 101 Switching Protocols",
      "Connection: Upgrade",
      "Upgrade: websocket",
      "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
      ...(opened.protocol === "" ? [] : [`Sec-WebSocket-Protocol: ${opened.protocol}`]),
      ...(opened.extensions === "" ? [] : [`Sec-WebSocket-Extensions: ${opened.extensions}`]),
    ].join("\r\n");
  }
  return handshake;
}

/** Host without the scheme's own port, and what stands in the request line. */
function placeOf(url: string): { host: string; path: string } {
  try {
    const parsed = new URL(url);
    return { host: parsed.host, path: (parsed.pathname === "" ? "/" : parsed.pathname) + parsed.search };
  } catch {
    return { host: "example.com", path: "/" };
  }
}
