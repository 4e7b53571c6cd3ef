// Listeners: one that throws is reported, and stops nothing.
import type { Off } from "./types.js";

type Listener = (...args: never[]) => void;

/** What has events. */
export class Emitter<E extends { [K in keyof E]: Listener }> {
  readonly #all = new Map<keyof E, Set<{ listener: Listener }>>();

  /** Listens; the answer ends it. */
  on<K extends keyof E>(event: K, listener: E[K]): Off {
    const entry = { listener };
    const all = this.#all.get(event) ?? new Set();
    this.#all.set(event, all.add(entry));
    return () => all.delete(entry);
  }

  /** @internal */
  emit<K extends keyof E>(event: K, ...args: Parameters<E[K]>): void {
    for (const { listener } of this.#all.get(event) ?? []) {
      try {
        listener(...args);
      } catch (error) {
        // A mistake of the program: told to whoever debugs it.
        console.error(error);
      }
    }
  }
}
