// Who is here, out of the sessions that the hub tells; a large crowd is counted now and then, not with each that comes or goes.
import type { Member } from "tidewire";
import type { Texts } from "../texts/index.ts";
import { type Change, type Person, changes, peopleOf } from "./people.ts";

/** In a fuller room nobody wants to read who comes and goes. */
const TOLD = 25;
/** Sorting more takes time: not more often than every so many ms. */
const LARGE = 200;
const PAUSE = 1_000;

export class Crowd {
  people: readonly Person[] = [];
  #members: readonly Member[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** `told`: the people have changed; what is to be told of it. */
  constructor(private readonly words: () => Texts, private readonly told: (changes: readonly Change[]) => void, private readonly mine: () => ReadonlySet<string>) {}

  are(members: readonly Member[]): void {
    this.#members = members;
    if (this.#timer === undefined) {
      if (members.length < LARGE || this.people.length === 0) {
        this.#count();
      } else {
        this.#timer = setTimeout(() => this.#count(), PAUSE);
      }
    }
  }

  #count(): void {
    this.#timer = undefined;
    const before = this.people;
    this.people = peopleOf(this.#members, this.words());
    const mine = this.mine();
    const others = (people: readonly Person[]) => people.filter(({ person }) => !mine.has(person));
    this.told(before.length > 0 && this.people.length <= TOLD ? changes(others(before), others(this.people)) : []);
  }

  end(): void {
    clearTimeout(this.#timer);
  }
}
