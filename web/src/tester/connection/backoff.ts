// How long to wait before the next try: longer each time, and never all clients at once.

const FIRST = 500;
const LONGEST = 30_000;

/** A connection that held this long was good: the next wait is short again. */
export const HELD_MS = 5_000;

/** ms before try number `attempt` (from 1): half of the growing span for sure, the other half by chance. */
export function waitFor(attempt: number, random: () => number = Math.random): number {
  const span = Math.min(LONGEST, FIRST * 2 ** Math.min(Math.max(attempt, 1) - 1, 16));
  return Math.round(span / 2 + (random() * span) / 2);
}
