// Brings rows to the page: what came since the last frame is filtered and searched in this one, a few ms at most.
import { useEffect, useMemo, useState } from "preact/hooks";
import { Finder } from "./finder.ts";
import { Sieve } from "./sieve.ts";
import type { Log } from "./store.ts";

const FILTER_MS = 7;
const SEARCH_MS = 4;

export interface Feed {
  sieve: Sieve;
  finder: Finder;
  /** Something changed: look at it in the next frame. */
  poke(): void;
}

export function useFeed(log: Log): Feed {
  const [, setFrame] = useState(0);
  const feed = useMemo(() => {
    let asked = 0;
    const turn = () => {
      asked = 0;
      const start = performance.now();
      const filtering = sieve.work(start + FILTER_MS);
      const searching = finder.work(Math.max(start + FILTER_MS, performance.now()) + SEARCH_MS);
      setFrame((frame) => frame + 1);
      if (filtering || searching) {
        poke();
      }
    };
    const poke = () => {
      asked ||= requestAnimationFrame(turn);
    };
    const stop = () => {
      cancelAnimationFrame(asked);
      asked = 0;
      sieve.stop();
    };
    const sieve = new Sieve(log, poke);
    const finder = new Finder(sieve);
    return { sieve, finder, poke, stop };
  }, [log]);
  useEffect(() => {
    const off = log.onChange(feed.poke);
    feed.poke();
    return () => {
      off();
      feed.stop();
    };
  }, [log, feed]);
  return feed;
}
