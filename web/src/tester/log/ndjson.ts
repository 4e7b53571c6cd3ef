// Rows as NDJSON: an object in each line, the way the log keeps it; and back, judging every field.
import type { Kind, NewRow, Row, Way } from "../model.ts";
import { KINDS, WAYS } from "./format.ts";
import { base64, fromBase64 } from "../../ui/base64.ts";

/** The latest time a `Date` can be. */
const LATEST = 8.64e15;

/** A row as the object that is written; binary payloads as base64. */
export function plain(row: Row): Record<string, unknown> {
  const { at, way, kind, text, bytes, code, reason, detail } = row;
  return {
    at,
    ...(Math.abs(at) <= LATEST ? { time: new Date(at).toISOString() } : {}),
    way,
    kind,
    ...(text === undefined ? {} : { text }),
    ...(bytes === undefined ? {} : { base64: base64(bytes) }),
    ...(code === undefined ? {} : { code }),
    ...(reason === undefined ? {} : { reason }),
    ...(detail === undefined ? {} : { detail }),
  };
}

export function* toNdjson(rows: Iterable<Row>): Generator<string> {
  for (const row of rows) {
    yield `${JSON.stringify(plain(row))}\n`;
  }
}

/** What is wrong with a file, for people. */
export class FileError extends Error {}

type Fields = Record<string, unknown>;

export const isObject = (value: unknown): value is Fields => typeof value === "object" && value !== null && !Array.isArray(value);

function need(right: boolean, what: string): asserts right {
  if (!right) {
    throw new FileError(what);
  }
}

const isWay = (value: unknown): value is Way => typeof value === "string" && Object.hasOwn(WAYS, value);
const isKind = (value: unknown): value is Kind => KINDS.includes(value as Kind);

/** A time in ms since 1970, from a number or an ISO text. */
function timeOf(fields: Fields): number {
  const { at, time } = fields;
  const found = typeof at === "number" ? at : typeof time === "string" ? Date.parse(time) : NaN;
  need(Number.isFinite(found) && Math.abs(found) <= LATEST, '"at" must be a time in milliseconds since 1970 (or "time" an ISO 8601 time)');
  return found;
}

export function detailOf(value: unknown): NewRow["detail"] {
  need(isObject(value), '"detail" must be an object');
  const entries = Object.entries(value);
  need(entries.every(([, one]) => ["string", "number", "boolean"].includes(typeof one)), '"detail" may hold texts, numbers, true and false only');
  return Object.fromEntries(entries) as NonNullable<NewRow["detail"]>;
}

/** A row of an object of unknown origin; throws a `FileError` that names the field. */
export function rowOf(fields: unknown): NewRow {
  need(isObject(fields), "must be an object");
  const { way, kind, text, code, reason, detail } = fields;
  need(isWay(way), '"way" must be "in", "out" or "event"');
  need(isKind(kind), `"kind" must be one of ${KINDS.join(", ")}`);
  const row: NewRow = { at: timeOf(fields), way, kind };
  if (text !== undefined) {
    need(typeof text === "string", '"text" must be a text');
    row.text = text;
  }
  if (fields["base64"] !== undefined) {
    const bytes = typeof fields["base64"] === "string" ? fromBase64(fields["base64"]) : undefined;
    need(bytes !== undefined, '"base64" must be base64');
    row.bytes = bytes;
  }
  need(kind !== "text" || row.text !== undefined, 'a text message needs "text"');
  need(kind !== "binary" || row.bytes !== undefined, 'a binary message needs "base64"');
  if (code !== undefined) {
    need(typeof code === "number" && Number.isInteger(code) && code >= 0 && code <= 65_535, '"code" must be a whole number up to 65535');
    row.code = code;
  }
  if (reason !== undefined) {
    need(typeof reason === "string", '"reason" must be a text');
    row.reason = reason;
  }
  if (detail !== undefined) {
    const kept = detailOf(detail);
    if (kept !== undefined) {
      row.detail = kept;
    }
  }
  return row;
}

/** The row of one line; `number` is for the error. */
export function fromLine(line: string, number: number): NewRow {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    throw new FileError(`line ${number} is not JSON: ${JSON.stringify(line.slice(0, 40))}${line.length > 40 ? "…" : ""}`);
  }
  try {
    return rowOf(value);
  } catch (error) {
    throw new FileError(`line ${number}: ${error instanceof Error ? error.message : String(error)}`);
  }
}
