// The rows of the log: groups by person, a line where a day begins, and where what is new begins.
import type { Entry, Pending, Said } from "./timeline.ts";

export interface MessageRow {
  kind: "message";
  id: string;
  item: Said | Pending;
  /** Goes on where the one above ended: neither name nor picture again. */
  follows: boolean;
  isOwn: boolean;
  /** The last of its group, or on its way: its state is told. */
  tells: boolean;
}
export type Row = MessageRow | { kind: "day"; id: string; at: number } | { kind: "new"; id: string } | { kind: "note"; id: string; text: string } | { kind: "gap"; id: string };

const GROUP = 5 * 60_000;

export const midnight = (at: number): number => new Date(at).setHours(0, 0, 0, 0);

/** `unread`: the id of the first entry that nobody has looked at. `mine`: whose messages are one's own; a guest that the hub forgot is another. */
export function rowsOf(entries: readonly Entry[], pending: readonly Pending[], mine: ReadonlySet<string>, unread: string | undefined): Row[] {
  const rows: Row[] = [];
  /** The day of the row above: its first moment, and that of the next. */
  let day = NaN;
  let next = NaN;
  let last: MessageRow | undefined;
  const all: readonly (Entry | Pending)[] = [...entries, ...pending];
  for (const item of all) {
    if (item.kind === "note" || item.kind === "gap") {
      rows.push(item.kind === "note" ? { kind: "note", id: item.id, text: item.text } : { kind: "gap", id: item.id });
      last = undefined;
      continue;
    }
    if (!(item.at >= day && item.at < next)) {
      day = midnight(item.at);
      next = new Date(day).setDate(new Date(day).getDate() + 1);
      rows.push({ kind: "day", id: `day ${item.id}`, at: item.at });
      last = undefined;
    }
    if (item.id === unread) {
      rows.push({ kind: "new", id: "new" });
      last = undefined;
    }
    const isOwn = item.kind === "pending" || item.isSent === true || mine.has(item.person);
    const follows = last !== undefined && isSame(last, item, isOwn);
    const row: MessageRow = { kind: "message", id: item.id, item, follows, isOwn, tells: true };
    if (follows && last !== undefined && isTold(last.item, item)) {
      last.tells = false;
    }
    rows.push(row);
    last = row;
  }
  return rows;
}

/** Whether the state of the first is told by that of the second, below it. */
function isTold(first: Said | Pending, second: Said | Pending): boolean {
  if (first.kind === "message" || second.kind === "message") {
    return first.kind === second.kind;
  }
  const state = first.progress.state;
  return state === second.progress.state && (state === "sending" || state === "kept");
}

function isSame(last: MessageRow, item: Said | Pending, isOwn: boolean): boolean {
  const who = (one: Said | Pending) => (one.kind === "pending" ? undefined : `${one.person} ${one.from.name} ${one.content.kind === "text" ? (one.content.claim ?? "") : ""}`);
  const sameOne = isOwn ? last.isOwn : !last.isOwn && who(last.item) === who(item);
  return sameOne && item.at - last.item.at < GROUP;
}

/** Today, yesterday, or the day with its name, in the language. */
export function dayText(at: number, now: number, tag: string): string {
  const days = Math.round((midnight(at) - midnight(now)) / 86_400_000);
  if (days === 0 || days === -1) {
    const word = new Intl.RelativeTimeFormat(tag, { numeric: "auto" }).format(days, "day");
    return word.charAt(0).toLocaleUpperCase(tag) + word.slice(1);
  }
  return new Intl.DateTimeFormat(tag, { weekday: "long", day: "numeric", month: "long", year: "numeric" }).format(at);
}
