// Asks the hub for its state each 2 s while the page is seen; less often while it does not answer.
import { useEffect, useReducer } from "preact/hooks";
import { type Rates, type Status, asStatus, rates } from "./status.ts";

export interface Seen {
  /** The last answer, if there ever was one. */
  status: Status | undefined;
  rates: Rates;
  /** Why there is no answer now. */
  problem: string | undefined;
}

const EVERY = 2000;
const LONGEST = 30_000;

type Answer = { status: Status } | { problem: string };

/** One question. */
export async function ask(fetcher: typeof fetch = fetch): Promise<Answer> {
  try {
    const answer = await fetcher("/status", { cache: "no-store", signal: AbortSignal.timeout(5000) });
    if (!answer.ok) {
      return { problem: answer.status === 404 ? "This hub is of a version that does not tell its state." : `The hub does not tell its state here (HTTP ${answer.status}).` };
    }
    const status = asStatus(await answer.json());
    return status === undefined ? { problem: "The hub's answer is not understood by this page." } : { status };
  } catch {
    return { problem: "The hub does not answer right now." };
  }
}

export const FIRST: Seen = { status: undefined, rates: { in: [], out: [] }, problem: undefined };

export const next = (seen: Seen, answer: Answer): Seen =>
  "problem" in answer
    ? { ...seen, problem: answer.problem }
    : { status: answer.status, rates: rates(seen.rates, seen.status, answer.status), problem: undefined };

export function useStatus(): Seen {
  const [seen, tell] = useReducer(next, FIRST);
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let pause = EVERY;
    let asking = false;
    let gone = false;
    const round = async () => {
      clearTimeout(timer);
      if (document.hidden || asking || gone) {
        return;
      }
      asking = true;
      const answer = await ask();
      asking = false;
      if (!gone) {
        tell(answer);
        pause = "problem" in answer ? Math.min(pause * 2, LONGEST) : EVERY;
        timer = setTimeout(round, pause);
      }
    };
    void round();
    document.addEventListener("visibilitychange", round);
    return () => {
      gone = true;
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", round);
    };
  }, []);
  return seen;
}
