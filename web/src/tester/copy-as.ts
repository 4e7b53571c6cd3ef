// The connection and a message as a command of other tools, quoted so that nothing in them runs.
import { base64 } from "../ui/base64.ts";
import { utf8Length } from "./log/store.ts";
import type { Target } from "./model.ts";
import { isToken } from "./url.ts";

export interface Copied {
  label: string;
  text: string;
  /** What the tool cannot do of what was asked. */
  notes: string[];
}

export type Message = string | Uint8Array | undefined;

/** One word of a POSIX shell, whatever is in it. */
export const quote = (text: string): string =>
  /^[\w@%+=:,./-]+$/.test(text) && text !== "" ? text : `'${text.replace(/'/g, `'\\''`)}'`;

/** A string of JavaScript that may also stand in a page. */
export const script = (text: string): string =>
  JSON.stringify(text).replace(/[<>\u2028\u2029\u007f-\u009f]/g, (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, "0")}`);

/** `name: value` of headers that can be one: no line may be smuggled in. */
const headersOf = (target: Target): [string, string][] =>
  (target.headers ?? []).filter(([name, value]) => isToken(name) && !/[\r\n\0]/.test(value));

const NUL = "A shell's word cannot hold the byte 0: it is left out.";
/** Of one argument on Linux, in bytes. */
const LONGEST_WORD = 128 * 1024;
const TEXT_ONLY = "It sends text only: the binary message is left out.";

/** A message that a shell can hand over as one word. */
function word(message: Message, notes: string[]): string | undefined {
  if (message === undefined || message.length === 0) {
    return undefined;
  }
  if (typeof message !== "string") {
    notes.push(TEXT_ONLY);
    return undefined;
  }
  if (message.includes("\0")) {
    notes.push(NUL);
  }
  return message.replace(/\0/g, "");
}

/** The shell's own commands take any length; programs do not. */
function tooLong(text: string, notes: string[]): void {
  if (utf8Length(text) >= LONGEST_WORD) {
    notes.push("Linux takes less than 128 KiB in one word of a command: this message is longer.");
  }
}

function tidewire(target: Target, message: Message): Copied {
  const notes: string[] = [];
  const parts = ["tidewire", "connect", quote(target.url), ...target.protocols.flatMap((name) => ["-s", quote(name)]),
    ...headersOf(target).flatMap(([name, value]) => ["-H", quote(`${name}: ${value}`)])];
  if (target.origin !== undefined) {
    parts.push("-o", quote(target.origin));
  }
  if (target.insecure === true) {
    parts.push("-n");
  }
  const text = word(message, notes);
  if (text !== undefined) {
    tooLong(text, notes);
    // With “=”, a message may begin with a dash.
    // With “@” before it, it would name a file.
    parts.push(`--execute=${quote(text.replace(/^@/, "@@"))}`);
  }
  return { label: "tidewire", text: parts.join(" "), notes };
}

function wscat(target: Target, message: Message): Copied {
  const notes: string[] = [];
  const parts = ["wscat", "-c", quote(target.url), ...target.protocols.flatMap((name) => ["-s", quote(name)])];
  const headers = headersOf(target);
  parts.push(...headers.flatMap(([name, value]) => ["-H", quote(`${name}: ${value}`)]));
  if (new Set(headers.map(([name]) => name.toLowerCase())).size < headers.length) {
    notes.push("Of headers with the same name it sends only the last.");
  }
  if (target.origin !== undefined) {
    parts.push("-o", quote(target.origin));
  }
  if (target.insecure === true) {
    parts.push("-n");
  }
  const text = word(message, notes);
  if (text !== undefined) {
    tooLong(text, notes);
    parts.push("-x", quote(text));
    notes.push("It needs a terminal as its input: in a pipe it sends nothing.");
  }
  return { label: "wscat", text: parts.join(" "), notes };
}

function websocat(target: Target, message: Message): Copied {
  const notes: string[] = [];
  const options = [...headersOf(target).map(([name, value]) => `-H=${quote(`${name}: ${value}`)}`)];
  if (target.protocols.length > 0) {
    options.push(`--protocol=${quote(target.protocols.join(", "))}`);
  }
  if (target.origin !== undefined) {
    options.push(`--origin=${quote(target.origin)}`);
  }
  if (target.insecure === true) {
    options.push("-k");
  }
  let before = "";
  if (message !== undefined && typeof message !== "string" && message.length > 0) {
    before = `printf %s ${quote(base64(message))} | base64 -d | `;
    options.unshift("-b", "-n1");
  } else {
    const text = word(message, notes);
    if (text !== undefined) {
      const lines = /[\r\n]/.test(text);
      before = `printf '%s${lines ? "\\0" : "\\n"}' ${quote(text)} | `;
      options.unshift(...(lines ? ["-0"] : []), "-n1");
      notes.push("With -1 it waits for one answer, then ends.");
    }
  }
  return { label: "websocat", text: `${before}${["websocat", ...options, quote(target.url)].join(" ")}`, notes };
}

function curl(target: Target, message: Message, key: string): Copied {
  const notes = ["It shows the handshake's answer only; the key is an example."];
  if (message !== undefined && message.length > 0) {
    notes.push("curl cannot send text messages: the message is left out.");
  }
  const header = (name: string, value: string) => quote(value === "" ? `${name};` : `${name}: ${value}`);
  const own: [string, string][] = [["Connection", "Upgrade"], ["Upgrade", "websocket"], ["Sec-WebSocket-Version", "13"], ["Sec-WebSocket-Key", key]];
  if (target.protocols.length > 0) {
    own.push(["Sec-WebSocket-Protocol", target.protocols.join(", ")]);
  }
  if (target.origin !== undefined) {
    own.push(["Origin", target.origin]);
  }
  const parts = ["curl", "-i", "-N", "-g", "--http1.1", "--max-time", "5", ...(target.insecure === true ? ["-k"] : [])];
  for (const [name, value] of [...own, ...headersOf(target)]) {
    parts.push("-H", header(name, value));
  }
  parts.push(quote(target.url.replace(/^ws/, "http")));
  return { label: "curl", text: parts.join(" "), notes };
}

function javascript(target: Target, message: Message): Copied {
  const notes: string[] = [];
  if (headersOf(target).length > 0 || target.origin !== undefined || target.insecure === true) {
    notes.push("A browser sets no headers and no Origin, and always checks the certificate: these are left out.");
  }
  const protocols = target.protocols.length > 0 ? `, [${target.protocols.map(script).join(", ")}]` : "";
  const lines = [`const socket = new WebSocket(${script(target.url)}${protocols});`, `socket.binaryType = "arraybuffer";`];
  if (message !== undefined && message.length > 0) {
    const payload = typeof message === "string" ? script(message)
      : `Uint8Array.from(atob(${script(base64(message))}), (sign) => sign.charCodeAt(0))`;
    lines.push(`socket.onopen = () => socket.send(${payload});`);
  }
  lines.push("socket.onmessage = (event) => console.log(event.data);", "socket.onclose = (event) => console.log(event.code, event.reason);");
  return { label: "JavaScript", text: lines.join("\n"), notes };
}

const TOOLS = [["tidewire", tidewire], ["wscat", wscat], ["websocat", websocat], ["curl", curl], ["JavaScript", javascript]] as const;

/** Each tool, its command made only when asked for: a message may have many megabytes. */
export const lazily = (target: Target, message: Message, key: string): { label: string; text: () => string }[] =>
  TOOLS.map(([label, make]) => ({ label, text: () => make(target, message, key).text }));

/** All of them. `key`: of the handshake that curl sends. */
export const copies = (target: Target, message: Message, key: string): Copied[] =>
  TOOLS.map(([, make]) => make(target, message, key));
