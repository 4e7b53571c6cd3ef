// Asks a worker which texts match a regular expression; one that takes too long is ended.
import type { Expression } from "./filter.ts";

/** Where the worker's script is, or (in the page that is one file) the script itself. Set by the build. */
declare const MATCHER_SCRIPT: string;

export interface Question extends Expression {
  texts: string[];
}

export interface Matcher {
  /** Rejects with a sentence for people. */
  match(texts: string[]): Promise<boolean[]>;
  stop(): void;
}

export type StartMatcher = (expression: Expression) => Matcher;

/** How long a portion of rows may take. */
export const MATCH_LIMIT_MS = 1000;
const START_LIMIT_MS = 10_000;

/** The part of `Worker` that is used. */
export interface Thread {
  postMessage(question: Question): void;
  terminate(): void;
  onmessage: ((event: { data: "ready" | boolean[] }) => void) | null;
  onerror: ((event: { preventDefault(): void }) => void) | null;
}

/** What is used of Trusted Types. */
interface ScriptPolicy {
  createScriptURL(url: string): string;
}

let policy: ScriptPolicy | undefined;

/** The script's address, as one that may run: the hub lets this page have one policy, and it knows this address alone. */
function trustedAddress(): string {
  const { trustedTypes } = globalThis as { trustedTypes?: { createPolicy(name: string, rules: ScriptPolicy): ScriptPolicy } };
  policy ??= trustedTypes?.createPolicy("tidewire-matcher", { createScriptURL: () => MATCHER_SCRIPT });
  return policy?.createScriptURL(MATCHER_SCRIPT) ?? MATCHER_SCRIPT;
}

function startThread(): Thread {
  if (MATCHER_SCRIPT.startsWith("/")) {
    return new Worker(trustedAddress()) as unknown as Thread;
  }
  const url = URL.createObjectURL(new Blob([MATCHER_SCRIPT], { type: "text/javascript" }));
  const thread = new Worker(url) as unknown as Thread;
  // The script has been asked for by now; a moment more for browsers that ask later.
  setTimeout(() => URL.revokeObjectURL(url), START_LIMIT_MS);
  return thread;
}

export class WorkerMatcher implements Matcher {
  readonly #expression: Expression;
  readonly #thread: Thread;
  readonly #ready: Promise<void>;
  #refuse: (error: Error) => void = () => undefined;
  #answer: (data: boolean[]) => void = () => undefined;

  constructor(expression: Expression, start: () => Thread = startThread) {
    this.#expression = expression;
    this.#thread = start();
    this.#ready = limited(START_LIMIT_MS, "The browser does not start the helper that runs expressions. Filter by a plain text.", (done, failed) => {
      this.#refuse = failed;
      this.#thread.onmessage = ({ data }) => (data === "ready" ? done() : this.#answer(data));
      this.#thread.onerror = (event) => {
        event.preventDefault();
        this.#refuse(new Error("The expression could not be run. Filter by a plain text."));
      };
    });
    this.#ready.catch(() => this.stop());
  }

  async match(texts: string[]): Promise<boolean[]> {
    await this.#ready;
    const slow = `The expression takes more than ${MATCH_LIMIT_MS / 1000} s, so it was stopped. Make it simpler, for example without a repeat inside a repeat.`;
    const answer = limited<boolean[]>(MATCH_LIMIT_MS, slow, (done, failed) => {
      this.#answer = done;
      this.#refuse = failed;
      this.#thread.postMessage({ ...this.#expression, texts });
    });
    return answer.catch((error: unknown) => {
      this.stop();
      throw error;
    });
  }

  stop(): void {
    this.#thread.terminate();
  }
}

/** A promise that is refused when it takes too long. */
function limited<T>(ms: number, why: string, run: (done: (value: T) => void, failed: (error: Error) => void) => void): Promise<T> {
  return new Promise<T>((done, failed) => {
    const timer = setTimeout(() => failed(new Error(why)), ms);
    run((value) => {
      clearTimeout(timer);
      done(value);
    }, (error) => {
      clearTimeout(timer);
      failed(error);
    });
  });
}

export const startMatcher: StartMatcher = (expression) => new WorkerMatcher(expression);
