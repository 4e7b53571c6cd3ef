// How long to wait before the next attempt: at random, below a bound that doubles.
export interface Bounds {
  min: number;
  max: number;
}

/** No timer is set for longer: a hub's word alone does not put a client to sleep for a day. */
const LONGEST = 3_600_000;

/** The pause before attempt `tries` (from 0), in ms; `asked`: the least that the hub asked for. */
export function pause({ min, max }: Bounds, tries: number, asked?: number): number {
  const part = asked === undefined ? Math.min(max, min * 2 ** tries) : Math.max(min, asked / 2);
  return Math.min(LONGEST, (asked ?? 0) + part * Math.random());
}
