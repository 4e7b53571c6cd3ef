// What a row says in the list: the first 500 characters, or those around what was searched for.
import type { Row } from "../model.ts";
import { closeMeaning } from "./close-codes.ts";
import { hexText } from "./hex.ts";
import { clip } from "./visible.ts";

export const LONGEST = 500;
const BYTES = 48;

/** Cut, so that a long message does not hold up the layout. */
export function excerpt(text: string, find?: RegExp): string {
  if (text.length <= LONGEST) {
    return text;
  }
  let from = 0;
  if (find !== undefined) {
    find.lastIndex = 0;
    const index = find.exec(text)?.index ?? 0;
    from = index > LONGEST - 100 ? index - 60 : 0;
  }
  const end = from + LONGEST < text.length ? "…" : "";
  return `${from > 0 ? "…" : ""}${clip(text, from, LONGEST)}${end}`;
}

function whole(row: Row): string {
  if (row.kind === "close") {
    const { name, text } = closeMeaning(row.code ?? 1005);
    const reason = row.reason === undefined || row.reason === "" ? "" : ` “${row.reason}”`;
    return `${row.code ?? "no code"} ${name}${reason}: ${row.text ?? text}`;
  }
  if (row.bytes !== undefined) {
    return hexText(row.bytes, BYTES) + (row.bytes.length > BYTES ? " …" : "");
  }
  return row.text ?? "";
}

const cache = new WeakMap<Row, { find: RegExp | undefined; text: string }>();

/** Remembered, as a list asks again in every frame, and a message may be long. */
export function preview(row: Row, find?: RegExp): string {
  const kept = cache.get(row);
  if (kept !== undefined && kept.find === find) {
    return kept.text;
  }
  const text = excerpt(whole(row), find);
  cache.set(row, { find, text });
  return text;
}
