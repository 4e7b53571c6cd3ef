// The client: which connection there is, and what becomes of everything when it changes.
import { pause } from "./backoff.js";
import { Calls } from "./calls.js";
import { Channel, full } from "./channel.js";
import { failure, number, text, type Wire } from "./codec.js";
import type { Core } from "./core.js";
import { Emitter } from "./emitter.js";
import { LOST, Publishes } from "./publishes.js";
import { settings, WAYS, type Settings } from "./settings.js";
import type { End, Line, Setup } from "./transports/line.js";
import { TidewireError } from "./types.js";
import type {
  Ack, ChannelOptions, ClientEvents, Off, Options, Payload, PublishOptions, Reason, State, TransportName,
} from "./types.js";
import { isOffline, watch } from "./wake.js";

/** A connection that lasted so long, in ms, was a good one: what comes after it begins with a short pause. */
const LASTED = 5000;
/** How long a hub may take to answer somebody who was away. */
const SHORT = 3000;
/** The longest time between two looks at the clock. */
const TICK = 10_000;
/** The longest pause between two attempts to climb. */
const CLIMB = 300_000;
/** When a way that has worked before is tried again, in ms. */
const SOON = 1000;

type Timer = ReturnType<typeof setTimeout>;

/** A connection on its way. */
interface Trial {
  level: number;
  line?: Line;
  timer: Timer;
}

/** A client of one hub. Connects when it is first needed. */
export class Tidewire {
  readonly #on = new Emitter<ClientEvents>();
  readonly #settings: Settings;
  readonly #setup: Setup;
  readonly #core: Core;
  readonly #calls = new Calls();
  readonly #publishes: Publishes;
  readonly #channels = new Map<string, Channel>();
  #state: State = "idle";
  #reason: Reason | undefined;
  #line: Line | undefined;
  #trial: Trial | undefined;
  /** Which way is tried next, which worked last, which ever did. */
  #level = 0;
  #best = 0;
  readonly #worked = new Set<number>();
  /** How often this way has failed in this round, and how many rounds have. */
  #fails = 0;
  #rounds = 0;
  #openedAt = 0;
  #timer: Timer | undefined;
  #climb: Timer | undefined;
  #climbPause = 0;
  #tick: ReturnType<typeof setInterval> | undefined;
  #tickAt = 0;
  /** A question whether the hub is there. */
  #asking = 0;
  #askingTimer: Timer | undefined;
  #held = false;
  #aside = false;
  #dead = false;
  #token: string | undefined;
  /** A token that the hub refused is not shown again. */
  #refused: string | undefined;
  #name: string | undefined;
  #session: string | undefined;
  #unwatch: (() => void) | undefined;

  /** `url`: where the hub is: `ws://host/ws` or `https://host`, with a path before it if it has one. */
  constructor(url: string | URL, options: Options = {}) {
    const all = (this.#settings = settings(url, options));
    this.#name = options.name;
    this.#climbPause = all.climb;
    this.#token = typeof options.token === "string" ? options.token : undefined;
    const line = (): Line | undefined => this.#line;
    this.#publishes = new Publishes({ ...all, calls: this.#calls, line, client: () => this.client });
    this.#setup = {
      ...all,
      who: () => ({ client: this.#line && this.#token, name: this.#line && this.#name }),
      followed: () => [...this.#channels.values()].filter(({ wanted }) => wanted),
    };
    this.#core = {
      backoff: all.backoff,
      line,
      need: () => this.#need(),
      ask: (command, ok = () => {}, no = () => {}) =>
        this.#calls.add([{ fields: JSON.stringify(command), ok, no: (error) => error.code === LOST || no(error) }], this.#line)[0]!,
      drop: (call) => this.#calls.drop(call),
      read: (command, signal) => this.#read(command, signal),
      publish: (channel, payload, how) => this.publish(channel, payload, how),
      leave: (channel) => this.#leave(channel),
    };
  }

  get state(): State {
    return this.#state;
  }

  /** Why there is no connection. */
  get reason(): Reason | undefined {
    return this.#reason;
  }

  /** How bytes travel now. */
  get transport(): TransportName | undefined {
    return this.#line?.name;
  }

  /** The public id of this session; long poll has none. */
  get session(): string | undefined {
    return this.#session;
  }

  /** The public id of this guest: what others see. */
  get client(): string | undefined {
    return this.#token?.split(".")[0];
  }

  /** The secret that makes a later client the same guest. */
  get token(): string | undefined {
    return this.#token;
  }

  on<E extends keyof ClientEvents>(event: E, listener: ClientEvents[E]): Off {
    return this.#on.on(event, listener);
  }

  /** The channel of this name: always the same object for the same name. */
  channel(name: string, options: ChannelOptions = {}): Channel {
    const known = this.#channels.get(full(name)) ?? new Channel(this.#core, full(name));
    this.#channels.set(known.name, known);
    known.begin(options);
    return known;
  }

  /**
   * Publishes: a string as `text`, bytes as `bytes`, anything else as `data`. Resolves when the hub has kept it;
   * until then it is repeated, under one key, over as many connections as it takes.
   */
  publish(channel: string, payload: Payload, options?: PublishOptions): Promise<Ack> {
    if (this.#dead || this.#state === "closed") {
      return Promise.reject(new TidewireError("closed", this.#reason?.message ?? "the client is closed"));
    }
    const ack = this.#publishes.add(full(channel), payload, options);
    this.#need();
    return ack;
  }

  /** Changes what the client calls itself. */
  async rename(name: string): Promise<void> {
    if (this.#line) {
      await this.#read({ op: "auth", client: this.#token, name, binary: true });
    }
    this.#name = name;
    this.#line?.follow?.();
  }

  /** How long the hub takes to answer, in ms. */
  async ping(): Promise<number> {
    const began = performance.now();
    await this.#read({ op: "ping" });
    return performance.now() - began;
  }

  /** Connects now, also where it would have waited. */
  connect(): void {
    if (!this.#dead) {
      this.#held = this.#aside = false;
      this.#unwatch ??= watch({ woke: () => this.#woke(), hidden: () => this.#hide() });
      if (!this.#line && !this.#trial) {
        this.#try(this.#level);
      }
    }
  }

  /** Ends the connection until `connect()`. Channels keep their places; publishes wait. */
  disconnect(): void {
    if (!this.#dead) {
      this.#held = true;
      void this.#drop();
      this.#set("idle");
    }
  }

  /** Ends it for good; what still waits is refused. */
  async close(): Promise<void> {
    if (!this.#dead) {
      this.#dead = true;
      const gone = this.#drop();
      this.#finish({ code: 1000, message: "the client was closed" });
      await gone;
    }
  }

  #need(): void {
    if (this.#state === "idle" && !this.#held) {
      this.connect();
    }
  }

  #set(state: State, reason?: Reason): void {
    this.#state = state;
    this.#reason = reason;
    this.#on.emit("state", state, reason);
  }

  #read(command: Wire, signal?: AbortSignal): Promise<Wire> {
    return new Promise((done, failed) => {
      if (this.#dead || this.#state === "closed") {
        throw new TidewireError("closed", this.#reason?.message ?? "the client is closed");
      }
      const end = (): void => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", abort);
        this.#calls.drop(id!);
      };
      const no = (error: TidewireError): void => {
        end();
        failed(error);
      };
      const abort = (): void => no(new TidewireError("aborted", "it was given up"));
      const timer = setTimeout(() => no(new TidewireError("timeout", "no answer in time", true)), this.#settings.patience);
      const ok = (answer: Wire): void => {
        end();
        done(answer);
      };
      const [id] = this.#calls.add([{ fields: JSON.stringify(command), ok, no, again: true }], this.#line);
      signal?.addEventListener("abort", abort);
      if (signal?.aborted) {
        abort();
      }
      this.#need();
    });
  }

  #leave(channel: Channel): void {
    if (this.#line?.follow) {
      this.#line.follow();
    } else if (this.#line) {
      this.#core.ask({ op: "unsubscribe", channel: channel.name });
    }
  }

  // The connection: tried, opened, lost.

  #try(level: number): void {
    clearTimeout(this.#timer);
    const late = (): void => this.#failed(trial, { code: 0, message: "no answer in time", blocked: true });
    const trial: Trial = { level, timer: setTimeout(late, this.#settings.patience) };
    this.#trial = trial;
    if (!this.#line) {
      this.#set("connecting");
    }
    this.#handed().then((token) => {
      if (this.#trial === trial) {
        this.#open(trial, token);
      }
    }, () => {});
  }

  /** The token to show: what the program gives goes before what the hub gave. */
  async #handed(): Promise<string | undefined> {
    const { token } = this.#settings;
    let given: string | undefined;
    try {
      given = typeof token === "function" ? await token() : undefined;
    } catch (error) {
      this.#on.emit("error", new TidewireError("token", `the token was not given: ${String(error)}`));
    }
    return [given, this.#token].find((one) => one !== undefined && one !== this.#refused);
  }

  #open(trial: Trial, token: string | undefined): void {
    let hello: Wire = {};
    let name = this.#name;
    let client = token;
    const auth = (): void =>
      line.send([JSON.stringify({ id: 0, op: "auth", client, name, binary: true })]);
    const answered = (object: Wire): void => {
      if (object["op"] !== "error") {
        this.#opened(trial, line, hello, text(object["client"]) ?? client ?? text(hello["client"]));
        return;
      }
      const error = failure(object);
      if (error.temporary || (client === undefined && name === undefined)) {
        this.#failed(trial, { code: 0, message: error.message, retry: error.retryAfter });
        return;
      }
      this.#on.emit("error", error);
      // Without what was refused: as a new guest, or without a name.
      if (client !== undefined && error.code === "bad_client") {
        this.#refused = client;
        client = undefined;
      } else {
        name = this.#name = undefined;
      }
      auth();
    };
    const line: Line = new WAYS[this.#settings.ways[trial.level]!](this.#setup, {
      up: auth,
      heard: (object) => {
        if (object["op"] === "bye") {
          const end: End = {
            code: number(object["code"]) ?? 0,
            message: text(object["reason"]) ?? "the hub said goodbye",
            retry: number(object["retry_after_ms"]),
            stop: object["reconnect"] === false,
          };
          this.#ended(trial, line, end);
        } else if (line === this.#line) {
          this.#heard(object);
        } else if (this.#trial === trial) {
          if (object["op"] === "hello") {
            hello = object;
          } else if (object["id"] === 0) {
            answered(object);
          }
        }
      },
      down: (end) => this.#ended(trial, line, end),
    });
    trial.line = line;
  }

  #opened(trial: Trial, line: Line, hello: Wire, token: string | undefined): void {
    clearTimeout(trial.timer);
    const old = this.#line;
    this.#trial = undefined;
    if (old) {
      // Everything goes on over the better way, from where the worse one had come to.
      this.#lose();
      void old.close();
    }
    this.#line = line;
    this.#level = this.#best = trial.level;
    this.#worked.add(trial.level);
    this.#fails = 0;
    this.#openedAt = this.#tickAt = Date.now();
    this.#session = text(hello["session"]);
    this.#take(token);
    this.#tick = setInterval(() => this.#look(), Math.min(TICK, this.#settings.idle));
    this.#set("open");
    if (this.#line !== line) {
      return;
    }
    this.#calls.resend(line);
    for (const channel of this.#channels.values()) {
      channel.enter();
    }
    this.#publishes.flush();
    this.#climbLater(this.#worked.has(0) ? Math.min(SOON, this.#climbPause) : this.#climbPause);
  }

  #take(token: string | undefined): void {
    if (token !== undefined && token !== this.#token) {
      this.#token = token;
      this.#on.emit("token", token);
    }
  }

  #ended(trial: Trial, line: Line, end: End): void {
    if (this.#line === line) {
      this.#lose();
      void line.close();
      if (Date.now() - this.#openedAt > LASTED) {
        this.#rounds = 0;
      }
      this.#again(end, end.blocked ?? false);
    } else {
      this.#failed(trial, end);
    }
  }

  #failed(trial: Trial, end: End): void {
    if (this.#trial !== trial) {
      return;
    }
    clearTimeout(trial.timer);
    this.#trial = undefined;
    void trial.line?.close();
    if (this.#line) {
      // A better way does not work yet; perhaps the next one does.
      if (trial.level + 1 < this.#level) {
        this.#try(trial.level + 1);
      } else {
        this.#climbLater(this.#climbPause);
      }
      return;
    }
    this.#fails += end.blocked ? 2 : 1;
    this.#again(end, this.#fails >= 2 || trial.level !== this.#best);
  }

  /** Comes back, by the next way if this one is to blame. */
  #again(end: End, next: boolean): void {
    if (end.stop) {
      void this.#drop();
      this.#finish({ code: end.code, message: end.message });
      return;
    }
    if (this.#trial) {
      this.#level = this.#trial.level;
      this.#set("connecting");
      return;
    }
    if (next) {
      this.#fails = 0;
      this.#level = (this.#level + 1) % this.#settings.ways.length;
      if (this.#level !== this.#best && end.retry === undefined) {
        this.#try(this.#level);
        return;
      }
    }
    const wait = pause(this.#settings.backoff, this.#rounds++, end.retry);
    this.#timer = setTimeout(() => this.#try(this.#level), wait);
    const reason = { code: end.code, message: end.message, retryAt: Date.now() + wait };
    this.#set(isOffline() ? "offline" : "waiting", reason);
  }

  /** The connection carries nothing any more. */
  #lose(): void {
    clearInterval(this.#tick);
    clearTimeout(this.#climb);
    clearTimeout(this.#askingTimer);
    this.#asking = 0;
    this.#line = this.#session = undefined;
    const lost = new TidewireError(LOST, "the connection was lost", true);
    this.#calls.lost(({ again }) => (again ? undefined : lost));
    this.#channels.forEach((channel) => channel.lost());
  }

  /** Ends whatever connection there is, without another. */
  #drop(): Promise<unknown> {
    clearTimeout(this.#timer);
    const lines = [this.#line, this.#trial?.line];
    clearTimeout(this.#trial?.timer);
    this.#trial = undefined;
    this.#lose();
    return Promise.all(lines.map((line) => line?.close()));
  }

  #finish(reason: Reason): void {
    this.#unwatch?.();
    this.#unwatch = undefined;
    const closed = new TidewireError("closed", reason.message);
    this.#state = "closed";
    this.#reason = reason;
    this.#calls.lost(() => closed);
    this.#publishes.end(closed);
    this.#set("closed", reason);
  }

  #heard(object: Wire): void {
    if (object["op"] === "hello") {
      this.#session = text(object["session"]);
    } else if (object["id"] !== undefined) {
      this.#calls.take(object);
    } else if (object["op"] === "error") {
      this.#on.emit("error", failure(object));
    } else {
      this.#channels.get(text(object["channel"]) ?? "")?.heard(object);
    }
  }

  // Is the hub still there?

  #look(): void {
    const now = Date.now();
    const late = now - this.#tickAt > 2 * TICK;
    this.#tickAt = now;
    if (this.#line && (late || now - this.#line.heardAt >= this.#settings.idle)) {
      this.#check(late ? SHORT : this.#settings.patience);
    }
  }

  #woke(): void {
    if (this.#aside) {
      this.connect();
    } else if (this.#line) {
      this.#check(SHORT);
    } else if (!this.#trial && (this.#state === "waiting" || this.#state === "offline")) {
      if (isOffline()) {
        this.#set("offline", this.#reason);
      } else {
        this.#try(this.#level);
      }
    }
  }

  /** The page is put aside: it comes back with `pageshow`. */
  #hide(): void {
    if (this.#line || this.#trial || this.#state === "waiting") {
      void this.#drop();
      this.#aside = true;
      this.#set("waiting", { code: 0, message: "the page is put aside" });
    }
  }

  #check(patience: number): void {
    const line = this.#line!;
    if (line.follow && Date.now() - line.heardAt > this.#settings.idle + TICK) {
      // A stream may be dead where a new request works.
      line.follow();
    }
    const gone = (): void => {
      if (this.#line === line) {
        this.#lose();
        void line.close();
        this.#set("connecting", { code: 0, message: "the hub does not answer" });
        if (!this.#trial) {
          this.#try(this.#level);
        }
      }
    };
    clearTimeout(this.#askingTimer);
    this.#calls.drop(this.#asking);
    this.#asking = this.#core.ask({ op: "ping" }, () => clearTimeout(this.#askingTimer));
    this.#askingTimer = setTimeout(gone, Math.min(patience, this.#settings.patience));
  }

  #climbLater(wait: number): void {
    clearTimeout(this.#climb);
    if (this.#level > 0) {
      this.#climb = setTimeout(() => {
        this.#climbPause = Math.min(Math.max(CLIMB, this.#settings.climb), this.#climbPause * 2);
        this.#try(0);
      }, wait);
    } else {
      this.#climbPause = this.#settings.climb;
    }
  }
}
