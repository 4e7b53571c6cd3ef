// Listeners: one that throws is reported, and stops nothing.
import type { Off } from "./types.js";

type Listener = (...args: never[]) => void;

/** Tells a program's own mistake to whoever debugs it, and goes on. */
function complain(error: unknown): void {
  const report = (globalThis as { reportError?: (error: unknown) => void }).reportError;
  if (report) {
    report(error);
  } else {
    console.error(error);
  }
}

export class Emitter<E extends { [K in keyof E]: Listener }> {
  readonly #all = new Map<keyof E, Listener[]>();

  on<K extends keyof E>(event: K, listener: E[K]): Off {
    const entry = ((...args: never[]) => listener(...args)) as Listener;
    this.#all.set(event, [...(this.#all.get(event) ?? []), entry]);
    return () => {
      this.#all.set(event, (this.#all.get(event) ?? []).filter((one) => one !== entry));
    };
  }

  emit<K extends keyof E>(event: K, ...args: Parameters<E[K]>): void {
    for (const listener of this.#all.get(event) ?? []) {
      try {
        listener(...args);
      } catch (error) {
        complain(error);
      }
    }
  }
}
