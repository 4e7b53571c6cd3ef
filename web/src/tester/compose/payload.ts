// Bytes as people type them: hex as dumps show it, base64 in both alphabets.
import { fromBase64 } from "../../ui/base64.ts";

export type Parsed = { ok: true; bytes: Uint8Array<ArrayBuffer> } | { ok: false; error: string };

const failed = (error: string): Parsed => ({ ok: false, error });

/**
 * Hex with spaces, commas, colons, `0x`, `\x`, and lines of a dump: an offset before (`00000010  48 65 …` or
 * `0010: …`) and the text column after (`|He…|`) are left out.
 */
export function parseHex(text: string): Parsed {
  const bytes: number[] = [];
  const lines = text.split(/\r\n|\r|\n/);
  for (const [index, line] of lines.entries()) {
    const where = lines.length > 1 ? `Line ${index + 1}: ` : "";
    const digits = plain(line).replace(/0x|\\x/gi, " ").replace(/[\s,;:_-]+/g, " ").trim();
    const wrong = /[^0-9a-f ]/i.exec(digits);
    if (wrong !== null) {
      return failed(`${where}“${wrong[0]}” is not a hex digit.`);
    }
    for (const group of digits === "" ? [] : digits.split(" ")) {
      const even = group.length === 1 ? `0${group}` : group;
      if (even.length % 2 === 1) {
        return failed(`${where}“${group.length > 16 ? `${group.slice(0, 16)}…` : group}” has an odd number of digits: two make a byte.`);
      }
      for (let at = 0; at < even.length; at += 2) {
        bytes.push(Number.parseInt(even.slice(at, at + 2), 16));
      }
    }
  }
  return { ok: true, bytes: Uint8Array.from(bytes) };
}

/** A dump's line without its offset and its text column. */
function plain(line: string): string {
  const body = line.replace(/^\s*(?:0x)?[0-9a-f]{4,16}(?::\s*|\s{2,})(?=[0-9a-f]{2})/i, "");
  const column = /\s+\|.*\|?\s*$/.exec(body);
  if (column !== null) {
    return body.slice(0, column.index);
  }
  // xxd: an offset with a colon, and two spaces before the text.
  return body === line ? line : body.replace(/\s{2,}(?![0-9a-f]{2}(\s|$)).*$/i, "");
}

/** Standard and URL alphabet, line breaks, a missing `=`, and `data:…;base64,` before it. */
export function parseBase64(text: string): Parsed {
  const body = text.trim().replace(/^data:[^,]{0,200};base64,/i, "").replace(/\s+/g, "").replace(/-/g, "+").replace(/_/g, "/");
  const digits = body.replace(/={1,2}$/, "");
  const wrong = /[^A-Za-z0-9+/]/.exec(digits);
  if (wrong !== null) {
    return failed(`“${wrong[0]}” is not part of base64.`);
  }
  if (digits.length % 4 === 1) {
    return failed("The base64 is cut off: one digit is left over.");
  }
  const bytes = fromBase64(digits);
  return bytes === undefined ? failed("This is not base64.") : { ok: true, bytes };
}
