// Who is in a channel: a list with a version, kept by joins and leaves, read again where one was missed.
import { member, number, objects, type Wire } from "./codec.js";
import type { Core } from "./core.js";
import { Emitter } from "./emitter.js";
import type { Member, Off, PresenceEvents, TidewireError } from "./types.js";

/** A list that changes while it is read is read again, but not without end. */
const TRIES = 3;
/** Who comes between two polls is missed, and a busy hub does not answer: the list is read again after so long, in ms. */
const FRESH = 1000;

interface List {
  v: number;
  members: Map<string, Member>;
}

/** The channel, as its list needs it. */
export interface Room {
  readonly name: string;
  /** Whether the program wants it. */
  readonly wanted: boolean;
  /** Whether joins and leaves are wanted. */
  watched: boolean;
  subscribe(): { renew(): void };
  emit(event: "error", error: TidewireError): void;
}

export class Presence extends Emitter<PresenceEvents> {
  readonly #core: Core;
  readonly #room: Room;
  #list: List = { v: 0, members: new Map() };
  /** Changes that came while the list is read; none: it is not read. Of several readings, the last has this one. */
  #changes: Wire[] | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** @internal */
  constructor(core: Core, room: Room) {
    super();
    this.#core = core;
    this.#room = room;
  }

  /** Who is here, as far as it is known: kept up to date once something listens. */
  get members(): readonly Member[] {
    return [...this.#list.members.values()];
  }

  /** Listens. The first listener subscribes the channel, with joins and leaves. */
  override on<E extends keyof PresenceEvents>(event: E, listener: PresenceEvents[E]): Off {
    const off = super.on(event, listener);
    if (!this.#room.watched) {
      this.#room.watched = true;
      this.#room.subscribe().renew();
      this.#polls();
    }
    return off;
  }

  /** Reads the list once. */
  async get(): Promise<readonly Member[]> {
    return [...(await this.#read()).members.values()];
  }

  /** @internal The channel was subscribed; `still`: it was live, as it is between two polls. */
  begun(still: boolean): void {
    if (this.#room.watched && (!this.#polls() || !still)) {
      this.#sync();
    }
  }

  /** @internal The subscription is gone. */
  lost(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** @internal A join or leave. */
  heard(change: Wire): void {
    if (!this.#room.watched) {
      return;
    }
    if (this.#changes) {
      this.#changes.push(change);
    } else if (!this.#apply(change, true)) {
      this.#changes = [change];
      this.#sync();
    }
  }

  /** Whether changes come by long poll: not all do, and a poll that waits brings none. */
  #polls(): boolean {
    const polls = this.#core.line()?.name === "poll";
    if (polls) {
      this.#soon();
    }
    return polls;
  }

  /** Reads the list once more, if the subscription lasts so long. */
  #soon(): void {
    this.#timer ??= setTimeout(() => {
      this.lost();
      this.#sync();
    }, FRESH);
  }

  /** Takes a change in; `false`: one before it was missed. */
  #apply(change: Wire, tell: boolean): boolean {
    const who = member(change);
    const step = (number(change["v"]) ?? 0) - this.#list.v;
    if (!who || step < 1) {
      return true;
    }
    if (step > 1) {
      return false;
    }
    this.#list.v++;
    const joins = change["op"] === "join";
    if (joins) {
      this.#list.members.set(who.session, who);
    } else {
      this.#list.members.delete(who.session);
    }
    if (tell) {
      this.emit(joins ? "join" : "leave", who, this.members);
    }
    return true;
  }

  #sync(): void {
    const changes = (this.#changes = [...(this.#changes ?? [])]);
    this.#read().then(
      (list) => {
        if (changes === this.#changes) {
          this.#changes = undefined;
          this.#list = list;
          const whole = changes.every((change) => this.#apply(change, false));
          this.emit("sync", this.members);
          if (!whole) {
            this.#sync();
          }
        }
      },
      (error: TidewireError) => {
        if (changes === this.#changes) {
          this.#changes = undefined;
          if (!error.temporary) {
            this.#room.emit("error", error);
          } else if (this.#core.line() && this.#room.wanted) {
            this.#soon();
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
      const answer = await this.#core.read({ op: "presence", channel: this.#room.name, after, limit: 1000 });
      const v = number(answer["v"]) ?? 0;
      const page = objects(answer["members"]).map(member).filter((one) => !!one);
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
