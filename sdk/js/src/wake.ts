// Signs that the machine slept, the page was away, or the network changed.

/** Whether the machine says that it has no network. */
export const isOffline = (): boolean => globalThis.navigator?.onLine === false;

/**
 * Listens for the signs where there is a page; the answer ends it. `woke`: back, or perhaps back. `hidden`: the page
 * is put aside; a browser keeps it for later only without connections.
 */
export function watch(woke: () => void, hidden: () => void): () => void {
  const off = new AbortController();
  const { signal } = off;
  if (globalThis.document) {
    for (const event of ["visibilitychange", "online", "offline", "pageshow"]) {
      addEventListener(event, () => document.visibilityState === "visible" && woke(), { signal });
    }
    addEventListener("pagehide", hidden, { signal });
  }
  return () => off.abort();
}
