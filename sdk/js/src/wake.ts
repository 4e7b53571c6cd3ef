// Signs that the machine slept, the page was away, or the network changed.

export interface Signs {
  /** Back, or perhaps back: is the hub still there? */
  woke(): void;
  /** The page is put aside; a browser keeps it only without connections. */
  hidden(): void;
}

/** Whether the machine says that it has no network. */
export const isOffline = (): boolean => globalThis.navigator?.onLine === false;

/** Listens for the signs where there is a page; the answer ends it. */
export function watch(signs: Signs): () => void {
  const off = new AbortController();
  const on = (target: EventTarget, event: string, then: () => void): void =>
    target.addEventListener(event, then, { signal: off.signal });
  if (typeof document === "object" && typeof addEventListener === "function") {
    on(document, "visibilitychange", () => document.visibilityState === "visible" && signs.woke());
    for (const event of ["online", "offline", "pageshow"]) {
      on(globalThis as unknown as EventTarget, event, () => signs.woke());
    }
    on(globalThis as unknown as EventTarget, "pagehide", () => signs.hidden());
  }
  return () => off.abort();
}
