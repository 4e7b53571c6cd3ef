// A cursor: the positions of several channels in one word.
import type { Position } from "./types.js";

/** The 64-bit FNV-1a of a channel's full name. */
function hash(name: string): bigint {
  let value = 0xcbf29ce484222325n;
  for (const byte of new TextEncoder().encode(name)) {
    value = BigInt.asUintN(64, (value ^ BigInt(byte)) * 0x100000001b3n);
  }
  return value;
}

/** With the digits `0-9A-Za-z`. */
function base62(value: bigint): string {
  const digit = Number(value % 62n);
  const last = digit < 10 ? `${digit}` : String.fromCharCode(digit + (digit < 36 ? 55 : 61));
  return value < 62n ? last : base62(value / 62n) + last;
}

/** The cursor of up to 32 channels, of which some may have no position yet. */
export function cursor(channels: readonly { name: string; pos?: Position | undefined }[]): string | undefined {
  if (channels.length === 1) {
    return channels[0]!.pos;
  }
  const known = channels.filter(({ pos }) => pos !== undefined);
  const parts = known.map(({ name, pos }) => [hash(name), pos] as const).sort(([a], [b]) => (a < b ? -1 : 1));
  return parts.map(([value, pos]) => `${base62(value)}.${pos}`).join("~") || undefined;
}
