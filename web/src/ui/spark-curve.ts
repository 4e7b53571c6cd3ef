// Where the points of a sparkline are, in a box of 100 by 28.

/** `room`: how many values fill the width. The highest touches the top; nothing but zeros is a line at the bottom. */
export function curve(values: readonly number[], room: number): string {
  const shown = values.slice(-room);
  const most = Math.max(1, ...shown);
  const step = 100 / Math.max(1, room - 1);
  const begin = 100 - step * (shown.length - 1);
  return shown.length < 2 ? "" : shown.map((value, at) => `${round(begin + at * step)},${round(26 - (24 * Math.max(0, value)) / most)}`).join(" ");
}

const round = (value: number): number => Math.round(value * 100) / 100;
