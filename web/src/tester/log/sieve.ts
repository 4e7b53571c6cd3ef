// Keeps the list of rows that are shown: the log's, less what the filter holds back, up to where it was paused.
// Works in slices: `work` goes on for a few milliseconds, and is called again in the next frame.
import type { Row } from "../model.ts";
import { type Filter, type FilterError, type Judge, NO_FILTER, compileFilter, textOf } from "./filter.ts";
import { type Matcher, type StartMatcher, startMatcher } from "./matcher.ts";
import type { Log } from "./store.ts";

/** What the worker is given at once, and how much of one row. */
const PORTION_ROWS = 2000;
const PORTION_CHARS = 4 * 1024 * 1024;
const LONGEST = 1024 * 1024;

export class Sieve {
  /** The rows to show, oldest first. The array is another one whenever the list began anew. */
  shown: Row[] = [];
  /** How many were taken from the front since the list began: how far a view that stays must move. */
  removed = 0;
  error: FilterError | undefined;
  filter: Filter = NO_FILTER;
  readonly #log: Log;
  readonly #changed: () => void;
  readonly #start: StartMatcher;
  #judge: Judge = { test: () => true };
  #matcher: Matcher | undefined;
  #asking = false;
  #portion: Row[] = [];
  #seen = 0;
  #heldAt: number | undefined;
  #epoch: number;

  /** `changed`: an answer came from elsewhere, so `work` has something to do. */
  constructor(log: Log, changed: () => void, start: StartMatcher = startMatcher) {
    this.#log = log;
    this.#changed = changed;
    this.#start = start;
    this.#epoch = log.epoch;
  }

  /** Shows by another filter, from the first row on. A wrong one shows nothing new, and says why. */
  set(filter: Filter): void {
    this.filter = filter;
    const judge = compileFilter(filter);
    if ("field" in judge) {
      this.error = judge;
      return;
    }
    this.#judge = judge;
    this.error = undefined;
    this.#begin();
  }

  /** Pause: newer rows wait, and are kept. */
  hold(on: boolean): void {
    this.#heldAt = on ? this.#log.lastId : undefined;
  }

  get held(): boolean {
    return this.#heldAt !== undefined;
  }

  /** Rows that wait because of the pause. */
  get waiting(): number {
    return this.#heldAt === undefined ? 0 : Math.min(this.#log.length, this.#log.lastId - this.#heldAt);
  }

  /** Whether there are rows that were not judged yet. */
  get busy(): boolean {
    return this.error === undefined && (this.#asking || this.#portion.length > 0 || this.#seen < this.#end);
  }

  get #end(): number {
    return this.#heldAt ?? this.#log.lastId;
  }

  /** Goes on until `until` (as `now` tells it); true when there is more to do at once. */
  work(until: number, now: () => number = () => performance.now()): boolean {
    if (this.#epoch !== this.#log.epoch) {
      this.#begin();
    }
    this.#prune();
    if (this.error !== undefined || this.#asking) {
      return false;
    }
    this.#seen = Math.max(this.#seen, (this.#log.rows()[0]?.id ?? this.#log.lastId + 1) - 1);
    let units = 0;
    let chars = 0;
    while (this.#seen < this.#end) {
      const row = this.#log.find(this.#seen + 1);
      this.#seen += 1;
      if (row === undefined) {
        continue;
      }
      if (this.#judge.test(row)) {
        (this.#judge.expression === undefined ? this.shown : this.#portion).push(row);
        chars += row.size;
      }
      units += 1 + (row.size >> 9);
      if (units > 64) {
        units = 0;
        if (this.#portion.length >= PORTION_ROWS || chars >= PORTION_CHARS || now() >= until) {
          break;
        }
      }
    }
    if (this.#portion.length > 0) {
      this.#ask();
      return false;
    }
    return this.#seen < this.#end;
  }

  stop(): void {
    this.#matcher?.stop();
    this.#matcher = undefined;
    this.#asking = false;
  }

  #begin(): void {
    this.stop();
    this.#epoch = this.#log.epoch;
    this.#portion = [];
    this.#seen = 0;
    this.shown = [];
    this.removed = 0;
  }

  /** Takes out what the log has dropped. */
  #prune(): void {
    const first = this.#log.rows()[0]?.id ?? Infinity;
    const gone = indexFrom(this.shown, first);
    if (gone > 0) {
      this.shown.splice(0, gone);
      this.removed += gone;
    }
  }

  #ask(): void {
    const { expression } = this.#judge;
    if (expression === undefined) {
      return;
    }
    const portion = this.#portion;
    const matcher = this.#begun(expression);
    if (matcher === undefined) {
      return;
    }
    this.#portion = [];
    this.#asking = true;
    const texts = portion.map((row) => textOf(row).slice(0, LONGEST));
    matcher.match(texts).then((hits) => {
      if (matcher === this.#matcher) {
        this.#asking = false;
        const add = portion.filter((_, index) => hits[index]);
        for (const row of add) {
          this.shown.push(row);
        }
        this.#changed();
      }
    }, (error: unknown) => this.#refused(matcher, error));
  }

  #begun(expression: { source: string; flags: string }): Matcher | undefined {
    try {
      this.#matcher ??= this.#start(expression);
    } catch (error) {
      this.#portion = [];
      this.#refused(undefined, error);
    }
    return this.#matcher;
  }

  #refused(matcher: Matcher | undefined, error: unknown): void {
    if (matcher === this.#matcher) {
      this.stop();
      this.error = { field: "text", message: error instanceof Error ? error.message : String(error) };
      this.#changed();
    }
  }
}

/** Where rows with this id, or later ones, begin in a list in order of ids. */
export function indexFrom(rows: readonly { id: number }[], id: number): number {
  let low = 0;
  let high = rows.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (rows[middle]!.id < id) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}
