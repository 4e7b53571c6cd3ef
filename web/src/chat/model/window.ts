// Which rows of a long list are in the document: a bounded piece that moves with the scrolling.

/** Rows from `start` up to, not including, `end`. */
export interface Piece {
  start: number;
  end: number;
}

/** Rows in the document at most, and how many more at once. */
export const MOST = 240;
export const STEP = 80;

/** The newest. It begins at a step, so that it does not move with every message. */
export function atEnd(total: number): Piece {
  const start = Math.max(0, total - (MOST - STEP));
  return { start: start - (start % STEP), end: total };
}

export function upwards({ start, end }: Piece): Piece {
  const next = Math.max(0, start - STEP);
  return { start: next, end: Math.min(end, next + MOST) };
}

export function downwards({ start, end }: Piece, total: number): Piece {
  const next = Math.min(total, end + STEP);
  return { start: Math.max(start, next - MOST), end: next };
}

/** The piece after the list has changed: `added` rows came above it; it follows the end if that was in it, and there is room. */
export function moved({ start, end }: Piece, added: number, before: number, total: number): Piece {
  const wasAtEnd = end >= before;
  const next = { start: Math.max(0, start + added), end: Math.min(total, Math.max(0, end + added)) };
  return wasAtEnd ? { start: Math.min(next.start, total), end: Math.min(total, Math.max(next.end, next.start + MOST)) } : next;
}
