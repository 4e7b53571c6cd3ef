// Who writes at this moment: told now and then, forgotten when nothing more comes.

const EVERY = 2_500;
const LASTS = 5_000;
/** More are "several". */
const MOST = 20;

export class Typing {
  #told = 0;
  readonly #heard = new Map<string, { name: string; timer: ReturnType<typeof setTimeout> }>();

  constructor(private readonly tell: (isTyping: boolean) => void, private readonly changed: () => void) {}

  get names(): string[] {
    return [...this.#heard.values()].map(({ name }) => name);
  }

  /** Something was typed here; an empty field says that nothing is. */
  typed(isSomething: boolean): void {
    const now = Date.now();
    if (isSomething ? now - this.#told < EVERY : this.#told === 0) {
      return;
    }
    this.#told = isSomething ? now : 0;
    this.tell(isSomething);
  }

  /** It was sent: that says it, too. */
  sent(): void {
    this.#told = 0;
  }

  /** Somebody else writes, or has stopped. */
  heard(person: string, name: string, isTyping: boolean): void {
    const known = this.#heard.get(person);
    if (known === undefined && (!isTyping || this.#heard.size >= MOST)) {
      return;
    }
    clearTimeout(known?.timer);
    this.#heard.delete(person);
    if (isTyping) {
      this.#heard.set(person, { name, timer: setTimeout(() => this.heard(person, "", false), LASTS) });
    }
    this.changed();
  }

  end(): void {
    for (const { timer } of this.#heard.values()) {
      clearTimeout(timer);
    }
    this.#heard.clear();
  }
}
