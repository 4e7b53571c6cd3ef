// What is published and not yet answered: in order, under keys, repeated until the hub says that it is kept.
import { pause, type Bounds } from "./backoff.js";
import type { Call, Calls } from "./calls.js";
import { encode, text, type Wire } from "./codec.js";
import type { Line } from "./transports/line.js";
import { TidewireError } from "./types.js";
import type { Ack, Payload, PublishOptions } from "./types.js";

/** How many are on the way at once. */
const WINDOW = 16;
/** How often a full disk or a busy hub is asked again for the same. */
const PATIENT = 5;
/** What a call is told when its connection is lost: it is no answer. */
export const LOST = "lost";

interface Entry {
  call: Call;
  /** On the way. */
  id: number;
  /** Whether it may have been kept: it was sent, and the answer is missing. */
  open: boolean;
  /** Whose it was when it was sent: a key holds for one guest. */
  as: string | undefined;
  /** When it was sent first. */
  at: number;
  tries: number;
  timer: ReturnType<typeof setTimeout> | undefined;
  fail: (error: TidewireError) => void;
}

export interface Publisher {
  readonly calls: Calls;
  readonly backoff: Bounds;
  readonly limit: number;
  readonly confirmWithin: number;
  line(): Line | undefined;
  client(): string | undefined;
}

const unconfirmed = (): TidewireError =>
  new TidewireError("unconfirmed", "it was sent, but whether the hub has kept it is not known");

export class Publishes {
  readonly #by: Publisher;
  readonly #prefix = Math.random().toString(36).slice(2);
  #count = 0;
  #queue: Entry[] = [];
  #window = WINDOW;
  /** Until the hub wants the next. */
  #paused: ReturnType<typeof setTimeout> | undefined;
  #tries = 0;
  #soon = false;

  constructor(by: Publisher) {
    this.#by = by;
  }

  add(channel: string, payload: Payload, { key, keep, echo, signal }: PublishOptions = {}): Promise<Ack> {
    return new Promise<Ack>((done, failed) => {
      if (signal?.aborted) {
        throw new TidewireError("aborted", "it was given up");
      }
      const kept = keep !== false;
      const under = kept ? (key ?? `${this.#prefix}-${this.#count++}`) : undefined;
      const wire: Wire = { op: "publish", channel, ...encode(payload), key: under, keep: kept ? undefined : false, echo };
      const ack = (answer: Wire): Ack => {
        const pos = text(answer["pos"]);
        return { ...(pos !== undefined && { pos }), ...(under !== undefined && { key: under }) };
      };
      // Made now: what the program changes later is not what it published.
      const fields = JSON.stringify(wire);
      if (!kept) {
        this.#once(fields, (answer) => done(ack(answer)), failed);
      } else if (this.#queue.length >= this.#by.limit) {
        throw new TidewireError("queue_full", `${this.#by.limit} publishes wait already`, true);
      } else {
        this.#enqueue(fields, (answer) => done(ack(answer)), failed, signal);
      }
    });
  }

  /** Sends what can be sent, once all that happens now has happened. */
  flush(): void {
    if (!this.#soon) {
      this.#soon = true;
      queueMicrotask(() => {
        this.#soon = false;
        this.#send();
      });
    }
  }

  /** Nothing is repeated any more. */
  end(error: TidewireError): void {
    clearTimeout(this.#paused);
    this.#paused = undefined;
    for (const entry of [...this.#queue]) {
      entry.fail(entry.open || entry.id > 0 ? unconfirmed() : error);
    }
  }

  /** What is not to be kept is worth sending only now. */
  #once(fields: string, ok: Call["ok"], failed: (error: unknown) => void): void {
    const line = this.#by.line();
    if (!line) {
      throw new TidewireError("offline", "there is no connection, and it was not to be kept", true);
    }
    const no = (error: TidewireError): void => failed(error.code === LOST ? unconfirmed() : error);
    this.#by.calls.add([{ fields, ok, no }], line);
  }

  #enqueue(fields: string, done: Call["ok"], failed: (error: unknown) => void, signal?: AbortSignal): void {
    const abort = (): void => entry.fail(new TidewireError("aborted", "it was given up"));
    const settle = (): void => {
      clearTimeout(entry.timer);
      signal?.removeEventListener("abort", abort);
      this.#by.calls.drop(entry.id);
      this.#queue = this.#queue.filter((one) => one !== entry);
      if (this.#queue.length === 0) {
        this.#window = WINDOW;
      }
      this.flush();
    };
    const entry: Entry = {
      call: {
        fields,
        ok: (answer) => {
          this.#tries = 0;
          settle();
          done(answer);
        },
        no: (error) => this.#refused(entry, error),
      },
      id: 0,
      open: false,
      as: undefined,
      at: 0,
      tries: 0,
      timer: undefined,
      fail: (error) => {
        settle();
        failed(error);
      },
    };
    signal?.addEventListener("abort", abort);
    this.#queue.push(entry);
    this.flush();
  }

  #send(): void {
    const line = this.#by.line();
    if (!line || this.#paused !== undefined) {
      return;
    }
    const me = this.#by.client();
    for (const entry of [...this.#queue]) {
      // As somebody else, or too late, the same key would be another publication. Timers sleep with the machine.
      if (entry.open && (entry.as !== me || Date.now() - entry.at > this.#by.confirmWithin)) {
        entry.fail(unconfirmed());
      }
    }
    const room = this.#window - this.#queue.filter(({ id }) => id > 0).length;
    const next = this.#queue.filter(({ id }) => id === 0).slice(0, Math.max(0, room));
    const ids = this.#by.calls.add(next.map(({ call }) => call), line);
    next.forEach((entry, at) => {
      entry.id = ids[at]!;
      entry.as = me;
      if (entry.timer === undefined) {
        entry.at = Date.now();
        entry.timer = setTimeout(() => entry.fail(unconfirmed()), this.#by.confirmWithin);
      }
    });
  }

  #refused(entry: Entry, error: TidewireError): void {
    entry.id = 0;
    if (error.code === LOST) {
      entry.open = true;
      return;
    }
    if (!error.temporary || (error.code !== "rate_limited" && ++entry.tries > PATIENT)) {
      entry.fail(error.code === "unavailable" ? unconfirmed() : error);
      return;
    }
    entry.open ||= error.code === "unavailable";
    if (!entry.open) {
      // It was certainly not kept: the clock of its key begins anew.
      clearTimeout(entry.timer);
      entry.timer = undefined;
    }
    // One by one from here on, so that a later one does not overtake it.
    this.#window = 1;
    this.#paused ??= setTimeout(() => {
      this.#paused = undefined;
      this.#send();
    }, pause(this.#by.backoff, this.#tries++, error.retryAfter));
  }
}
