// Which messages a screen reader says: each while there are few; of a flood the first, and then how many there were.

/** So many in so many ms can be listened to. */
const MOST = 5;
const SPAN = 4_000;

export class Speech<T> {
  /** What is said, the oldest first. */
  said: readonly T[] = [];
  /** How many more came than were said; 0 while that is not known. */
  more = 0;
  #begun = 0;
  #count = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly changed: () => void) {}

  add(one: T): void {
    const now = performance.now();
    if (this.#timer === undefined && now - this.#begun > SPAN) {
      this.#begun = now;
      this.#count = 0;
      this.more = 0;
    }
    this.#count += 1;
    if (this.#count <= MOST) {
      this.said = [...this.said.slice(1 - MOST), one];
    } else {
      this.#timer ??= setTimeout(() => this.#sum(), SPAN);
    }
  }

  #sum(): void {
    this.#timer = undefined;
    this.more = this.#count - MOST;
    // The next are counted anew; the first of them are said again only after a rest.
    this.#begun = performance.now();
    this.#count = MOST;
    this.changed();
  }

  end(): void {
    clearTimeout(this.#timer);
  }
}
