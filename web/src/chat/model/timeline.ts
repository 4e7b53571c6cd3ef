// What a room has said, in order: kept messages, notes and gaps, then what is still on its way.
import type { Message, Position, Sender } from "tidewire";
import { type Content, contentOf } from "./content.ts";
import { personOf } from "./people.ts";

export interface Said {
  kind: "message";
  id: string;
  pos?: Position;
  at: number;
  from: Sender;
  person: string;
  content: Content;
  /** Sent from here in this visit: it says that it was kept. */
  isSent?: boolean;
}

export interface Note {
  kind: "note";
  id: string;
  at: number;
  text: string;
}

/** Messages may be missing between what is above and what is below. */
export interface Break {
  kind: "gap";
  id: string;
  at: number;
}

export type Entry = Said | Note | Break;

export type Progress = { state: "sending" } | { state: "waiting"; why: string } | { state: "kept" } | { state: "failed"; why: string };

/** A message of this page that has not come back yet. */
export interface Pending {
  kind: "pending";
  id: string;
  key: string;
  at: number;
  content: Content;
  progress: Progress;
  /** Where it is kept, once that is known. */
  pos?: Position;
}

/** What is held while the newest are on the page; scrolling up brings the others back. */
const HELD = 1_000;
const SLACK = 500;
/** And at most, while somebody reads further up. */
const MOST = 20_000;

/** Clocks that differ by less, in ms, are right. */
const OFF = 60_000;

/** What a calendar knows; from elsewhere any number may come. */
const isTime = (at: number): boolean => Math.abs(at) <= 8.64e15;

export class Timeline {
  entries: Entry[] = [];
  pending: Pending[] = [];
  #places = new Set<Position>();
  #count = 0;
  /** How far the hub's clock is ahead of this device's, where that is far. */
  #ahead = 0;

  /** The oldest position that is held. */
  get oldest(): Position | undefined {
    return this.entries.find((entry): entry is Said => entry.kind === "message" && entry.pos !== undefined)?.pos;
  }

  get newest(): Position | undefined {
    return this.entries.reduce<Position | undefined>((last, entry) => (entry.kind === "message" ? (entry.pos ?? last) : last), undefined);
  }

  /** Adds a message at the end. `undefined`: it is there already. */
  add(message: Message): Said | undefined {
    const own = this.#arrived(message);
    const ahead = message.at - Date.now();
    if (own !== undefined || ahead > OFF) {
      this.#ahead = Math.abs(ahead) > OFF && isTime(message.at) ? ahead : 0;
    }
    if (message.pos !== undefined && this.#places.has(message.pos)) {
      return undefined;
    }
    const said = this.#said(message, own);
    this.entries = [...this.entries, said];
    return said;
  }

  /** Adds an older page at the top; gives how many are new. */
  prepend(messages: readonly Message[]): number {
    const fresh = messages.filter(({ pos }) => pos === undefined || !this.#places.has(pos)).map((message) => this.#said(message));
    this.entries = [...fresh, ...this.entries];
    return fresh.length;
  }

  /** Marks that something may be missing from here on; two marks in a row are one. Gives its id. */
  gap(at: number): string | undefined {
    const last = this.entries.at(-1);
    if (last === undefined || last.kind === "gap") {
      return last?.id;
    }
    const mark: Break = { kind: "gap", id: this.#id(), at };
    this.entries = [...this.entries, mark];
    return mark.id;
  }

  /**
   * What was read about a gap goes to its place. `isWhole`: it follows right after what is above, so nothing is
   * missing; so it is, too, if the page begins with something that is held already.
   */
  fill(gap: string, messages: readonly Message[], isWhole: boolean): void {
    const at = this.entries.findIndex(({ id }) => id === gap);
    if (at < 0) {
      return;
    }
    const first = messages[0]?.pos;
    const isClosed = isWhole || (first !== undefined && this.#places.has(first));
    for (const message of messages) {
      this.#arrived(message);
    }
    const fresh = messages.filter(({ pos }) => pos !== undefined && !this.#places.has(pos)).map((message) => this.#said(message));
    const mark = this.entries.slice(at, at + 1);
    this.entries = [...this.entries.slice(0, at), ...(isClosed ? [] : mark), ...fresh, ...this.entries.slice(at + 1)];
  }

  note(text: string, at: number): void {
    this.entries = [...this.entries, { kind: "note", id: this.#id(), at, text }];
  }

  /** A message of this page goes on its way. */
  send(key: string, content: Content, at: number, progress: Progress = { state: "sending" }): void {
    this.pending = [...this.pending, { kind: "pending", id: `key ${key}`, key, at: at + this.#ahead, content, progress }];
  }

  /** How far it is. */
  tell(key: string, progress: Progress): void {
    this.pending = this.pending.map((item) => (item.key === key ? { ...item, progress } : item));
  }

  /** It is kept, at that position; usually it has come back as a message by then. */
  confirm(key: string, pos: Position | undefined): void {
    if (pos !== undefined && this.#places.has(pos)) {
      this.drop(key);
      this.entries = this.entries.map((entry) => (entry.kind === "message" && entry.pos === pos ? { ...entry, isSent: true } : entry));
    } else {
      this.pending = this.pending.map((item) => (item.key === key ? { ...item, progress: { state: "kept" }, ...(pos === undefined ? {} : { pos }) } : item));
    }
  }

  drop(key: string): void {
    this.pending = this.pending.filter((item) => item.key !== key);
  }

  /** That entry; if it was let go, the oldest that is held. */
  heldFrom(id: string): string | undefined {
    return (this.entries.find((entry) => entry.id === id) ?? this.entries[0])?.id;
  }

  /** Lets go of the oldest, in steps. `true`: there are now older ones that are not held. */
  trim(isAtEnd: boolean): boolean {
    const held = isAtEnd ? HELD : MOST;
    if (this.entries.length <= held + SLACK) {
      return false;
    }
    const gone = this.entries.slice(0, -held);
    this.entries = this.entries.slice(-held);
    for (const entry of gone) {
      if (entry.kind === "message" && entry.pos !== undefined) {
        this.#places.delete(entry.pos);
      }
    }
    return true;
  }

  /** Takes what was pending off the list when it arrives, by its key or by the position that was told. */
  #arrived({ key, pos }: Message): Pending | undefined {
    const item = this.pending.find((one) => (key !== undefined && one.key === key) || (pos !== undefined && one.pos === pos));
    if (item !== undefined) {
      this.drop(item.key);
    }
    return item;
  }

  #said(message: Message, own?: Pending): Said {
    const { pos, from = {} } = message;
    if (pos !== undefined) {
      this.#places.add(pos);
    }
    return {
      kind: "message",
      // A row that was pending stays the same row, so that nothing blinks and the focus stays.
      id: own?.id ?? (pos === undefined ? this.#id() : `pos ${pos}`),
      at: isTime(message.at) ? message.at : 0,
      from,
      person: personOf(from),
      content: own?.content ?? contentOf(message),
      ...(pos === undefined ? {} : { pos }),
      ...(own === undefined ? {} : { isSent: true }),
    };
  }

  #id(): string {
    this.#count += 1;
    return `own ${this.#count}`;
  }
}
