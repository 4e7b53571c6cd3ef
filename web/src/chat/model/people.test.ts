// Sessions are told as people, and a name cannot pretend.
import { expect, test } from "vitest";
import { en } from "../texts/en.ts";
import { changes, clean, fits, initials, isVerified, nameOf, peopleOf, personOf, toneOf } from "./people.ts";

test("a person is a user, else a guest; the two cannot be mistaken", () => {
  expect(personOf({ client: "c1", name: "Ann" })).toBe("c1");
  expect(personOf({ client: "c1", user: "c2" })).not.toBe(personOf({ client: "c2" }));
  expect(personOf(undefined)).toBe("");
});

test("who is verified is called by what was verified", () => {
  expect(nameOf({ user: "ann", name: "admin" }, en)).toBe("ann");
  expect(nameOf({ client: "abcdef" }, en)).toBe("guest abcd");
  expect(isVerified({ name: "ann" })).toBe(false);
});

test("what is not seen is taken out of names", () => {
  expect(clean("a\u202edmin\u200b\u0007")).toBe("admin");
  expect(clean("👩\u200d🚀")).toBe("👩\u200d🚀");
  expect(nameOf({ client: "abcdef", name: "\u2066\u2069" }, en)).toBe("guest abcd");
});

test("initials", () => {
  expect(initials("Ann Lee Ray")).toBe("AR");
  expect(initials("ann")).toBe("A");
  expect(initials("👋 zoe")).toBe("Z");
  expect(initials("🦊")).toBe("🦊");
  expect(initials("")).toBe("");
});

test("several sessions are one person, sorted by name", () => {
  const people = peopleOf([{ session: "1", client: "b", name: "Zoe" }, { session: "2", client: "a", name: "Ann" }, { session: "3", client: "b", name: "Zoe" }], en);
  expect(people.map(({ person, sessions }) => [person, sessions])).toEqual([["a", 1], ["b", 2]]);
});

test("changes: joined, left, renamed; the nameless are not told", () => {
  const list = (...members: [string, string?][]) => peopleOf(members.map(([client, name]) => ({ session: client, client, ...(name === undefined ? {} : { name }) })), en);
  expect(changes(list(["a", "Ann"]), list(["a", "Ann"], ["b", "Bob"]))).toEqual([{ kind: "joined", name: "Bob" }]);
  expect(changes(list(["a", "Ann"], ["c"]), list())).toEqual([{ kind: "left", name: "Ann" }]);
  expect(changes(list(["a", "Ann"]), list(["a", "Anna"]))).toEqual([{ kind: "renamed", before: "Ann", name: "Anna" }]);
  expect(changes(list(["a"]), list(["a", "Ann"]))).toEqual([{ kind: "joined", name: "Ann" }]);
});

test("a tone is one of eight and stays; a name is measured in bytes", () => {
  for (const person of ["", "a", "mB7c2Qe0hTzY4kLw", "user x"]) {
    expect(toneOf(person)).toBe(toneOf(person));
    expect(toneOf(person)).toBeLessThan(8);
  }
  expect(fits("é".repeat(32))).toBe(true);
  expect(fits("é".repeat(33))).toBe(false);
});
