// Round trips through the server's echo: marked texts, and how long they took to come back.

export interface Figures {
  count: number;
  lost: number;
  min: number;
  max: number;
  p50: number;
  p95: number;
}

const KEPT = 100;
/** Later than this, a text is taken as not echoed. */
export const LATE_MS = 5_000;
const MARK = "tidewire-rtt";

/** The share `q` (0 to 1) of the values is at most this (nearest rank). */
export function quantile(sorted: readonly number[], q: number): number {
  return sorted[Math.max(0, Math.ceil(sorted.length * q) - 1)] ?? Number.NaN;
}

export class EchoMeter {
  #waiting = new Map<number, number>();
  #took: number[] = [];
  #next = 1;
  #lost = 0;
  #streak = 0;

  /** `nonce` tells this meter's texts from another's in the same room. */
  constructor(private readonly nonce: string) {}

  /** The next text to send. */
  mark(now: number): string {
    const number = this.#next++;
    this.#waiting.set(number, now);
    return `${MARK} ${this.nonce} ${number};`;
  }

  /** Whether a text that arrived is one of ours; servers may put something around it. */
  heard(text: string, now: number): boolean {
    const from = text.indexOf(`${MARK} ${this.nonce} `);
    if (from < 0) {
      return false;
    }
    const number = Number(/^\d{1,15}(?=;)/.exec(text.slice(from + MARK.length + this.nonce.length + 2))?.[0]);
    const sent = this.#waiting.get(number);
    if (sent === undefined) {
      return false;
    }
    this.#waiting.delete(number);
    this.#took.push(now - sent);
    this.#took.splice(0, this.#took.length - KEPT);
    this.#streak = 0;
    return true;
  }

  /** Forgets what did not come back in time. */
  sweep(now: number): void {
    for (const [number, sent] of this.#waiting) {
      if (now - sent > LATE_MS) {
        this.#waiting.delete(number);
        this.#lost++;
        this.#streak++;
      }
    }
  }

  /** Nothing comes back: the server is no echo. */
  get silent(): boolean {
    return this.#streak > 0 && this.#took.length === 0;
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  figures(): Figures {
    const sorted = [...this.#took].sort((a, b) => a - b);
    return {
      count: sorted.length,
      lost: this.#lost,
      min: sorted[0] ?? Number.NaN,
      max: sorted.at(-1) ?? Number.NaN,
      p50: quantile(sorted, 0.5),
      p95: quantile(sorted, 0.95),
    };
  }
}

/** "0.42 ms", "12 ms". */
export const milliseconds = (value: number): string =>
  Number.isNaN(value) ? "–" : `${value < 10 ? value.toFixed(2) : value < 100 ? value.toFixed(1) : Math.round(value)} ms`;
