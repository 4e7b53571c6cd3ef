// From what stands in the composer to what is sent.
import type { MessageKind } from "../share.ts";
import { checkJson } from "./json.ts";
import { parseBase64, parseHex } from "./payload.ts";
import { type Source, fill } from "./variables.ts";

export interface Draft {
  kind: MessageKind;
  text: string;
  /** A chosen file: it is sent instead of the text. */
  file?: { name: string; bytes: Uint8Array };
}

export type Built =
  | { ok: true; payload: string | Uint8Array }
  | { ok: false; error: string; /** Where in the text, of JSON. */ at?: number };

export function build(draft: Draft, source: Source): Built {
  if (draft.file !== undefined && isBinary(draft.kind)) {
    return { ok: true, payload: draft.file.bytes };
  }
  const text = fill(draft.text, source);
  if (draft.kind === "hex" || draft.kind === "base64") {
    const parsed = draft.kind === "hex" ? parseHex(text) : parseBase64(text);
    return parsed.ok ? { ok: true, payload: parsed.bytes } : parsed;
  }
  if (draft.kind === "json") {
    const checked = checkJson(text);
    if (!checked.ok) {
      // The place is that of the filled text: with variables it may be off, so it is not pointed at.
      const where = `Line ${checked.line}, column ${checked.column}: ${checked.error}`;
      return { ok: false, error: where, ...(text === draft.text ? { at: checked.at } : {}) };
    }
  }
  return { ok: true, payload: text };
}

export const isBinary = (kind: MessageKind): boolean => kind === "hex" || kind === "base64";
