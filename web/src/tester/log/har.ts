// Rows as HAR 1.2 with `_webSocketMessages`, the way Chrome's developer tools write it; and back.
import type { Kind, NewRow, Row } from "../model.ts";
import { base64, fromBase64 } from "../../ui/base64.ts";
import { JsonError, lineOf, readJson } from "./json.ts";
import { FileError, detailOf, isObject, plain, rowOf } from "./ndjson.ts";
import { isMessage } from "./store.ts";

/** One connection: what comes from a `connecting` up to the next. */
interface Connection {
  url: string;
  startedAt: number;
  rows: Row[];
}

const NO_URL = "ws://unknown.invalid/";

function urlOf(row: Row): string {
  const url = row.detail?.["url"];
  return typeof url === "string" ? url : (/\bwss?:\/\/[^\s"'<>]+/i.exec(row.text ?? "")?.[0] ?? NO_URL);
}

function connections(rows: Iterable<Row>): Connection[] {
  const found: Connection[] = [];
  for (const row of rows) {
    if (row.kind === "connecting" || found.length === 0) {
      found.push({ url: row.kind === "connecting" ? urlOf(row) : NO_URL, startedAt: row.at, rows: [] });
    }
    found.at(-1)?.rows.push(row);
  }
  return found;
}

const iso = (at: number) => (Math.abs(at) <= 8.64e15 ? new Date(at).toISOString() : new Date(0).toISOString());

const isMoved = (row: Row) => isMessage(row) && row.way !== "event";

/** A message as Chrome writes it: `time` in seconds, binary data as base64. */
function message(row: Row): string {
  return JSON.stringify({
    type: row.way === "out" ? "send" : "receive",
    time: row.at / 1000,
    opcode: row.kind === "binary" ? 2 : 1,
    data: row.kind === "binary" ? base64(row.bytes ?? new Uint8Array()) : (row.text ?? ""),
    ...(row.detail === undefined ? {} : { _detail: row.detail }),
  });
}

function entryHead({ url, startedAt, rows }: Connection): string {
  const opened = rows.some((row) => row.kind === "open" || isMoved(row));
  const head = JSON.stringify({
    startedDateTime: iso(startedAt),
    time: Math.max(0, (rows.at(-1)?.at ?? startedAt) - startedAt),
    request: { method: "GET", url, httpVersion: "HTTP/1.1", headers: [], queryString: [], cookies: [], headersSize: -1, bodySize: 0 },
    response: {
      status: opened ? 101 : 0, statusText: opened ? "Switching Protocols" : "", httpVersion: "HTTP/1.1", headers: [], cookies: [],
      content: { size: 0, mimeType: "x-unknown" }, redirectURL: "", headersSize: -1, bodySize: -1,
    },
    cache: {},
    timings: { blocked: -1, dns: -1, connect: -1, ssl: -1, send: 0, wait: 0, receive: 0 },
    _resourceType: "websocket",
  });
  return head.slice(0, -1);
}

/** The file in portions. What Chrome has no place for (what happened to the connection) is in `_tidewireEvents`. */
export function* toHar(rows: Iterable<Row>): Generator<string> {
  yield '{"log":{"version":"1.2","creator":{"name":"Tidewire tester","version":"1"},"pages":[],"entries":[';
  let between = "";
  for (const connection of connections(rows)) {
    yield `${between}${entryHead(connection)},"_webSocketMessages":[`;
    between = ",\n";
    const events: string[] = [];
    let messages = 0;
    for (const row of connection.rows) {
      if (isMoved(row)) {
        yield `${messages === 0 ? "" : ",\n"}${message(row)}`;
        messages += 1;
      } else {
        events.push(JSON.stringify({ ...plain(row), after: messages }));
      }
    }
    yield `],"_tidewireEvents":[${events.join(",\n")}]}`;
  }
  yield "]}}\n";
}

const OPCODES: Record<number, Kind> = { 0: "frame", 1: "text", 2: "binary", 8: "frame", 9: "ping", 10: "pong" };

/** A message of a file, Chrome's or ours. */
function messageRow(value: unknown): NewRow {
  if (!isObject(value)) {
    throw new FileError("must be an object");
  }
  const { type, time, opcode, data } = value;
  if (typeof time !== "number" || !Number.isFinite(time) || Math.abs(time) > 8.64e12) {
    throw new FileError('"time" must be seconds since 1970');
  }
  if (typeof data !== "string") {
    throw new FileError('"data" must be a text');
  }
  // Seconds as a fraction lose the last digits: a thousandth of a millisecond is enough.
  const at = Math.round(time * 1e6) / 1e3;
  if (type === "error") {
    return { at, way: "event", kind: "error", text: data };
  }
  if (type !== "send" && type !== "receive") {
    throw new FileError('"type" must be "send", "receive" or "error"');
  }
  const kind = typeof opcode === "number" ? OPCODES[opcode] : undefined;
  if (kind === undefined) {
    throw new FileError('"opcode" must be 1 (text) or 2 (binary)');
  }
  const row: NewRow = { at, way: type === "send" ? "out" : "in", kind };
  const bytes = kind === "text" ? undefined : fromBase64(data);
  if (kind === "binary" && bytes === undefined) {
    throw new FileError('"data" of a binary message must be base64');
  }
  if (bytes === undefined) {
    row.text = data;
  } else {
    row.bytes = bytes;
  }
  const detail = value["_detail"] === undefined ? undefined : detailOf(value["_detail"]);
  return detail === undefined ? row : { ...row, detail };
}

/** Says where in the file something is wrong. */
function within<T>(where: string, run: () => T): T {
  try {
    return run();
  } catch (error) {
    throw new FileError(`${where}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

const listOf = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);

function entryRows(entry: Record<string, unknown>, where: string): NewRow[] {
  const events = listOf(entry["_tidewireEvents"]).map((event, index) => ({
    row: within(`${where}, event ${index + 1}`, () => rowOf(event)),
    after: isObject(event) && typeof event["after"] === "number" ? event["after"] : 0,
  }));
  const rows: NewRow[] = events.length === 0 ? opening(entry) : [];
  let next = 0;
  const flush = (before: number) => {
    for (let event = events[next]; event !== undefined && event.after <= before; event = events[next]) {
      rows.push(event.row);
      next += 1;
    }
  };
  listOf(entry["_webSocketMessages"]).forEach((value, index) => {
    flush(index);
    rows.push(within(`${where}, message ${index + 1}`, () => messageRow(value)));
  });
  flush(Infinity);
  return rows;
}

/** Of a file that is not ours: where the messages went. */
function opening(entry: Record<string, unknown>): NewRow[] {
  const request = isObject(entry["request"]) ? entry["request"] : {};
  const url = typeof request["url"] === "string" ? request["url"] : NO_URL;
  const started = typeof entry["startedDateTime"] === "string" ? Date.parse(entry["startedDateTime"]) : NaN;
  return Number.isFinite(started) ? [{ at: started, way: "event", kind: "connecting", text: `Connecting to ${url}`, detail: { url } }] : [];
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    try {
      readJson(text);
    } catch (error) {
      if (error instanceof JsonError) {
        throw new FileError(`line ${lineOf(text, error.at)} is not JSON: ${error.message}`);
      }
    }
    throw new FileError("not JSON");
  }
}

/** The rows of all WebSocket entries, in order of time. */
export function fromHar(text: string): NewRow[] {
  const file = parse(text);
  const log = isObject(file) && isObject(file["log"]) ? file["log"] : undefined;
  if (log === undefined || !Array.isArray(log["entries"])) {
    throw new FileError('not a HAR file: "log" with "entries" is missing');
  }
  const rows: NewRow[] = [];
  let sockets = 0;
  log["entries"].forEach((entry: unknown, index) => {
    if (isObject(entry) && (Array.isArray(entry["_webSocketMessages"]) || Array.isArray(entry["_tidewireEvents"]))) {
      sockets += 1;
      for (const row of entryRows(entry, `entry ${index + 1}`)) {
        rows.push(row);
      }
    }
  });
  if (sockets === 0) {
    throw new FileError("the file holds no WebSocket messages. In Chrome: reload with the Network panel open, then save all as HAR");
  }
  return rows.sort((left, right) => (left.at ?? 0) - (right.at ?? 0));
}
