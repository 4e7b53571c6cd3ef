// The rows of the tester's log: numbered, counted, bounded in number and bytes.
import type { NewRow, Row } from "../model.ts";
import { Rates } from "./rates.ts";
import { now } from "./wall-clock.ts";

export interface Bounds {
  rows: number;
  bytes: number;
}

export const BOUNDS: Bounds = { rows: 100_000, bytes: 256 * 1024 * 1024 };

/** Counts of what came in since the log was last cleared, dropped rows too. */
export interface Counts {
  in: number;
  out: number;
  bytesIn: number;
  bytesOut: number;
}

const none = (): Counts => ({ in: 0, out: 0, bytesIn: 0, bytesOut: 0 });

/** Bytes of a text in UTF-8, without making them. */
export function utf8Length(text: string): number {
  let bytes = text.length;
  for (let index = 0; index < text.length; index += 1) {
    const unit = text.charCodeAt(index);
    if (unit > 0x7ff) {
      // Two halves of a pair make four bytes together; one alone is replaced by three.
      bytes += unit >= 0xd800 && unit <= 0xdbff && isLow(text.charCodeAt(index + 1)) ? (index += 1, 2) : 2;
    } else if (unit > 0x7f) {
      bytes += 1;
    }
  }
  return bytes;
}

const isLow = (unit: number) => unit >= 0xdc00 && unit <= 0xdfff;

export const isMessage = (row: NewRow): boolean => row.kind === "text" || row.kind === "binary";

function sizeOf(row: NewRow): number {
  if (row.way === "event") {
    return 0;
  }
  if (!isMessage(row)) {
    // Their text is a sentence about them; a frame says how long it was on the wire.
    return Number(row.detail?.["wire"] ?? 0);
  }
  return row.bytes?.byteLength ?? utf8Length(row.text ?? "");
}

/** What a row takes, roughly: its payload, or the words about it. */
function costOf(row: Row): number {
  let cost = row.size > 0 ? row.size : (row.text?.length ?? 0);
  for (const [name, value] of Object.entries(row.detail ?? {})) {
    cost += name.length + String(value).length;
  }
  return cost + (row.reason?.length ?? 0);
}

export class Log {
  readonly rates = new Rates();
  counts = none();
  /** Rows that were dropped because newer ones needed their place. */
  dropped = 0;
  /** Another number whenever rows left or came back otherwise than by dropping the oldest. */
  epoch = 0;
  #bytes = 0;
  #rows: Row[] = [];
  #next = 1;
  #cleared: { rows: Row[]; counts: Counts; dropped: number } | undefined;
  readonly #bounds: Bounds;
  readonly #heard = new Set<() => void>();

  constructor(bounds: Bounds = BOUNDS) {
    this.#bounds = bounds;
  }

  get length(): number {
    return this.#rows.length;
  }

  /** The rows as they are now, oldest first; their ids follow each other without a gap. */
  rows(): readonly Row[] {
    return this.#rows;
  }

  /** Bytes of what is kept. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Of the newest row there ever was; 0 before the first. */
  get lastId(): number {
    return this.#next - 1;
  }

  get bounds(): Bounds {
    return this.#bounds;
  }

  /** The row with this id, if it is still kept. */
  find(id: number): Row | undefined {
    const first = this.#rows[0];
    return first === undefined ? undefined : this.#rows[id - first.id];
  }

  add(row: NewRow): Row {
    const added = this.#append(row);
    if (isMessage(added) && added.way !== "event") {
      this.rates.count(added.at, added.size);
    }
    this.#trim();
    this.#tell();
    return added;
  }

  /** Rows of a file: they are counted, but they are no traffic of now. */
  addAll(rows: readonly NewRow[]): void {
    for (const row of rows) {
      this.#append(row);
    }
    this.#trim();
    this.#tell();
  }

  /** Empties the log; `undo` brings the rows back until `forget`. */
  clear(): void {
    if (this.#rows.length > 0) {
      this.#cleared = { rows: this.#rows, counts: this.counts, dropped: this.dropped };
    }
    this.#rows = [];
    this.epoch += 1;
    this.#bytes = 0;
    this.counts = none();
    this.dropped = 0;
    this.#tell();
  }

  /** How many rows `undo` would bring back. */
  get undoable(): number {
    return this.#cleared?.rows.length ?? 0;
  }

  /** Takes the last `clear` back; what came since stays, after it. */
  undo(): void {
    const before = this.#cleared;
    if (before === undefined) {
      return;
    }
    this.#cleared = undefined;
    this.epoch += 1;
    this.#rows = [...before.rows, ...this.#rows];
    this.#bytes += before.rows.reduce((sum, row) => sum + costOf(row), 0);
    this.dropped += before.dropped;
    for (const name of ["in", "out", "bytesIn", "bytesOut"] as const) {
      this.counts[name] += before.counts[name];
    }
    this.#trim();
    this.#tell();
  }

  /** Lets go of what `clear` took away. */
  forget(): void {
    if (this.#cleared !== undefined) {
      this.#cleared = undefined;
      this.#tell();
    }
  }

  /** Calls `heard` after each change; gives how to stop. */
  onChange(heard: () => void): () => void {
    this.#heard.add(heard);
    return () => this.#heard.delete(heard);
  }

  #append(row: NewRow): Row {
    const at = row.at ?? now();
    const added: Row = { ...row, id: this.#next, at, size: sizeOf(row) };
    this.#next += 1;
    this.#rows.push(added);
    this.#bytes += costOf(added);
    if (isMessage(added) && added.way !== "event") {
      this.counts[added.way] += 1;
      this.counts[added.way === "in" ? "bytesIn" : "bytesOut"] += added.size;
    }
    return added;
  }

  /** Drops the oldest, a hundredth at once so that a stream does not move all rows for each one; the newest always stays. */
  #trim(): void {
    const { rows, bytes } = this.#bounds;
    if (this.#rows.length <= rows && this.#bytes <= bytes) {
      return;
    }
    const least = this.#rows.length > rows ? this.#rows.length - rows + Math.floor(rows / 100) : 0;
    const most = this.#bytes > bytes ? bytes * 0.99 : bytes;
    let gone = 0;
    while (gone < this.#rows.length - 1 && (gone < least || this.#bytes > most)) {
      this.#bytes -= costOf(this.#rows[gone]!);
      gone += 1;
    }
    this.#rows.splice(0, gone);
    this.dropped += gone;
    // What was cleared before is older still; and without these rows its ids would leave a gap.
    this.#cleared = undefined;
  }

  #tell(): void {
    for (const heard of this.#heard) {
      heard();
    }
  }
}
