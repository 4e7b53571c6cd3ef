// A channel: where the program is in it, and what it is told of it.
import { pause } from "./backoff.js";
import { message, number, objects, present, text, type Wire } from "./codec.js";
import type { Core } from "./core.js";
import { Emitter } from "./emitter.js";
import { once } from "./later.js";
import { Presence } from "./presence.js";
import { TidewireError } from "./types.js";
import type {
  Ack, ChannelEvents, ChannelOptions, ChannelState, HistoryOptions, HistoryPage, Off, Payload, Position, PublishOptions,
} from "./types.js";

/** A named stream of messages. Made by `tide.channel(name)`. */
export class Channel extends Emitter<ChannelEvents> {
  /** The full name: `chat:lobby`, also if `lobby` was asked for. */
  readonly name: string;
  /** Who is here. */
  readonly presence: Presence;
  /** @internal How many of the newest come first, if there is no position. */
  newest = 0;
  /** @internal Whether joins and leaves are wanted. */
  watched = false;
  /** @internal Whether the program wants it. */
  wanted = false;
  readonly #core: Core;
  #state: ChannelState = "idle";
  #pos: Position | undefined;
  /** The subscribe that waits for its answer. What comes before that belongs to an earlier one, and comes again. */
  #call = 0;
  /** Whether the hub was asked for it over this connection. */
  #there = false;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #tries = 0;

  /** @internal */
  constructor(core: Core, name: string) {
    super();
    this.#core = core;
    this.name = name;
    this.presence = new Presence(core, this);
  }

  get state(): ChannelState {
    return this.#state;
  }

  /** The position of the last that came: what to hand to `since` in a later life of the program. */
  get pos(): Position | undefined {
    return this.#pos;
  }

  /** Listens. The first listener of `message` subscribes. */
  override on<E extends keyof ChannelEvents>(event: E, listener: ChannelEvents[E]): Off {
    const off = super.on(event, listener);
    if (event === "message") {
      this.subscribe();
    }
    return off;
  }

  subscribe(): this {
    if (!this.wanted) {
      this.wanted = true;
      this.#set("subscribing");
      this.#core.need();
      this.renew();
    }
    return this;
  }

  /** Nothing comes any more. A later `subscribe()` goes on from here. */
  unsubscribe(): this {
    if (this.wanted) {
      this.#leave();
    }
    return this;
  }

  /** Resolves when the hub has kept it; see `Tidewire.publish`. */
  publish(payload: Payload, options?: PublishOptions): Promise<Ack> {
    return this.#core.publish(this.name, payload, options);
  }

  /** A page of what was said before: the newest, or those before or after a position. */
  history({ signal, ...where }: HistoryOptions = {}): Promise<HistoryPage> {
    return this.#core.read({ ...where, op: "history", channel: this.name }, signal).then((answer) => ({
      messages: objects(answer["messages"]).map((one) => message(this.name, one)),
      more: !!answer["more"],
      ...present({ pos: text(answer["pos"]) }),
    }));
  }

  /** @internal Options of a second `tide.channel` count as long as nothing has come. */
  begin({ since, history }: ChannelOptions): void {
    this.#pos ??= since;
    this.newest = history ?? this.newest;
  }

  /** @internal Subscribes (again) over the connection that there is; what changes at once is asked at once. */
  readonly renew = once(() => this.enter());

  /** @internal The connection is new, or what is wanted has changed. */
  enter(): void {
    const line = this.#core.line();
    if (!line || !this.wanted) {
      return;
    }
    if (line.follow) {
      line.follow();
      return;
    }
    this.#quit();
    this.#there = true;
    this.#call = this.#core.ask(
      {
        op: "subscribe",
        channel: this.name,
        since: this.#pos,
        history: this.#pos ? undefined : this.newest,
        presence: this.watched,
      },
      (answer) => {
        this.#call = 0;
        this.#begun(answer);
      },
      (error) => {
        this.#call = 0;
        this.refused(error);
      },
    );
  }

  /** @internal The connection is gone, and with it the subscription. */
  lost(): void {
    this.#there = false;
    this.#quit();
    if (this.wanted) {
      this.#set("subscribing");
    }
  }

  /** @internal What the hub says of this channel. */
  heard(object: Wire): void {
    const pos = text(object["pos"]);
    const { op } = object;
    // What is kept and comes now comes again after the answer.
    if (!this.wanted || (pos && op !== "ok" && (this.#call || this.#state === "subscribing"))) {
      return;
    }
    switch (op) {
      case "ok":
        this.#begun(object);
        break;
      case "message":
        this.#pos = pos ?? this.#pos;
        this.emit("message", message(this.name, object));
        break;
      case "live":
        this.#pos = pos ?? this.#pos;
        this.#live();
        break;
      case "lag":
        if (object["recovering"]) {
          this.#set("recovering");
        } else {
          this.#gap(text(object["from"]) ?? this.#pos, pos, number(object["skipped"]));
        }
        break;
      case "join":
      case "leave":
        this.presence.heard(object);
        break;
    }
  }

  /** @internal The subscription was refused. */
  refused(error: TidewireError): void {
    this.#there = false;
    if (!this.wanted) {
      return;
    }
    if (error.code === "bad_position" && this.#pos) {
      const from = this.#pos;
      this.#pos = undefined;
      this.#gap(from);
      this.renew();
    } else if (error.code === "forbidden" && this.watched) {
      // Perhaps it is only the list that it may not see.
      this.watched = false;
      this.emit("error", error);
      this.renew();
    } else if (error.temporary) {
      this.#set("subscribing");
      this.#retry = setTimeout(() => this.enter(), pause(this.#core.backoff, this.#tries++, error.retryAfter));
    } else {
      this.#leave();
      this.emit("error", error);
    }
  }

  #leave(): void {
    this.wanted = false;
    this.#quit();
    this.#core.line()?.follow?.();
    this.#set("idle");
  }

  /** Ends the subscription that there is. */
  #quit(): void {
    this.presence.lost();
    clearTimeout(this.#retry);
    this.#core.drop(this.#call);
    this.#call = 0;
    if (this.#there) {
      this.#there = false;
      this.#core.ask({ op: "unsubscribe", channel: this.name });
    }
  }

  /** The answer to a subscribe. */
  #begun(answer: Wire): void {
    const pos = text(answer["pos"]);
    const recovered = answer["recovered"];
    this.#tries = 0;
    const was = this.#state;
    if (recovered === true) {
      // The position of the answer is not ours yet: what comes now is before it. A poll that goes on is as live as it was.
      if (was !== "live") {
        this.#set("recovering");
      }
    } else if (recovered === false) {
      this.#set("recovering");
      this.#gap(this.#pos, pos);
    } else if (!this.#pos && this.newest) {
      // Until the newest have come, their absence is no place to come back to.
      this.#set("recovering");
    } else {
      this.#pos = pos ?? this.#pos;
      this.#live();
    }
    this.presence.begun(was === "live");
  }

  #gap(from: Position | undefined, pos?: Position, skipped?: number): void {
    this.#pos = pos ?? this.#pos;
    this.emit("gap", present({ from, pos, skipped }));
  }

  #live(): void {
    if (this.#state !== "live" && this.wanted) {
      this.#set("live");
      this.emit("live", this.#pos ?? "");
    }
  }

  #set(state: ChannelState): void {
    if (this.#state !== state) {
      this.#state = state;
      this.emit("state", state);
    }
  }
}

/** The full name of a channel. */
export const full = (name: string): string => (name.includes(":") ? name : `chat:${name}`);
