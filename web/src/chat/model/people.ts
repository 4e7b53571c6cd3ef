// Who somebody is, as the hub stamped it, and how a name is shown.
import type { Member, Sender } from "tidewire";
import type { Texts } from "../texts/index.ts";

type Known = Sender | Member | undefined;

/** A person: a user, or a guest's client id. Several sessions may be one person. */
export function personOf(from: Known): string {
  if (from?.user !== undefined) {
    return `user ${from.user}`;
  }
  return from?.client ?? (from !== undefined && "session" in from ? from.session : "");
}

/** Signs that are not seen, or turn the text around: they have no place in a name. */
const UNSEEN = /[\p{Cc}\p{Cf}\u2028\u2029]/gu;
/** Joiners are needed inside emoji and some scripts. */
const JOINERS = /[\u200c\u200d]/u;

export const clean = (name: string): string => name.replace(UNSEEN, (sign) => (JOINERS.test(sign) ? sign : "")).trim().slice(0, 64);

/** What a person is called. Who is verified is called by what was verified. */
export function nameOf(from: Known, t: Texts): string {
  const name = clean(from?.user ?? from?.name ?? "");
  return name === "" ? t.guest(personOf(from).slice(0, 4)) : name;
}

export const isVerified = (from: Known): boolean => from?.user !== undefined;

/** One of eight colours, always the same for a person. */
export function toneOf(person: string): number {
  let hash = 7;
  for (const sign of person) {
    hash = (hash * 31 + (sign.codePointAt(0) ?? 0)) >>> 0;
  }
  return (hash >>> 8) % 8;
}

/** The first letters of a name, for a small picture. */
export function initials(name: string): string {
  const words = name.match(/[\p{L}\p{N}]+/gu) ?? [name];
  const last = words[words.length - 1];
  const chosen = words.length > 1 && last !== undefined ? [words[0], last] : words.slice(0, 1);
  return chosen.map((word) => [...(word ?? "")][0] ?? "").join("").toUpperCase();
}

export interface Person {
  person: string;
  from: Member;
  sessions: number;
}

/** Made once: for thousands of names, making it is most of the work. */
const BY_NAME = new Intl.Collator();

/** The sessions of a room as people: one each, by name. */
export function peopleOf(members: readonly Member[], t: Texts): Person[] {
  const people = new Map<string, Person>();
  for (const from of members) {
    const person = personOf(from);
    const known = people.get(person);
    people.set(person, { person, from, sessions: (known?.sessions ?? 0) + 1 });
  }
  const named = [...people.values()].map((one) => [nameOf(one.from, t), one] as const);
  return named.sort(([a], [b]) => BY_NAME.compare(a, b)).map(([, one]) => one);
}

export type Change = { kind: "joined" | "left"; name: string } | { kind: "renamed"; before: string; name: string };

/** What to tell of two lists; of people without a name nothing. */
export function changes(before: readonly Person[], after: readonly Person[]): Change[] {
  const named = (people: readonly Person[]) => new Map(people.map(({ person, from }) => [person, clean(from.user ?? from.name ?? "")]));
  const old = named(before);
  const now = named(after);
  const told: Change[] = [];
  for (const [person, name] of now) {
    const was = old.get(person);
    if (name !== "" && was !== name) {
      told.push(was === undefined || was === "" ? { kind: "joined", name } : { kind: "renamed", before: was, name });
    }
  }
  for (const [person, name] of old) {
    if (name !== "" && !now.has(person)) {
      told.push({ kind: "left", name });
    }
  }
  return told;
}

export const noteOf = (change: Change, t: Texts): string =>
  change.kind === "renamed" ? t.renamed(change.before, change.name) : t[change.kind](change.name);

/** Whether a name fits into what the hub takes. */
export const fits = (name: string): boolean => new TextEncoder().encode(name).length <= 64;
