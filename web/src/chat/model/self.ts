// Who one is in a room, and has been: a hub that has forgotten a guest makes another of the same person.
import type { Member, Sender } from "tidewire";
import { personOf } from "./people.ts";

export class Self {
  #all: ReadonlySet<string> = new Set();
  constructor(private readonly known: () => Sender | Member | undefined) {}

  /** Empty until the hub has said it. */
  get now(): string {
    return personOf(this.known());
  }

  /** Whose messages are one's own. The same set as long as it has not changed. */
  get all(): ReadonlySet<string> {
    const { now } = this;
    this.#all = now === "" || this.#all.has(now) ? this.#all : new Set([...this.#all, now]);
    return this.#all;
  }
}
