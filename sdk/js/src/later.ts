// What is done later: when a signal says so, or when all that happens now has happened.

/** Does it when the signal says so, or very soon if it has; the answer takes that back. */
export function onAbort(signal: AbortSignal | undefined, then: () => void): () => void {
  if (signal?.aborted) {
    queueMicrotask(then);
  }
  signal?.addEventListener("abort", then);
  return () => signal?.removeEventListener("abort", then);
}

/** However often it is asked for now, it is done once. */
export function once(then: () => void): () => void {
  let asked = false;
  return () => {
    if (!asked) {
      asked = true;
      queueMicrotask(() => {
        asked = false;
        then();
      });
    }
  };
}
