// {{i}}, {{ts}}, {{uuid}} and {{random}} in a message, filled anew each time it is sent.

export interface Source {
  /** Which message this is, from 1. */
  i: number;
  now(): number;
  uuid(): string;
  random(): number;
}

export const VARIABLES = [
  { name: "{{i}}", about: "counts: 1, 2, 3 …" },
  { name: "{{ts}}", about: "the time in ms since 1970" },
  { name: "{{uuid}}", about: "a new random UUID" },
  { name: "{{random}}", about: "a number from 0 to 999999" },
] as const;

const PATTERN = /\{\{\s*(i|ts|uuid|random)\s*\}\}/g;

export const hasVariables = (text: string): boolean => text.search(PATTERN) >= 0;

/** Other names in braces are left as they are: they may be the server's own templates. */
export const fill = (text: string, source: Source): string =>
  text.replace(PATTERN, (_all, name: string) => {
    switch (name) {
      case "i": return String(source.i);
      case "ts": return String(Math.floor(source.now()));
      case "uuid": return source.uuid();
      default: return String(Math.floor(source.random() * 1_000_000));
    }
  });

/** `crypto.randomUUID` is for secure origins only; random bytes are for all. */
export function uuid(bytes: Uint8Array = crypto.getRandomValues(new Uint8Array(16))): string {
  const all = Array.from(bytes.subarray(0, 16));
  all[6] = ((all[6] ?? 0) & 0x0f) | 0x40;
  all[8] = ((all[8] ?? 0) & 0x3f) | 0x80;
  const hex = all.map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

export const real = (i: number): Source => ({ i, now: Date.now, uuid: () => uuid(), random: Math.random });
