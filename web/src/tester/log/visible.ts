// Makes what a text hides visible: control characters, direction overrides, zero-width signs, halves of pairs.

/** A stretch of text, or one hidden sign: what to show for it, and its name. */
export interface Piece {
  text: string;
  hidden?: string;
}

/** Characters without a look of their own, or that change how others look. */
const HIDDEN = /[\p{Cc}\p{Cs}\p{Default_Ignorable_Code_Point}\u2028\u2029\ufff9-\ufffb]/gu;

const NAMES: Record<number, [short: string, long: string]> = {
  0x09: ["→", "tab"], 0x0a: ["↵", "line feed"], 0x7f: ["DEL", "delete"],
  0xad: ["SHY", "soft hyphen"], 0x61c: ["ALM", "Arabic letter mark"],
  0x200b: ["ZWSP", "zero-width space"], 0x200c: ["ZWNJ", "zero-width non-joiner"], 0x200d: ["ZWJ", "zero-width joiner"],
  0x200e: ["LRM", "left-to-right mark"], 0x200f: ["RLM", "right-to-left mark"],
  0x2028: ["LS", "line separator"], 0x2029: ["PS", "paragraph separator"],
  0x202a: ["LRE", "left-to-right embedding"], 0x202b: ["RLE", "right-to-left embedding"], 0x202c: ["PDF", "pop directional formatting"],
  0x202d: ["LRO", "left-to-right override"], 0x202e: ["RLO", "right-to-left override"], 0x2060: ["WJ", "word joiner"],
  0x2066: ["LRI", "left-to-right isolate"], 0x2067: ["RLI", "right-to-left isolate"], 0x2068: ["FSI", "first strong isolate"],
  0x2069: ["PDI", "pop directional isolate"], 0xfeff: ["BOM", "byte order mark, zero-width no-break space"],
};

/** Of the first 32 characters. Unicode's pictures of them are missing in many fonts. */
const CONTROLS = "NUL SOH STX ETX EOT ENQ ACK BEL BS TAB LF VT FF CR SO SI DLE DC1 DC2 DC3 DC4 NAK SYN ETB CAN EM SUB ESC FS GS RS US".split(" ");

const hex = (code: number) => `U+${code.toString(16).toUpperCase().padStart(4, "0")}`;

function sign(code: number): Piece {
  const known = NAMES[code];
  if (known !== undefined) {
    return { text: known[0], hidden: `${hex(code)} ${known[1]}` };
  }
  return { text: CONTROLS[code] ?? hex(code), hidden: `${hex(code)} ${code < 0xa0 ? "control" : "hidden"} character` };
}

/** Joiners and variation selectors inside an emoji are part of its look. */
function belongs(text: string, index: number, code: number): boolean {
  if (code === 0xfe0e || code === 0xfe0f) {
    return index > 0;
  }
  return code === 0x200d && /[\p{Extended_Pictographic}\p{Emoji_Modifier}\ufe0f]$/u.test(text.slice(Math.max(0, index - 2), index))
    && /^\p{Extended_Pictographic}/u.test(text.slice(index + 1, index + 3));
}

/** Splits a text; with `lines`, line feeds and tabs stay as they are. */
export function pieces(text: string, lines = false): Piece[] {
  const found: Piece[] = [];
  let from = 0;
  for (const { 0: hidden, index } of text.matchAll(HIDDEN)) {
    const code = hidden.codePointAt(0) ?? 0;
    if ((lines && (code === 0x0a || code === 0x09)) || belongs(text, index, code)) {
      continue;
    }
    if (index > from) {
      found.push({ text: text.slice(from, index) });
    }
    found.push(sign(code));
    from = index + hidden.length;
  }
  if (from < text.length) {
    found.push({ text: text.slice(from) });
  }
  return found;
}

/** At most `length` units from `from`, never half of a pair. */
export function clip(text: string, from: number, length: number): string {
  const start = from > 0 && isLow(text, from) ? from + 1 : from;
  const end = from + length;
  return text.slice(start, end < text.length && isLow(text, end) ? end + 1 : end);
}

const isLow = (text: string, index: number) => (text.charCodeAt(index) & 0xfc00) === 0xdc00 && (text.charCodeAt(index - 1) & 0xfc00) === 0xd800;

/** A pattern that finds exactly this text, in any case; nothing for an empty one. */
export function literal(text: string): RegExp | undefined {
  return text === "" ? undefined : new RegExp(text.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&"), "giu");
}

/** Splits a text where a pattern matches: every second part is a match. */
export function splitMatches(text: string, pattern: RegExp | undefined, most = 500): string[] {
  const parts: string[] = [];
  let from = 0;
  if (pattern !== undefined) {
    // `matchAll` begins where an earlier `test` of the same pattern ended.
    pattern.lastIndex = 0;
    for (const { 0: match, index } of text.matchAll(pattern)) {
      parts.push(text.slice(from, index), match);
      from = index + match.length;
      if (parts.length >= most * 2) {
        break;
      }
    }
  }
  parts.push(text.slice(from));
  return parts;
}
