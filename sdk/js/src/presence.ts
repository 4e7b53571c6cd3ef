// Who is in a channel: a list with a version, kept by joins and leaves, read again where one was missed.
import { member, number, objects, type Wire } from "./codec.js";
import type { Channel } from "./channel.js";
import type { Core } from "./core.js";
import { Emitter } from "./emitter.js";
import type { Member, Off, PresenceEvents, TidewireError } from "./types.js";

/** A list that changes while it is read is read again, but not without end. */
const TRIES = 3;
/** A poll that goes on may have missed somebody; more often than this nobody is asked. */
const FRESH = 5000;

interface List {
  v: number;
  members: Map<string, Member>;
}

export class Presence extends Emitter<PresenceEvents> {
  readonly #core: Core;
  readonly #channel: Channel;
  #list: List = { v: 0, members: new Map() };
  #members: readonly Member[] = [];
  /** Changes that came while the list is read; none: it is not read. */
  #changes: Wire[] | undefined;
  /** Which reading counts: of several, the last. */
  #turn = 0;
  #readAt = 0;

  /** @internal */
  constructor(core: Core, channel: Channel) {
    super();
    this.#core = core;
    this.#channel = channel;
  }

  /** Who is here, as far as it is known: kept up to date once something listens. */
  get members(): readonly Member[] {
    return this.#members;
  }

  /** Listens. The first listener subscribes the channel, with joins and leaves. */
  override on<E extends keyof PresenceEvents>(event: E, listener: PresenceEvents[E]): Off {
    const off = super.on(event, listener);
    if (!this.#channel.watched) {
      this.#channel.watched = true;
      if (this.#channel.wanted) {
        this.#channel.renew();
      } else {
        this.#channel.subscribe();
      }
    }
    return off;
  }

  /** Reads the list once. */
  async get(): Promise<readonly Member[]> {
    return [...(await this.#read()).members.values()];
  }

  /** @internal The channel was subscribed; `still`: it is the next of several polls. */
  begun(still: boolean): void {
    if (this.#channel.watched && !(still && Date.now() - this.#readAt < FRESH)) {
      this.#sync();
    }
  }

  /** @internal A join or leave. */
  heard(change: Wire): void {
    if (!this.#channel.watched) {
      return;
    }
    if (this.#changes) {
      this.#changes.push(change);
    } else if (!this.#apply(change, true)) {
      this.#changes = [change];
      this.#sync();
    }
  }

  /** Takes a change in; `false`: one before it was missed. */
  #apply(change: Wire, tell: boolean): boolean {
    const who = member(change);
    const v = number(change["v"]);
    if (!who || v === undefined || v <= this.#list.v) {
      return true;
    }
    if (v !== this.#list.v + 1) {
      return false;
    }
    this.#list.v = v;
    const joins = change["op"] === "join";
    if (joins) {
      this.#list.members.set(who.session, who);
    } else {
      this.#list.members.delete(who.session);
    }
    if (tell) {
      this.#members = [...this.#list.members.values()];
      this.emit(joins ? "join" : "leave", who, this.#members);
    }
    return true;
  }

  #sync(): void {
    const turn = ++this.#turn;
    this.#changes ??= [];
    this.#readAt = Date.now();
    this.#read().then(
      (list) => {
        if (turn === this.#turn) {
          const changes = this.#changes ?? [];
          this.#changes = undefined;
          this.#list = list;
          const whole = changes.every((change) => this.#apply(change, false));
          this.#members = [...list.members.values()];
          this.emit("sync", this.#members);
          if (!whole) {
            this.#sync();
          }
        }
      },
      (error: TidewireError) => {
        if (turn === this.#turn) {
          this.#changes = undefined;
          if (!error.temporary) {
            this.#channel.emit("error", error);
          }
        }
      },
    );
  }

  /** All pages, of one version if they hold still. */
  async #read(left = TRIES): Promise<List> {
    let list: List | undefined;
    let after: string | undefined;
    for (;;) {
      const answer = await this.#core.read({ op: "presence", channel: this.#channel.name, after, limit: 1000 });
      const v = number(answer["v"]) ?? 0;
      const page = objects(answer["members"]).flatMap((one) => member(one) ?? []);
      list ??= { v, members: new Map() };
      if (v !== list.v && left) {
        return this.#read(left - 1);
      }
      page.forEach((one) => list!.members.set(one.session, one));
      // What changes while it is read is in the changes that come meanwhile.
      const last = page.at(-1)?.session;
      if (!answer["more"] || !last || last === after) {
        return list;
      }
      after = last;
    }
  }
}
