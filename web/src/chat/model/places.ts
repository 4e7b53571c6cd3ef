// Where a chat keeps its things: two of one room on one page do not share.

const places = new Set<string>();

/** The place of that name, or the next that is free. */
export function take(wanted: string): string {
  let place = wanted;
  for (let n = 2; places.has(place); n += 1) {
    place = `${wanted} ${n}`;
  }
  places.add(place);
  return place;
}

export function leave(place: string): void {
  places.delete(place);
}
