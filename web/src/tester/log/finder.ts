// Finds a text in the shown rows, in slices, and steps from hit to hit. Apart from the filter: it hides nothing.
import type { Row } from "../model.ts";
import { contains, textOf } from "./filter.ts";
import { type Sieve, indexFrom } from "./sieve.ts";
import { literal } from "./visible.ts";

export class Finder {
  query = "";
  /** The pattern to mark, if something is searched for. */
  pattern: RegExp | undefined;
  /** Rows that hold the text, in order. */
  hits: Row[] = [];
  readonly #sieve: Sieve;
  #list: Row[] | undefined;
  #seen = 0;

  constructor(sieve: Sieve) {
    this.#sieve = sieve;
  }

  set(query: string): void {
    this.query = query;
    this.pattern = literal(query);
    this.#list = undefined;
  }

  get busy(): boolean {
    return this.pattern !== undefined && (this.#list !== this.#sieve.shown || this.#seen < (this.#sieve.shown.at(-1)?.id ?? 0));
  }

  /** Goes on until `until`; true when there is more to do. */
  work(until: number, now: () => number = () => performance.now()): boolean {
    const { shown } = this.#sieve;
    if (this.#list !== shown) {
      this.#list = shown;
      this.#seen = 0;
      this.hits = [];
    }
    if (this.pattern === undefined) {
      return false;
    }
    this.hits.splice(0, indexFrom(this.hits, shown[0]?.id ?? Infinity));
    let units = 0;
    for (let index = indexFrom(shown, this.#seen + 1); index < shown.length; index += 1) {
      const row = shown[index]!;
      this.#seen = row.id;
      if (contains(this.pattern, textOf(row))) {
        this.hits.push(row);
      }
      units += 1 + (row.size >> 9);
      if (units > 64) {
        units = 0;
        if (now() >= until) {
          break;
        }
      }
    }
    return this.busy;
  }

  /** The hit after (or before) a row, around the end; `from` 0: the first (or last). */
  step(from: number, way: 1 | -1): Row | undefined {
    if (this.hits.length === 0) {
      return undefined;
    }
    const place = way === 1 ? indexFrom(this.hits, from + 1) : indexFrom(this.hits, from === 0 ? Infinity : from) - 1;
    return this.hits[(place + this.hits.length) % this.hits.length];
  }

  /** The number of a row among the hits, from 1; 0 if it is none. */
  place(id: number): number {
    const index = indexFrom(this.hits, id);
    return this.hits[index]?.id === id ? index + 1 : 0;
  }
}
