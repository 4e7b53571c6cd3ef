// The arithmetic of a list of which only what is in sight is made: all rows have one height.
export interface Span {
  from: number;
  to: number;
}

/** Rows made above and below what is in sight, so that a scroll has something to show at once. */
export const SPARE = 8;

export function inSight(scrollTop: number, height: number, rowHeight: number, rows: number): Span {
  const from = Math.max(0, Math.min(rows, Math.floor(scrollTop / rowHeight) - SPARE));
  const to = Math.min(rows, Math.ceil((scrollTop + height) / rowHeight) + SPARE);
  return { from, to: Math.max(from, to) };
}

/** Where to scroll so that a row is in sight; nothing when it is. */
export function reveal(index: number, scrollTop: number, height: number, rowHeight: number): number | undefined {
  const top = index * rowHeight;
  if (top < scrollTop) {
    return top;
  }
  return top + rowHeight > scrollTop + height ? top + rowHeight - height : undefined;
}

/** The row that a key moves to, from `index` (-1: none yet); nothing for other keys. */
export function moved(key: string, index: number, rows: number, page: number): number | undefined {
  if (rows === 0) {
    return undefined;
  }
  const from = index < 0 ? rows : index;
  const step = { ArrowUp: -1, ArrowDown: 1, PageUp: -page, PageDown: page, Home: -Infinity, End: Infinity }[key];
  return step === undefined ? undefined : Math.max(0, Math.min(rows - 1, from + step));
}

/** Heights of a row by layout, the same as in log.css. */
export function rowHeight(narrow: boolean, wrap: boolean): number {
  return narrow ? (wrap ? 108 : 46) : wrap ? 86 : 26;
}
