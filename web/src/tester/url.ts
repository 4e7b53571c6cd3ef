// What a person typed into the URL box, read as a WebSocket URL.

export interface Page {
  /** As `location.protocol`: "https:". */
  protocol: string;
  /** As `location.host`; empty for a file. */
  host: string;
}

export type Guess =
  | { ok: true; url: string; /** What was changed; absent if nothing. */ hint?: string; mixed: boolean }
  | { ok: false; error: string };

const SECURE: Record<string, "ws:" | "wss:"> = { "http:": "ws:", "https:": "wss:", "ws:": "ws:", "wss:": "wss:" };

/** This machine: browsers let a secure page talk to it in the clear. */
export const isLoopback = (host: string): boolean =>
  /^(localhost|.+\.localhost|127(\.\d+){3}|\[::1\])$/i.test(host.replace(/:\d+$/, ""));

/** A network at home or at work. */
export const isPrivate = (host: string): boolean => {
  const name = host.replace(/:\d+$/, "");
  return isLoopback(host) || /^(10|192\.168|169\.254|172\.(1[6-9]|2\d|3[01]))\.[\d.]+$/.test(name) ||
    /^\[f[cde]/i.test(name) || /\.(local|lan|internal|home\.arpa)$/i.test(name) || (/^[a-z0-9-]+$/i.test(name) && !/^\d+$/.test(name));
};

/** `localhost:4000/x`, `http://h`, `/echo`, `:4000`: the URL that is meant, and how it was read. */
export function guess(typed: string, page: Page): Guess {
  const text = typed.trim();
  if (text === "") {
    return { ok: false, error: "Type the address of a WebSocket server, for example wss://example.com/socket." };
  }
  const full = complete(text, page);
  if (full === undefined) {
    return { ok: false, error: "This page is not from a server, so a path alone leads nowhere: write the host, too." };
  }
  let parsed: URL;
  try {
    parsed = new URL(full);
  } catch {
    return { ok: false, error: "This is not a URL. It should look like wss://host:port/path." };
  }
  const scheme = SECURE[parsed.protocol];
  if (scheme === undefined) {
    return { ok: false, error: `WebSocket URLs begin with ws:// or wss://, not ${parsed.protocol}//.` };
  }
  if (parsed.hostname === "") {
    return { ok: false, error: "The host is missing: ws://host:port/path." };
  }
  const why = parsed.hash === "" ? "" : " (a WebSocket URL has no #fragment)";
  parsed.hash = "";
  const url = scheme + parsed.href.slice(parsed.protocol.length);
  const mixed = page.protocol === "https:" && scheme === "ws:";
  return { ok: true, url, mixed, ...(same(url, text) ? {} : { hint: url + why }) };
}

/** With a scheme, by what is most likely meant; a `/path` alone is this page's own host. */
function complete(text: string, page: Page): string | undefined {
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(text)) {
    return text;
  }
  // A slash or both forgotten; `ws:80` is a host's name with a port.
  const slips = /^(wss?|https?):(?:\/(?!\/)|(?=[^/\d]))/i.exec(text);
  if (slips !== null) {
    return `${slips[1]}://${text.slice(slips[0].length)}`;
  }
  const own = page.protocol === "https:" ? "wss:" : "ws:";
  if (text.startsWith("//")) {
    return schemeOf(text.slice(2), page) + text;
  }
  if (text.startsWith("/") || text.startsWith("?")) {
    return page.host === "" ? undefined : `${own}//${page.host}${text}`;
  }
  if (/^:\d/.test(text)) {
    return `ws://localhost${text}`;
  }
  return `${schemeOf(text, page)}//${text}`;
}

/** Near hosts and unusual ports speak plainly, public names over TLS. */
function schemeOf(text: string, page: Page): "ws:" | "wss:" {
  const authority = /^[^/?#]*/.exec(text)?.[0].replace(/^.*@/, "") ?? "";
  if (authority === page.host) {
    return page.protocol === "https:" ? "wss:" : "ws:";
  }
  const port = /:(\d+)$/.exec(authority)?.[1];
  if (port === "443" || port === "8443") {
    return "wss:";
  }
  if (isLoopback(authority)) {
    return "ws:";
  }
  if (page.protocol === "https:") {
    return "wss:";
  }
  return isPrivate(authority) || port !== undefined || /^[\d.]+$|^\[/.test(authority) ? "ws:" : "wss:";
}

/** A `/` at the end of a bare host is not worth a word. */
const same = (url: string, typed: string): boolean => url === typed || url === `${typed}/`;

/** The names of a list as typed: commas or spaces between. */
export const names = (typed: string): string[] => typed.split(/[\s,]+/).filter((name) => name !== "");

/** What is wrong with a list of subprotocols; the browser would throw. */
export function faultOfProtocols(list: readonly string[]): string | undefined {
  const bad = list.find((name) => !isToken(name));
  if (bad !== undefined) {
    return `“${bad}” cannot be a subprotocol: only letters, digits and !#$%&'*+-.^_\`|~ are allowed.`;
  }
  const twice = list.find((name, at) => list.indexOf(name) !== at);
  return twice === undefined ? undefined : `“${twice}” is there twice.`;
}

/** RFC 9110's `token`. */
export const isToken = (text: string): boolean => /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(text);
