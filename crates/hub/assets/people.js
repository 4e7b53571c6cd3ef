// Who is in a room: sessions as the hub lists them, told as people.

/** A person: a user, or a guest's client id. Several sessions may be one person. */
export const personOf = (from) => from?.user ?? from?.client ?? from?.session ?? "";

/** What a person is called. */
export const nameOf = (from) => from?.name || from?.user || `guest ${(from?.client ?? from?.session ?? "").slice(0, 4)}`;

/** One of the eight colours, always the same for a person. */
export function toneOf(from) {
  let hash = 7;
  for (const letter of personOf(from)) hash = (hash * 31 + letter.codePointAt(0)) >>> 0;
  return `tone-${(hash >>> 8) % 8}`;
}

/** The first letters of a name, for a small picture. */
export function initials(name) {
  const words = name.match(/[\p{L}\p{N}]+/gu) ?? [name.trim()];
  const letters = words.length > 1 ? [words[0], words[words.length - 1]] : words;
  return letters.map((word) => [...word][0] ?? "").join("").toUpperCase();
}

export class People {
  #sessions = new Map();
  #v = null;
  /** Pushes that came while the list was being read. */
  #early = null;

  /** Everybody: `[person, member]`, one each, sorted by name. */
  all() {
    const people = new Map();
    for (const member of this.#sessions.values()) people.set(personOf(member), member);
    return [...people].sort(([, a], [, b]) => nameOf(a).localeCompare(nameOf(b)));
  }

  /** Reads the list anew; `page(after)` asks the hub for a part of it. */
  async read(page) {
    this.#early = [];
    const sessions = new Map();
    let v = null;
    try {
      for (let after; sessions.size < 2_000; ) {
        const part = await page(after);
        v ??= part.v;
        for (const member of part.members) sessions.set(member.session, member);
        after = part.members[part.members.length - 1]?.session;
        if (!part.more || !after) break;
      }
    } catch (problem) {
      this.#early = null;
      throw problem;
    }
    this.#sessions = sessions;
    this.#v = v;
    const early = this.#early;
    this.#early = null;
    for (const push of early) if (push.v > v) this.push(push);
  }

  /** Takes a `join` or `leave`. Gives what to tell (`null`: nothing), or "skipped": read the list anew. */
  push(push) {
    if (this.#early) {
      this.#early.push(push);
      return null;
    }
    if (this.#v === null || push.v <= this.#v) return null;
    if (push.v > this.#v + 1) return "skipped";
    this.#v = push.v;
    const { session, client, name, user } = push;
    const person = personOf(push);
    const before = [...this.#sessions.values()].find((member) => personOf(member) === person);
    if (push.op === "join") {
      this.#sessions.set(session, { session, client, name, user });
      if (!name || before?.name === name) return null;
      return before?.name ? `${before.name} is now ${name}` : `${name} joined`;
    }
    const left = this.#sessions.get(session);
    this.#sessions.delete(session);
    const stays = [...this.#sessions.values()].some((member) => personOf(member) === person);
    return stays || !left?.name ? null : `${left.name} left`;
  }
}
