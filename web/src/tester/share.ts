// A link that fills the form: everything in the fragment, which never goes to a server.
import { names } from "./url.ts";

export type MessageKind = "text" | "json" | "hex" | "base64";

export interface Shared {
  url?: string;
  protocols?: string[];
  message?: string;
  kind?: MessageKind;
  /** What was in the link, but is longer than a link may bring. */
  left?: "url" | "message";
}

const LONGEST_URL = 8192;
/** In characters; what is longer is not put into a link, and not taken from one. */
export const LONGEST_MESSAGE = 65_536;
const KINDS: readonly string[] = ["text", "json", "hex", "base64"];

export const isKind = (text: unknown): text is MessageKind => typeof text === "string" && KINDS.includes(text);

/** `page`: the page's own address. The agent's token is never part of it. */
export function linkOf(page: string, shared: Shared): string {
  const link = new URL(page);
  link.search = "";
  const parts = new URLSearchParams();
  parts.set("url", shared.url ?? "");
  if (shared.protocols !== undefined && shared.protocols.length > 0) {
    parts.set("sub", shared.protocols.join(","));
  }
  if (shared.message !== undefined && shared.message !== "" && shared.message.length <= LONGEST_MESSAGE) {
    parts.set("msg", shared.message);
    if (shared.kind !== undefined && shared.kind !== "text") {
      parts.set("kind", shared.kind);
    }
  }
  link.hash = parts.toString();
  return link.href;
}

/** What a link brings: only text for the form's fields, whatever else it holds. */
export function readLink(hash: string, search = ""): Shared {
  const parts = new URLSearchParams(hash.replace(/^#/, ""));
  const shared: Shared = {};
  const url = parts.get("url") ?? new URLSearchParams(search).get("url");
  if (url !== null && url.length > LONGEST_URL) {
    return { left: "url" };
  }
  if (url !== null && url.trim() !== "") {
    shared.url = oneLine(url);
  }
  const sub = parts.getAll("sub").join(",");
  if (sub !== "" && sub.length <= 1024) {
    shared.protocols = names(sub);
  }
  const message = parts.get("msg");
  if (message !== null && message.length > LONGEST_MESSAGE) {
    shared.left = "message";
  } else if (message !== null && message !== "") {
    shared.message = message;
    const kind = parts.get("kind");
    shared.kind = isKind(kind) ? kind : "text";
  }
  return shared;
}

/** Control signs could hide what the URL is. */
const oneLine = (text: string): string => text.replace(/[\u0000-\u001f\u007f\u200b-\u200f\u2028-\u202e\u2066-\u2069]/g, "").trim();

/** The agent's one-time token of a fragment, and the fragment without it. */
export function takeToken(hash: string): { token: string; rest: string } | undefined {
  const parts = hash.replace(/^#/, "").split("&");
  const found = parts.find((part) => part.startsWith("agent="));
  if (found === undefined) {
    return undefined;
  }
  let token: string;
  try {
    token = decodeURIComponent(found.slice("agent=".length));
  } catch {
    token = "";
  }
  const rest = parts.filter((part) => !part.startsWith("agent=")).join("&");
  return { token, rest: rest === "" ? "" : `#${rest}` };
}
