// What SSE and long poll share: commands go up by POST, channels come down by requests that name them.
import { decode, failure, isObject, type Wire } from "../codec.js";
import { cursor } from "../cursor.js";
import type { Channel } from "../channel.js";
import { TidewireError, type TransportName } from "../types.js";
import type { Ear, End, Line, Setup } from "./line.js";

/** Channels of a request. */
const MOST = 32;
/** Bytes of commands that go in one request, if they are several. */
const BATCH = 32_768;
/** How long the hub may work on commands, in ms. */
const WORK = 30_000;

/** Channels that are asked for by one request. */
export type Group = Channel[];

interface Answer {
  response: Response;
  body: string;
}

export abstract class HttpLine implements Line {
  abstract readonly name: TransportName;
  heardAt = Date.now();
  protected readonly setup: Setup;
  protected readonly ear: Ear;
  readonly #end = new AbortController();
  /** Ends the requests that follow channels. */
  #following = new AbortController();
  #groups = 0;
  #soon = false;
  /** One request after the other, so that publishes keep their order. */
  #last: Promise<void> = Promise.resolve();

  constructor(setup: Setup, ear: Ear) {
    this.setup = setup;
    this.ear = ear;
    queueMicrotask(() => this.ended() || ear.up());
  }

  send(commands: readonly string[]): void {
    const publishes = commands.filter((one) => one.includes('"op":"publish"'));
    for (const one of commands) {
      if (!publishes.includes(one)) {
        void this.#post([one]);
      }
    }
    for (let rest = publishes; rest.length > 0; ) {
      let size = 0;
      const over = rest.findIndex((one, at) => (size += one.length) > BATCH && at > 0);
      const batch = over < 0 ? rest : rest.slice(0, over);
      rest = rest.slice(batch.length);
      this.#last = this.#last.then(() => this.#post(batch));
    }
  }

  follow(): void {
    if (!this.#soon) {
      this.#soon = true;
      queueMicrotask(() => {
        this.#soon = false;
        this.#begin();
      });
    }
  }

  close(): Promise<void> {
    this.#end.abort();
    this.#following.abort();
    return Promise.resolve();
  }

  /** Follows a group until the signal says so, or until it fails. */
  protected abstract run(group: Group, signal: AbortSignal): Promise<void>;

  /** One GET for a group, as a stream or as text; nothing if it was refused, which is told here. */
  protected async get(path: string, group: Group, signal: AbortSignal, patience: number): Promise<Answer | undefined> {
    const query = this.#query();
    group.forEach(({ name }) => query.append("channel", name));
    const since = cursor(group);
    const newest = group.find(({ pos, newest }) => pos === undefined && newest > 0)?.newest;
    const watched = group.some(({ watched }) => watched);
    for (const [name, value] of Object.entries({ since, history: newest, presence: watched ? 1 : undefined })) {
      if (value !== undefined) {
        query.set(name, String(value));
      }
    }
    const answer = await this.#fetch(`${path}${query}`, { cache: "no-store" }, signal, patience);
    if (!answer.response.ok) {
      this.#refused(answer.response.status, answer.body, group, signal);
      return undefined;
    }
    return answer;
  }

  protected ended(): boolean {
    return this.#end.signal.aborted;
  }

  /** Tells the end once. */
  protected down(end: End): void {
    if (!this.ended()) {
      void this.close();
      this.ear.down(end);
    }
  }

  /** Tells what has come; once all that is followed has a position, one request is enough for it. */
  protected heard(objects: readonly Wire[]): void {
    this.heardAt = Date.now();
    objects.forEach(this.ear.heard);
    const channels = this.setup.followed();
    if (this.#groups > groups(channels).length && channels.every(({ state }) => state === "live")) {
      this.follow();
    }
  }

  #begin(): void {
    if (this.ended()) {
      return;
    }
    this.#following.abort();
    this.#following = new AbortController();
    const all = groups(this.setup.followed());
    this.#groups = all.length;
    all.forEach((group) => this.#start(group, this.#following.signal));
  }

  #start(group: Group, signal: AbortSignal): void {
    this.run(group, signal).catch((error: unknown) => {
      if (!signal.aborted) {
        this.down({ code: 0, message: String(error) });
      }
    });
  }

  /** The hub does not let all of them be followed: halves tell which. */
  #refused(status: number, body: string, group: Group, signal: AbortSignal): void {
    const [answer] = decode(body);
    const list = answer?.["messages"];
    const said = Array.isArray(list) ? (list as unknown[]).filter(isObject).find(({ op }) => op === "error") : answer;
    const error = said ? failure(said) : sentence(status, body);
    if (signal.aborted) {
      return;
    }
    if (error.temporary) {
      this.down({ code: status, message: error.message, retry: error.retryAfter });
    } else if (group.length > 1) {
      this.#groups++;
      const half = group.length >> 1;
      [group.slice(0, half), group.slice(half)].forEach((part) => this.#start(part, signal));
    } else {
      group[0]!.refused(error);
    }
  }

  async #post(commands: readonly string[]): Promise<void> {
    if (this.ended()) {
      return;
    }
    try {
      const body = commands.length > 1 ? `[${commands.join()}]` : commands[0]!;
      const patience = WORK + this.setup.patience;
      const { response, body: said } = await this.#fetch(`/uplink?${this.#query()}`, { method: "POST", body }, this.#end.signal, patience);
      const answers = decode(said);
      if (this.ended()) {
        return;
      }
      if (answers.length > 0) {
        this.heardAt = Date.now();
        answers.forEach(this.ear.heard);
      } else if (response.status === 413 && commands.length === 1) {
        const id = (decode(commands[0])[0] ?? {})["id"];
        this.ear.heard({ op: "error", id, code: "too_large", message: said });
      } else {
        this.down({ code: response.status, message: said.slice(0, 200) || `HTTP ${response.status}` });
      }
    } catch (error) {
      this.down({ code: 0, message: String(error) });
    }
  }

  #query(): URLSearchParams {
    const query = new URLSearchParams();
    for (const [name, value] of Object.entries(this.setup.who())) {
      if (value !== undefined) {
        query.set(name, value);
      }
    }
    return query;
  }

  /** A fetch whose answer comes in time: all of it, or of a stream the beginning. */
  async #fetch(path: string, init: RequestInit, signal: AbortSignal, patience: number): Promise<Answer> {
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(new Error("no answer in time")), patience);
    const abort = (): void => late.abort(signal.reason);
    signal.addEventListener("abort", abort);
    try {
      signal.throwIfAborted();
      const { fetch } = this.setup;
      const response = await fetch(this.setup.base + path, { ...init, signal: late.signal });
      const streams = response.ok && path.startsWith("/sse");
      return { response, body: streams ? "" : await response.text() };
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", abort);
    }
  }
}

/** What HTTP says without JSON. */
function sentence(status: number, body: string): TidewireError {
  const code = body.startsWith("since") ? "bad_position" : "bad_request";
  return new TidewireError(code, body.slice(0, 200) || `HTTP ${status}`, status >= 500 || status === 429 || status === 408);
}

/** Channels by request: as many as fit, and those that want the same of the newest. */
function groups(channels: readonly Channel[]): Group[] {
  const all = new Map<number, Group[]>();
  const settled = channels.filter(({ pos }) => pos !== undefined);
  for (const channel of [...channels.filter(({ pos }) => pos === undefined), ...settled]) {
    // Those with a position do not care, and fill up what there is.
    const want = channel.pos === undefined ? channel.newest : ([...all.keys()][0] ?? 0);
    const same = all.get(want) ?? [[]];
    all.set(want, same);
    if (same.at(-1)!.length === MOST) {
      same.push([]);
    }
    same.at(-1)!.push(channel);
  }
  return [...all.values()].flat();
}
