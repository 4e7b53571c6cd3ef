// Sends again and again: every so many ms, so many times, until stopped.

export interface Repeating {
  sent: number;
  /** 0: until stopped. */
  times: number;
}

/** A timer that waits longer would not wait at all. */
const LONGEST_MS = 3_600_000;
/** No more is put into a queue that holds so much already: it is memory. */
const MOST_QUEUED = 64 * 1024 * 1024;

/** `send` says whether it could; if not, the repeating ends. `told`: undefined when it is over. */
export class Repeater {
  #timer: ReturnType<typeof setTimeout> | undefined;
  #sent = 0;

  constructor(private readonly send: () => boolean, private readonly told: (state: Repeating | undefined) => void, private readonly queued: () => number = () => 0) {}

  start(every: number, times: number): void {
    this.stop();
    this.#sent = 0;
    this.#step(Math.min(LONGEST_MS, Math.max(1, every)), times, performance.now());
  }

  stop(): void {
    if (this.#timer !== undefined) {
      clearTimeout(this.#timer);
      this.#timer = undefined;
      this.told(undefined);
    }
  }

  /** Each step has its due time from the first, so that the rate does not drift. */
  #step(every: number, times: number, began: number): void {
    this.#timer = undefined;
    if (this.queued() > MOST_QUEUED) {
      this.#timer = setTimeout(() => this.#step(every, times, began), 50);
      return;
    }
    if (!this.send()) {
      this.told(undefined);
      return;
    }
    this.#sent++;
    if (times > 0 && this.#sent >= times) {
      this.told(undefined);
      return;
    }
    this.told({ sent: this.#sent, times });
    const late = performance.now() - (began + this.#sent * every);
    // After a sleep nothing is made up for: the count goes on from now.
    const start = late > 1000 ? began + late : began;
    this.#timer = setTimeout(() => this.#step(every, times, start), Math.max(0, -late));
  }
}
