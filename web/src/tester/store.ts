// A value that components watch, and that knows nothing of them.
import { useEffect, useState } from "preact/hooks";

export class Store<T> {
  #value: T;
  #watchers = new Set<() => void>();

  constructor(value: T) {
    this.#value = value;
  }

  get value(): T {
    return this.#value;
  }

  set(value: T): void {
    if (value !== this.#value) {
      this.#value = value;
      for (const watcher of [...this.#watchers]) {
        watcher();
      }
    }
  }

  /** Changes some of an object's fields. */
  patch(part: Partial<T>): void {
    this.set({ ...this.#value, ...part });
  }

  watch(watcher: () => void): () => void {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }
}

export function useStore<T>(store: Store<T>): T {
  const [, draw] = useState(0);
  useEffect(() => store.watch(() => draw((count) => count + 1)), [store]);
  return store.value;
}

/** Draws again every `ms`, while `on`; gives the time. */
export function useClock(ms: number, on: boolean): number {
  const [now, set] = useState(Date.now);
  useEffect(() => {
    if (!on) {
      return undefined;
    }
    set(Date.now());
    const timer = setInterval(() => set(Date.now()), ms);
    return () => clearInterval(timer);
  }, [ms, on]);
  return now;
}
