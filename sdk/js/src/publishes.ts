// What is published and not yet answered: in order, under keys, repeated until the hub says that it is kept.
import { onAbort, once } from "./later.js";
import { pause, type Bounds } from "./backoff.js";
import type { Call, Calls } from "./calls.js";
import { encode, present, text, type Wire } from "./codec.js";
import type { Line } from "./transports/line.js";
import { TidewireError } from "./types.js";
import type { Ack, Payload, PublishOptions } from "./types.js";

/** How many are on the way at once. */
const WINDOW = 16;
/** How often a full disk or a busy hub is asked again for the same. */
const PATIENT = 5;

interface Entry {
  call: Call;
  /** On the way. */
  id: number;
  /** Whether it may have been kept: it was sent, and the answer is missing. */
  open?: boolean;
  /** Whose it was when it was sent: a key holds for one guest. */
  as?: string | undefined;
  /** When it was sent first. */
  at: number;
  tries: number;
  timer?: ReturnType<typeof setTimeout> | undefined;
  fail: (error: TidewireError) => void;
}

export interface Publisher {
  readonly calls: Calls;
  readonly backoff: Bounds;
  readonly queue: number;
  readonly confirmWithin: number;
  line(): Line | undefined;
  client(): string | undefined;
}

export interface Publishes {
  add(channel: string, payload: Payload, options?: PublishOptions): Promise<Ack>;
  /** Sends what can be sent, once all that happens now has happened. */
  flush(): void;
  /** Nothing is repeated any more. */
  end(error: TidewireError): void;
}

export const aborted = (): TidewireError => new TidewireError("aborted", "it was given up");

const unconfirmed = (): TidewireError =>
  new TidewireError("unconfirmed", "no answer in time");

export function publishes({ calls, backoff, confirmWithin, line, client, queue: limit }: Publisher): Publishes {
  const prefix = Math.random().toString(36).slice(2);
  let count = 0;
  let queue: Entry[] = [];
  let room = WINDOW;
  /** Until the hub wants the next. */
  let paused: ReturnType<typeof setTimeout> | undefined;

  const send = (): void => {
    const to = line();
    if (!to || paused) {
      return;
    }
    const me = client();
    for (const entry of queue) {
      // As somebody else, or too late, the same key would be another publication. Timers sleep with the machine.
      if (entry.open && (entry.as !== me || Date.now() - entry.at > confirmWithin)) {
        entry.fail(unconfirmed());
      }
    }
    const waiting = queue.filter(({ id }) => !id);
    const next = waiting.slice(0, Math.max(0, room - queue.length + waiting.length));
    const ids = calls.add(next.map(({ call }) => call), to);
    next.forEach((entry, at) => {
      entry.id = ids[at]!;
      entry.as = me;
      if (!entry.timer) {
        entry.at = Date.now();
        entry.timer = setTimeout(() => entry.fail(unconfirmed()), confirmWithin);
      }
    });
  };

  const flush = once(send);

  const refused = (entry: Entry, error?: TidewireError): void => {
    entry.id = 0;
    if (!error) {
      entry.open = true;
      return;
    }
    const { code } = error;
    if (!error.temporary || (++entry.tries > PATIENT && code !== "rate_limited")) {
      entry.fail(code === "unavailable" ? unconfirmed() : error);
      return;
    }
    entry.open ||= code === "unavailable";
    if (!entry.open) {
      // It was certainly not kept: the clock of its key begins anew.
      clearTimeout(entry.timer);
      entry.timer = undefined;
    }
    // One by one from here on, so that a later one does not overtake it.
    room = 1;
    paused ??= setTimeout(() => {
      paused = undefined;
      send();
    }, pause(backoff, entry.tries, error.retryAfter));
  };

  const enqueue = (fields: string, done: Call["ok"], failed: (error: TidewireError) => void, signal?: AbortSignal): void => {
    const settle = (): void => {
      clearTimeout(entry.timer);
      off();
      calls.drop(entry.id);
      queue = queue.filter((one) => one !== entry);
      if (!queue.length) {
        room = WINDOW;
      }
      flush();
    };
    const entry: Entry = {
      call: {
        fields,
        ok(answer) {
          settle();
          done(answer);
        },
        no: (error) => refused(entry, error),
      },
      id: 0,
      at: 0,
      tries: 0,
      fail(error) {
        settle();
        failed(error);
      },
    };
    const off = onAbort(signal, () => entry.fail(aborted()));
    queue.push(entry);
    flush();
  };

  return {
    flush,
    add: (channel, payload, { key, keep, echo, signal } = {}) =>
      new Promise((done, failed) => {
        if (signal?.aborted) {
          throw aborted();
        }
        const passing = keep === false;
        const under = passing ? undefined : (key ?? `${prefix}-${count++}`);
        const wire: Wire = { op: "publish", channel, ...encode(payload), key: under, keep: keep && undefined, echo };
        const ok = (answer: Wire): void => done(present({ pos: text(answer["pos"]), key: under }));
        // Made now: what the program changes later is not what it published.
        const fields = JSON.stringify(wire);
        const to = line();
        if (!passing) {
          if (queue.length >= limit) {
            throw new TidewireError("queue_full", `${limit} wait already`, true);
          }
          enqueue(fields, ok, failed, signal);
        } else if (to) {
          calls.add([{ fields, ok, no: (error) => failed(error ?? unconfirmed()) }], to);
        } else {
          throw new TidewireError("offline", "no connection", true);
        }
      }),
    end(error) {
      clearTimeout(paused);
      paused = undefined;
      for (const entry of queue) {
        entry.fail(entry.open || entry.id ? unconfirmed() : error);
      }
    },
  };
}
