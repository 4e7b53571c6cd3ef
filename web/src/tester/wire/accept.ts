// How Sec-WebSocket-Accept follows from the key: each step of RFC 6455, section 4.2.2.
import { parseBase64 } from "../compose/payload.ts";
import { hexText } from "../log/hex.ts";
import { base64 } from "../../ui/base64.ts";
import { sha1 } from "./sha1.ts";

export const GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
/** The key of the RFC's own example (section 1.3). */
export const EXAMPLE_KEY = "dGhlIHNhbXBsZSBub25jZQ==";

export interface Steps {
  joined: string;
  /** The twenty bytes of SHA-1, as hex. */
  sum: string;
  accept: string;
  /** What is odd about the key; servers should refuse it then. */
  fault?: string;
}

export type Digest = (bytes: Uint8Array<ArrayBuffer>) => Promise<Uint8Array>;

/** The browser's own SHA-1 where the page may use it, else ours. */
export const digest: Digest = async (bytes) =>
  globalThis.crypto?.subtle === undefined ? sha1(bytes) : new Uint8Array(await crypto.subtle.digest("SHA-1", bytes));

export async function stepsOf(key: string, sum: Digest = digest): Promise<Steps> {
  const joined = key + GUID;
  const bytes = await sum(new TextEncoder().encode(joined));
  const fault = faultOf(key);
  return { joined, sum: hexText(bytes), accept: base64(bytes), ...(fault === undefined ? {} : { fault }) };
}

function faultOf(key: string): string | undefined {
  const decoded = parseBase64(key);
  if (!decoded.ok) {
    return "This key is not base64: a server should refuse it.";
  }
  return decoded.bytes.length === 16 ? undefined : `This key is ${decoded.bytes.length} bytes, not 16: a server should refuse it.`;
}

export const randomKey = (): string => base64(crypto.getRandomValues(new Uint8Array(16)));

/** A header's value in a head as text; the first if it is there more than once. */
export function header(head: string, name: string): string | undefined {
  const line = head.split(/\r\n|\n/).slice(1).find((one) => one.slice(0, one.indexOf(":")).trim().toLowerCase() === name.toLowerCase());
  return line?.slice(line.indexOf(":") + 1).trim();
}
