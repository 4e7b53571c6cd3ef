// Rows as CSV for spreadsheets. A cell that a spreadsheet would run as a formula gets a ' before it.
import type { Row } from "../model.ts";
import { closeMeaning } from "./close-codes.ts";
import { base64 } from "../../ui/base64.ts";
import { plain } from "./ndjson.ts";

const COLUMNS = ["time", "at", "direction", "kind", "size", "text", "base64", "code", "meaning", "reason", "detail"];

/** What spreadsheets begin formulas with, also in full width, also after blanks; `|` and `%` start programs in old ones. */
const FORMULA = /^(?:\s*[=+\-@|%＝＋－＠]|[\t\r\n])/;

export function cell(text: string): string {
  const safe = FORMULA.test(text) ? `'${text}` : text;
  return /[",\r\n']/.test(safe) || safe !== safe.trim() ? `"${safe.replaceAll('"', '""')}"` : safe;
}

export function* toCsv(rows: Iterable<Row>): Generator<string> {
  // Spreadsheets take the file for UTF-8 by its mark.
  yield `\ufeff${COLUMNS.join(",")}\r\n`;
  for (const row of rows) {
    const { time } = plain({ ...row, bytes: new Uint8Array() });
    const meaning = row.code === undefined ? "" : closeMeaning(row.code).name;
    const detail = row.detail === undefined ? "" : JSON.stringify(row.detail);
    const numbers = [String(time ?? ""), String(row.at)];
    const rest = [row.way, row.kind, String(row.size), row.text ?? "", row.bytes === undefined ? "" : base64(row.bytes), String(row.code ?? ""), meaning, row.reason ?? "", detail];
    yield `${[...numbers, ...rest.map(cell)].join(",")}\r\n`;
  }
}
