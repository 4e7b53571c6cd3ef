// Between what a program handles and what is on the wire. Nothing that the hub sends is trusted to have its type.
import type { Json, Member, Message, Payload, Sender } from "./types.js";
import { TidewireError } from "./types.js";

/** An object as it came: any field may be anything. */
export type Wire = Record<string, unknown>;

export const text = (value: unknown): string | undefined => (typeof value === "string" ? value : undefined);

export const number = (value: unknown): number | undefined =>
  typeof value === "number" ? value : undefined;

export const isObject = (value: unknown): value is Wire =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Without the fields that have no value. */
export const present = <T extends object>(fields: T): { [K in keyof T]?: NonNullable<T[K]> } =>
  JSON.parse(JSON.stringify(fields)) as { [K in keyof T]?: NonNullable<T[K]> };

/** A copy with those of the fields that are strings. */
const strings = <K extends string>(object: Wire, names: readonly K[]): { [N in K]?: string } =>
  present(Object.fromEntries(names.map((name) => [name, text(object[name])])) as { [N in K]: string | undefined });

/** The objects of a list. */
export const objects = (value: unknown): Wire[] => (Array.isArray(value) ? value.filter(isObject) : []);

/** What a message of the hub holds: objects, none if it makes no sense. */
export function decode(data: unknown): Wire[] {
  try {
    if (typeof data === "string") {
      const value: unknown = JSON.parse(data);
      return objects(Array.isArray(value) ? value : [value]);
    }
    // The binary form: the length of a header, the header, the payload.
    const view = new DataView(data as ArrayBuffer);
    const end = 4 + view.getUint32(0);
    const header: unknown = JSON.parse(new TextDecoder().decode(new Uint8Array(view.buffer, 4, end - 4)));
    return isObject(header) ? [{ ...header, bytes: new Uint8Array(view.buffer, end) }] : [];
  } catch {
    return [];
  }
}

/** The field of `publish` that a payload goes into. */
export function encode(payload: Payload): Wire {
  if (typeof payload === "string") {
    return { text: payload };
  }
  if (ArrayBuffer.isView(payload) || payload instanceof ArrayBuffer) {
    const { buffer = payload as ArrayBuffer, byteOffset, byteLength } = payload as ArrayBufferView;
    const bytes = new Uint8Array(buffer, byteOffset, byteLength);
    return { base64: btoa(bytes.reduce((all, byte) => all + String.fromCharCode(byte), "")) };
  }
  return { data: payload ?? null };
}

/** A message of a channel. */
export function message(channel: string, object: Wire): Message {
  const made: Message = { channel, at: number(object["at"]) ?? 0, ...strings(object, ["pos", "key", "text"]) };
  if (isObject(object["from"])) {
    made.from = strings(object["from"], ["client", "user", "name"]) satisfies Sender;
  }
  const base64 = text(object["base64"]);
  if (object["bytes"] instanceof Uint8Array) {
    made.bytes = object["bytes"];
  } else if (base64 !== undefined) {
    try {
      made.bytes = Uint8Array.from(atob(base64), (sign) => sign.charCodeAt(0));
    } catch {
      // No base64: a message without payload still moves the position.
    }
  }
  if ("data" in object) {
    made.data = object["data"] as Json;
  }
  if (object["redacted"]) {
    made.redacted = true;
  }
  return made;
}

/** Who is in a channel, if it says so. */
export function member(object: Wire): Member | undefined {
  const who = strings(object, ["session", "client", "user", "name"]);
  return who.session ? (who as Member) : undefined;
}

/** Codes after which the same command may work later. */
const TEMPORARY = ["rate_limited", "storage_full", "unavailable", "overloaded"];

/** The error that an object tells. */
export function failure(object: Wire): TidewireError {
  const code = text(object["code"]) ?? "bad_answer";
  return new TidewireError(code, text(object["message"]) ?? code, TEMPORARY.includes(code), number(object["retry_after_ms"]));
}
