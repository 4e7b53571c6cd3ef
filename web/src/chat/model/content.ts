// What a publication is, for people: text, image, bytes, JSON in short, or something that was removed.
import type { Json, Message } from "tidewire";
import { type ImageInfo, imageOf } from "./image.ts";
import { clean } from "./people.ts";

export type Content =
  /** `claim`: who the payload says it is from; nobody has checked that. */
  | { kind: "text"; text: string; claim?: string }
  | { kind: "image"; blob: Blob; info: ImageInfo }
  | { kind: "bytes"; blob: Blob }
  | { kind: "json"; json: string; size: number }
  | { kind: "removed" }
  | { kind: "empty" };

const SHOWN_JSON = 500;

export function contentOf(message: Pick<Message, "data" | "text" | "bytes" | "redacted">): Content {
  if (message.redacted === true) {
    return { kind: "removed" };
  }
  if (typeof message.text === "string") {
    return message.text.trim() === "" ? { kind: "empty" } : { kind: "text", text: message.text };
  }
  if (message.bytes !== undefined) {
    return ofBytes(message.bytes);
  }
  return message.data === undefined ? { kind: "empty" } : ofJson(message.data);
}

/** Kept as a Blob, outside of the program's own memory. */
export function ofBytes(bytes: Uint8Array): Content {
  const info = imageOf(bytes);
  // The type is ours, never the sender's: a browser that is told "octet-stream" runs nothing.
  const blob = new Blob([bytes as Uint8Array<ArrayBuffer>], { type: info?.type ?? "application/octet-stream" });
  return info === undefined ? { kind: "bytes", blob } : { kind: "image", blob, info };
}

function ofJson(data: Json): Content {
  const field = (name: string): string | undefined => {
    const value = isObject(data) && Object.hasOwn(data, name) ? data[name] : undefined;
    return typeof value === "string" ? value : undefined;
  };
  const text = field("text") ?? field("content");
  if (text === undefined) {
    const json = JSON.stringify(data);
    return { kind: "json", json: json.length > SHOWN_JSON ? `${json.slice(0, SHOWN_JSON)}…` : json, size: json.length };
  }
  if (text.trim() === "") {
    return { kind: "empty" };
  }
  const claim = clean(field("user") ?? "");
  return claim === "" ? { kind: "text", text } : { kind: "text", text, claim };
}

const isObject = (data: Json): data is { [key: string]: Json } => typeof data === "object" && data !== null && !Array.isArray(data);

/** Whether a publication only says that somebody writes: `true` or `false`; else `undefined`. */
export function typingOf({ pos, data }: Pick<Message, "pos" | "data">): boolean | undefined {
  if (pos !== undefined || data === undefined || !isObject(data) || !Object.hasOwn(data, "typing")) {
    return undefined;
  }
  return data["typing"] === true;
}

const LINES = 14;
const LETTERS = 1_400;

/** The beginning of a long text; `undefined`: it is short enough to be shown whole. */
export function shortOf(text: string): string | undefined {
  let at = -1;
  for (let line = 0; line < LINES; line += 1) {
    at = text.indexOf("\n", at + 1);
    if (at < 0) {
      break;
    }
  }
  const end = Math.min(at < 0 ? text.length : at, LETTERS);
  if (text.length - end < (at < 0 ? 200 : 1)) {
    return undefined;
  }
  // Not through the middle of a letter that has two halves.
  const half = text.charCodeAt(end - 1);
  return text.slice(0, half >= 0xd800 && half < 0xdc00 ? end - 1 : end);
}

/** A size for people. */
export function sizeText(bytes: number, tag: string): string {
  const number = (n: number) => new Intl.NumberFormat(tag, { maximumFractionDigits: n < 10 ? 1 : 0 }).format(n);
  if (bytes < 1024) {
    return `${number(bytes)} B`;
  }
  return bytes < 1 << 20 ? `${number(bytes / 1024)} KiB` : `${number(bytes / (1 << 20))} MiB`;
}
