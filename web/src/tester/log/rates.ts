// Messages and bytes in each of the last 60 seconds.

export interface Second {
  messages: number;
  bytes: number;
}

export const SECONDS = 60;

/** A ring of seconds; those that passed without a message count as zero. */
export class Rates {
  readonly #ring: { second: number; messages: number; bytes: number }[] = Array.from(
    { length: SECONDS + 1 },
    () => ({ second: -1, messages: 0, bytes: 0 }),
  );

  /** Counts a message of `at` (ms since 1970). */
  count(at: number, bytes: number): void {
    const second = Math.floor(at / 1000);
    const place = this.#ring[((second % this.#ring.length) + this.#ring.length) % this.#ring.length];
    if (place === undefined) {
      return;
    }
    // Also when it is an earlier one: the system's clock was set back.
    if (place.second !== second) {
      place.second = second;
      place.messages = 0;
      place.bytes = 0;
    }
    place.messages += 1;
    place.bytes += bytes;
  }

  /** The last 60 whole seconds before `now`, oldest first. */
  last(now: number): Second[] {
    const present = Math.floor(now / 1000);
    return Array.from({ length: SECONDS }, (_, index) => {
      const second = present - SECONDS + index;
      const place = this.#ring[second % this.#ring.length];
      return place?.second === second ? { messages: place.messages, bytes: place.bytes } : { messages: 0, bytes: 0 };
    });
  }
}

/** Per second, over the newest `span` of them. */
export function mean(seconds: readonly Second[], span = 3): Second {
  const newest = seconds.slice(-span);
  const sum = newest.reduce((all, one) => ({ messages: all.messages + one.messages, bytes: all.bytes + one.bytes }), { messages: 0, bytes: 0 });
  return { messages: sum.messages / Math.max(1, newest.length), bytes: sum.bytes / Math.max(1, newest.length) };
}
