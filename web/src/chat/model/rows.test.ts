// Grouping, days, and the mark of what is new.
import { expect, test } from "vitest";
import { dayText, rowsOf } from "./rows.ts";
import type { Entry, Pending, Said } from "./timeline.ts";

const day = new Date(2026, 4, 10, 12).getTime();
const said = (id: string, person: string, at: number, more: Partial<Said> = {}): Said => ({ kind: "message", id, at, person, from: { client: person }, content: { kind: "text", text: id }, ...more });
const sending = (id: string, at: number): Pending => ({ kind: "pending", id, key: id, at, content: { kind: "text", text: id }, progress: { state: "sending" } });
const show = (entries: Entry[], pending: Pending[] = [], unread?: string) =>
  rowsOf(entries, pending, new Set(["me"]), unread).map((row) => (row.kind === "message" ? `${row.isOwn ? ">" : ""}${row.follows ? "+" : ""}${row.id}${row.tells ? "" : "-"}` : row.kind));

test("messages of one person close to each other are a group", () => {
  expect(show([said("a", "x", day), said("b", "x", day + 1_000), said("c", "y", day + 2_000), said("d", "x", day + 3_000), said("e", "x", day + 400_000)]))
    .toEqual(["day", "a-", "+b", "c", "d", "e"]);
});

test("a claim, or another name, begins a group", () => {
  expect(show([said("a", "x", day), said("b", "x", day, { content: { kind: "text", text: "b", claim: "Admin" } }), said("c", "x", day, { from: { client: "x", name: "New" } })]))
    .toEqual(["day", "a", "b", "c"]);
});

test("a text and an image of one person are a group", () => {
  expect(show([said("a", "x", day), said("b", "x", day, { content: { kind: "removed" } })])).toEqual(["day", "a-", "+b"]);
});

test("one's own, kept and pending, are one group; what is on its way tells", () => {
  expect(show([said("a", "me", day), said("b", "me", day)], [sending("c", day)])).toEqual(["day", ">a-", ">+b", ">+c"]);
});

test("of several on their way the last tells, but each that failed", () => {
  const failed = (id: string): Pending => ({ ...sending(id, day), progress: { state: "failed", why: "no" } });
  expect(show([], [failed("a"), failed("b"), sending("c", day), sending("d", day)])).toEqual(["day", ">a", ">+b", ">+c-", ">+d"]);
});

test("a new day, the mark, a gap and a note begin a group", () => {
  expect(show([said("a", "x", day), said("b", "x", day + 86_400_000), { kind: "gap", id: "g", at: 0 }, said("c", "x", day + 86_400_000), { kind: "note", id: "n", at: 0, text: "t" }, said("d", "x", day + 86_400_000)], [], "d"))
    .toEqual(["day", "a", "day", "b", "gap", "c", "note", "new", "d"]);
});

test("nobody is oneself before one is known", () => {
  expect(rowsOf([said("a", "", day)], [], new Set(), undefined)[1]).toMatchObject({ isOwn: false });
});

test("days have names", () => {
  expect(dayText(day, day, "en")).toBe("Today");
  expect(dayText(day - 86_400_000, day, "de")).toBe("Gestern");
  expect(dayText(day - 5 * 86_400_000, day, "en")).toBe("Tuesday, May 5, 2026");
  expect(dayText(day, day, "ar")).toBe("اليوم");
});
