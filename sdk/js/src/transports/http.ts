// What SSE and long poll share: commands go up by POST, channels come down by requests that name them.
import { onAbort, once } from "../later.js";
import { decode, failure, objects } from "../codec.js";
import { cursor } from "../cursor.js";
import type { TransportName } from "../types.js";
import type { Ear, End, Followed, Line, Setup } from "./line.js";

/** Channels of a request. */
const MOST = 32;
/** Commands of a request, and their bytes, if they are several. */
const BATCH = 128;
const BYTES = 30_000;
/** How long the hub may work on commands, in ms. */
const WORK = 30_000;

/** Channels that are asked for by one request. */
export type Group = Followed[];

interface Answer {
  response: Response;
  /** All of it; nothing of a stream. */
  body: string;
}

/** What a request that follows channels is given. */
export interface Follow {
  /** Ends it. */
  signal: AbortSignal;
  /** One GET; nothing if it was refused, which is told here. */
  get(path: string, patience: number): Promise<Answer | undefined>;
  down(end: End): void;
}

/** A way that follows each group of channels with `run`, until that is told to end. */
export function http(name: TransportName, setup: Setup, ear: Ear, run: (follow: Follow) => Promise<void>): Line {
  const end = new AbortController();
  /** Ends the requests that follow channels. */
  let following = new AbortController();
  /** A request that is not answered says something about the way; one that fails, about the hub. */
  const late = new Error("no answer in time");
  const waiting: string[] = [];
  /** Something could be followed. Commands have gone up by then: if nothing can, the way is to blame. */
  let got = false;
  let posting = false;

  const ended = (): boolean => end.signal.aborted;

  const close = (): void => {
    end.abort();
    following.abort();
  };

  /** Tells the end once. */
  const down = (how: End): void => {
    if (!ended()) {
      close();
      ear.down(how);
    }
  };

  /** What has a value, as a query. */
  const query = (fields?: object, group: Group = []): string => {
    const known = Object.entries({ ...setup.who(), ...fields }).filter(([, value]) => value);
    return String(new URLSearchParams([...group.map(({ name }) => ["channel", name]), ...known] as string[][]));
  };

  /** A fetch whose answer comes in time: all of it, or of a stream the beginning. */
  const request = async (path: string, init: RequestInit, signal: AbortSignal, patience: number): Promise<Answer> => {
    const until = new AbortController();
    const abort = (): void => until.abort(late);
    const timer = setTimeout(abort, patience);
    const off = onAbort(signal, abort);
    try {
      const { fetch } = setup;
      const response = await fetch(setup.base + path, { ...init, signal: until.signal });
      return { response, body: response.ok && path.startsWith("/sse") ? "" : await response.text() };
    } finally {
      clearTimeout(timer);
      off();
    }
  };

  const start = (group: Group, signal: AbortSignal): void => {
    run({
      signal,
      get: (path, patience) => get(path, group, signal, patience),
      down: (how) => signal.aborted || down(how),
    }).catch((error: unknown) => signal.aborted || down({ code: 0, message: String(error), blocked: !got || error === late }));
  };

  const begin = (): void => {
    if (!ended()) {
      following.abort();
      following = new AbortController();
      groups(setup.followed()).forEach((group) => start(group, following.signal));
    }
  };

  const get = async (path: string, group: Group, signal: AbortSignal, patience: number): Promise<Answer | undefined> => {
    const presence = +group.some(({ watched }) => watched);
    const asked = query({ since: cursor(group), history: newest(group[0]!), presence }, group);
    const answer = await request(path + asked, { cache: "no-store" }, signal, patience);
    if (answer.response.ok) {
      got = true;
      return answer;
    }
    if (!signal.aborted) {
      refused(answer.response.status, answer.body, group, signal);
    }
    return undefined;
  };

  /** The hub does not let all of them be followed: halves tell which. */
  const refused = (status: number, body: string, group: Group, signal: AbortSignal): void => {
    const [answer] = decode(body);
    // A poll has it among what the other channels say.
    const said = objects(answer?.["messages"]).find(({ op }) => op === "error") ?? answer;
    const error = failure(
      said ?? {
        // The hub says it by JSON, or by 400; anything else comes from something between.
        code: status > 400 ? "overloaded" : body.startsWith("since") ? "bad_position" : "bad_request",
        message: brief(status, body),
      },
    );
    const half = group.length >> 1;
    if (error.temporary) {
      down({ code: status, message: error.message, retry: error.retryAfter, blocked: status < 429 });
    } else if (half) {
      start(group.slice(0, half), signal);
      start(group.slice(half), signal);
    } else {
      group[0]!.refused(error);
    }
  };

  /** One request after the other, so that commands keep their order. */
  const pump = async (): Promise<void> => {
    posting = true;
    while (waiting.length && !ended()) {
      let size = 0;
      const fit = waiting.findIndex((one, at) => (size += one.length) > BYTES && at > 0);
      await post(waiting.splice(0, fit < 0 ? BATCH : Math.min(fit, BATCH)));
    }
    posting = false;
  };

  const post = async (commands: readonly string[]): Promise<void> => {
    try {
      const body = commands[1] ? `[${commands.join()}]` : commands[0]!;
      const patience = WORK + setup.patience;
      const { response, body: said } = await request(`/uplink?${query()}`, { method: "POST", body }, end.signal, patience);
      const answers = decode(said);
      if (answers.length) {
        answers.forEach(ear.heard);
      } else if (response.status === 413 && !commands[1]) {
        ear.heard({ ...decode(body)[0], op: "error", code: "too_large", message: said });
      } else {
        down({ code: response.status, message: brief(response.status, said) });
      }
    } catch (error) {
      down({ code: 0, message: String(error) });
    }
  };

  queueMicrotask(ear.up);
  return {
    name,
    follow: once(begin),
    close,
    send(commands) {
      waiting.push(...commands);
      if (!posting) {
        void pump();
      }
    },
  };
}

const brief = (status: number, body: string): string => body.slice(0, 200) || `HTTP ${status}`;

/** Channels by request: those that want the same of the newest, as many as fit. */
function groups(channels: readonly Followed[]): Group[] {
  const all: Group[] = [];
  for (const channel of channels) {
    const same = all.find((group) => group.length < MOST && newest(group[0]!) === newest(channel));
    if (same) {
      same.push(channel);
    } else {
      all.push([channel]);
    }
  }
  return all;
}

/** How many of the newest are to come first. */
const newest = (channel: Followed): number => (channel.pos ? 0 : channel.newest);
