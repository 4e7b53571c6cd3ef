// Sends rows of a log again, with the pauses that were between them.
import type { Row } from "../model.ts";

export interface Replaying {
  sent: number;
  of: number;
}

/** Longer pauses are cut to this. */
const LONGEST_PAUSE = 10_000;

/** The messages that were sent to the server, and how long to wait before each. */
export function planOf(rows: readonly Row[]): { wait: number; payload: string | Uint8Array }[] {
  let before: number | undefined;
  const steps: { wait: number; payload: string | Uint8Array }[] = [];
  for (const { way, kind, text, bytes, at } of rows) {
    const payload = kind === "text" ? text : kind === "binary" ? bytes : undefined;
    if (way === "out" && payload !== undefined) {
      steps.push({ wait: before === undefined ? 0 : Math.min(LONGEST_PAUSE, Math.max(0, at - before)), payload });
      before = at;
    }
  }
  return steps;
}

export class Replayer {
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly send: (payload: string | Uint8Array) => boolean, private readonly told: (state: Replaying | undefined) => void) {}

  /** How many messages it will send. */
  start(rows: readonly Row[]): number {
    this.stop();
    const steps = planOf(rows);
    const step = (index: number) => {
      const next = steps[index];
      if (next === undefined) {
        this.#timer = undefined;
        this.told(undefined);
        return;
      }
      this.told({ sent: index, of: steps.length });
      this.#timer = setTimeout(() => (this.send(next.payload) ? step(index + 1) : this.stop()), next.wait);
    };
    step(0);
    return steps.length;
  }

  stop(): void {
    if (this.#timer !== undefined) {
      clearTimeout(this.#timer);
      this.#timer = undefined;
      this.told(undefined);
    }
  }
}
