// The client, as a program sees it.
import { calls } from "./calls.js";
import { Channel, full } from "./channel.js";
import { failure, text, type Wire } from "./codec.js";
import { connection } from "./connection.js";
import type { Core } from "./core.js";
import { Emitter } from "./emitter.js";
import type { Connection, Me } from "./host.js";
import { onAbort } from "./later.js";
import { aborted, publishes, type Publishes } from "./publishes.js";
import { settings } from "./settings.js";
import { TidewireError } from "./types.js";
import type {
  Ack, ChannelOptions, ClientEvents, Options, Payload, PublishOptions, Reason, State, TransportName,
} from "./types.js";

/** A client of one hub. Connects when it is first needed. */
export class Tidewire extends Emitter<ClientEvents> {
  readonly #channels = new Map<string, Channel>();
  readonly #me: Me;
  readonly #core: Core;
  readonly #publishes: Publishes;
  readonly #connection: Connection;

  /** `url`: where the hub is: `ws://host/ws` or `https://host`, with a path before it if it has one. */
  constructor(url: string | URL, options: Options = {}) {
    super();
    const all = settings(url, options);
    const open = calls();
    const { token, name } = options;
    const me: Me = (this.#me = { token: typeof token === "string" ? token : undefined, name, session: undefined });
    const line: Core["line"] = () => connected.line();
    const setup = {
      ...all,
      who: () => (line() ? { client: me.token, name: me.name } : {}),
      followed: () => [...this.#channels.values()].filter(({ wanted }) => wanted),
    };
    const waiting = (this.#publishes = publishes({ ...all, calls: open, line, client: () => this.client }));
    const core: Core = (this.#core = {
      backoff: all.backoff,
      line,
      need: () => connected.need(),
      ask: (command, ok = () => {}, no = () => {}, again) =>
        open.add([{ fields: JSON.stringify(command), ok, no: (error) => error && no(error), again }], line())[0]!,
      drop: open.drop,
      read: (command, signal) => {
        let end: () => void;
        return new Promise<Wire>((done, failed) => {
          this.#alive();
          const id = core.ask(command, done, failed, true);
          const timer = setTimeout(() => failed(new TidewireError("timeout", "no answer in time", true)), all.patience);
          const off = onAbort(signal, () => failed(aborted()));
          end = () => {
            clearTimeout(timer);
            off();
            open.drop(id);
          };
          core.need();
        }).finally(() => end?.());
      },
      publish: (channel, payload, how) => this.publish(channel, payload, how),
    });
    const connected = (this.#connection = connection(all, setup, me, {
      emit: (...event) => this.emit(...event),
      open: (line) => {
        open.resend(line);
        this.#channels.forEach((channel) => channel.enter());
        waiting.flush();
      },
      lost: () => {
        open.lost();
        this.#channels.forEach((channel) => channel.lost());
      },
      end: (error) => {
        open.lost(error);
        waiting.end(error);
      },
      heard: (object) => {
        const { op, id, channel } = object;
        if (op === "hello") {
          me.session = text(object["session"]);
        } else if (id !== undefined) {
          open.take(object);
        } else if (op === "error") {
          this.emit("error", failure(object));
        } else {
          this.#channels.get(channel as string)?.heard(object);
        }
      },
      ask: (answered) => void core.ask({ op: "ping" }, answered),
    }));
  }

  get state(): State {
    return this.#connection.state();
  }

  /** Why there is no connection. */
  get reason(): Reason | undefined {
    return this.#connection.reason();
  }

  /** How bytes travel now. */
  get transport(): TransportName | undefined {
    return this.#connection.line()?.name;
  }

  /** The public id of this session; long poll has none. */
  get session(): string | undefined {
    return this.#me.session;
  }

  /** The public id of this guest: what others see. */
  get client(): string | undefined {
    return this.token?.split(".")[0];
  }

  /** The secret that makes a later client the same guest. */
  get token(): string | undefined {
    return this.#me.token;
  }

  /** The channel of this name: always the same object for the same name. */
  channel(name: string, options: ChannelOptions = {}): Channel {
    name = full(name);
    const channel = this.#channels.get(name) ?? new Channel(this.#core, name);
    this.#channels.set(name, channel);
    channel.begin(options);
    return channel;
  }

  /**
   * Publishes: a string as `text`, bytes as `bytes`, anything else as `data`. Resolves when the hub has kept it;
   * until then it is repeated, under one key, over as many connections as it takes.
   */
  async publish(channel: string, payload: Payload, options?: PublishOptions): Promise<Ack> {
    this.#alive();
    const ack = this.#publishes.add(full(channel), payload, options);
    this.#core.need();
    return ack;
  }

  /** Changes what the client calls itself. */
  async rename(name: string): Promise<void> {
    const line = this.#connection.line();
    if (line) {
      await this.#core.read({ op: "auth", client: this.token, name, binary: true });
    }
    this.#me.name = name;
    line?.follow?.();
  }

  /** How long the hub takes to answer, in ms. */
  async ping(): Promise<number> {
    const began = performance.now();
    await this.#core.read({ op: "ping" });
    return performance.now() - began;
  }

  /** Connects now, also where it would have waited. */
  connect(): void {
    this.#connection.connect();
  }

  /** Ends the connection until `connect()`. Channels keep their places; publishes wait. */
  disconnect(): void {
    this.#connection.disconnect();
  }

  /** Ends it for good; what still waits is refused. */
  async close(): Promise<void> {
    this.#connection.close();
  }

  #alive(): void {
    if (this.state === "closed") {
      throw new TidewireError("closed", this.reason!.message);
    }
  }
}
