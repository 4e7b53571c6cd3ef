// The time of rows: with parts of a millisecond, and right again after a sleep or a change of the system's clock.

/** Below this, the fine clock is believed; above, the machine slept or its clock was set. */
const JUMP_MS = 250;

/** `fine`: ms since 1970 by a clock that only runs on; `system`: by the one that people set. */
export function wallClock(fine: () => number, system: () => number): () => number {
  let shift = 0;
  return () => {
    const at = fine() + shift;
    const off = system() - at;
    if (Math.abs(off) < JUMP_MS) {
      return at;
    }
    shift += off;
    return at + off;
  };
}

/** ms since 1970, now. */
export const now = wallClock(() => performance.timeOrigin + performance.now(), () => Date.now());
