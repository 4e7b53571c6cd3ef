// Earlier messages in the composer, as a shell has them: Up for older, Down for newer, the draft last.

export class Recall {
  #back = 0;
  #draft = "";

  /** The text one step older; undefined at the oldest. */
  older(history: readonly string[], current: string): string | undefined {
    if (this.#back >= history.length) {
      return undefined;
    }
    if (this.#back === 0) {
      this.#draft = current;
      // What was just sent is still in the field: one step would show it again.
      if (history.at(-1) === current && history.length > 1) {
        this.#back = 1;
      }
    }
    this.#back++;
    return history.at(-this.#back);
  }

  /** The text one step newer; undefined if there is none. */
  newer(history: readonly string[]): string | undefined {
    if (this.#back === 0) {
      return undefined;
    }
    this.#back--;
    return this.#back === 0 ? this.#draft : history.at(-this.#back);
  }

  /** After typing or sending, the walk begins anew. */
  reset(): void {
    this.#back = 0;
  }
}
