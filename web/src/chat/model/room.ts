// One room as a page sees it: entering it, coming back, older messages, people, typing, what is unread.
import { type Channel, type Gap, type Member, type Message, type Reason, type State, Tidewire, type TidewireError, type TransportName } from "tidewire";
import type { Language } from "../texts/index.ts";
import { type Content, ofBytes, typingOf } from "./content.ts";
import { spelled } from "./emoji.ts";
import { identities } from "./identity.ts";
import { lasting, ofTab } from "./keep.ts";
import { Outbox, contentOfItem, newKey, toBase64 } from "./outbox.ts";
import { type Change, type Person, changes, nameOf, peopleOf, personOf } from "./people.ts";
import { Sender } from "./sender.ts";
import { type Said, Timeline } from "./timeline.ts";
import { type Trouble, answersAt, stops, troubleOf } from "./trouble.ts";
import { Typing } from "./typing.ts";

const PAGE = 100;
/** In a fuller room nobody wants to read who comes and goes. */
const TOLD_PEOPLE = 25;
/** Pages that are read to fill a gap. */
const GAP_PAGES = 5;

export interface RoomOptions {
  server: URL;
  room: string;
  token?: string;
  name?: string;
  history: number;
  language: Language;
  /** Whether it is asked who is here; a room may let read who may not know that. */
  people: boolean;
  on: {
    changed(): void;
    /** The room may be read, but not who is in it: begin again without `people`. */
    withoutPeople(room: Room): void;
    message(message: Message): void;
    state(room: Room): void;
    error(code: string, message: string): void;
  };
}

const places = new Set<string>();

export class Room {
  readonly timeline = new Timeline();
  state: State = "idle";
  reason: Reason | undefined;
  /** Everything up to now has come, at least once. */
  isEntered = false;
  isLive = false;
  /** The connection has failed since it was there last. */
  hasFailed = false;
  /** Why the room is closed to this page. */
  closed: string | undefined;
  trouble: Trouble | undefined;
  people: readonly Person[] = [];
  tellsPeople: boolean;
  hasOlder = true;
  isLoading = false;
  /** The first that nobody has looked at, and how many there are since somebody looked. */
  unread: string | undefined;
  unseen = 0;
  /** What a screen reader says next. */
  spoken: Said[] = [];
  name: string;
  language: Language;
  readonly typing: Typing;
  readonly #options: RoomOptions;
  readonly #tide: Tidewire;
  readonly #channel: Channel;
  readonly #outbox: Outbox;
  readonly #sender: Sender;
  readonly #place: string;
  #isLooking = false;
  #isUnreadOld = true;
  #isStopped = false;
  #isComplete = false;
  #isEnded = false;
  #oldRead: string | null;

  constructor(options: RoomOptions) {
    const { server, room, token, name, history } = options;
    this.#options = options;
    this.language = options.language;
    this.tellsPeople = options.people;
    this.name = name ?? "";
    this.#place = free(`${server.href} ${room}`);
    this.#oldRead = lasting.get(`tidewire.read.${this.#place}`);
    this.#outbox = new Outbox(ofTab, `tidewire.outbox.${this.#place}`);
    this.#tide = new Tidewire(server, { token: token ?? (() => identities.token(server.href, this)), ...(this.name === "" ? {} : { name: this.name }) });
    this.#channel = this.#tide.channel(room, { history });
    this.typing = new Typing((isTyping) => this.#tellTyping(isTyping), () => this.#changed());
    this.#sender = new Sender({
      outbox: this.#outbox,
      publish: (payload, how) => this.#channel.publish(payload, how),
      isReady: () => this.isLive && this.#tide.state === "open",
      wouldBeSeen: () => this.#isComplete,
      told: (key, progress) => this.#change(() => this.timeline.tell(key, progress)),
      kept: ({ key }, { pos }) => this.#change(() => this.timeline.confirm(key, pos)),
      words: { unsure: this.language.t.unsure, tooLarge: this.language.t.tooLarge },
      now: Date.now,
      pause: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
    });
    for (const item of this.#outbox.items) {
      this.timeline.send(item.key, contentOfItem(item), item.at, item.failed === undefined ? { state: "sending" } : { state: "failed", why: item.failed });
    }
    this.#listen(token === undefined);
  }

  get transport(): TransportName | undefined {
    return this.#tide.transport;
  }

  /** Whose messages are one's own; empty until the hub has said it. */
  get me(): string {
    const member = this.#channel.presence.members.find(({ session }) => session === this.#tide.session);
    return personOf(member ?? (this.#tide.client === undefined ? undefined : { client: this.#tide.client }));
  }

  #listen(keepsToken: boolean): void {
    const tide = this.#tide;
    const channel = this.#channel;
    tide.on("state", (state, why) => this.#stateIs(state, why));
    tide.on("error", (error) => this.#options.on.error(error.code, error.message));
    if (keepsToken) {
      tide.on("token", (token) => identities.keep(this.#options.server.href, token));
    }
    channel.on("state", (state) => {
      this.isLive = state === "live";
      this.#changed();
      this.#flush();
    });
    channel.on("error", (error) => this.#refused(error));
    channel.on("gap", (gap) => void this.#gap(gap));
    channel.on("live", () => this.#live());
    channel.on("message", (message) => this.#message(message));
    if (this.tellsPeople) {
      channel.presence.on("sync", (members) => this.#peopleAre(members));
      channel.presence.on("join", (_, members) => this.#peopleAre(members));
      channel.presence.on("leave", (_, members) => this.#peopleAre(members));
    }
    globalThis.document?.addEventListener("securitypolicyviolation", this.#violated);
  }

  readonly #violated = (event: SecurityPolicyViolationEvent): void => {
    if (!this.#isStopped && stops(event, this.#options.server)) {
      this.#isStopped = true;
      void this.#diagnose();
    }
  };

  #stateIs(state: State, why: Reason | undefined): void {
    this.state = state;
    this.reason = why;
    this.hasFailed = state === "waiting" || state === "offline" || (this.hasFailed && state === "connecting");
    if (state !== "open") {
      this.isLive = false;
      this.#isComplete = this.isEntered;
      if (!this.isEntered && (state === "waiting" || state === "closed")) {
        void this.#diagnose();
      }
    } else {
      this.trouble = undefined;
    }
    this.#options.on.state(this);
    this.#changed();
  }

  async #diagnose(): Promise<void> {
    const { server } = this.#options;
    const found = await troubleOf({ page: new URL(location.href), server, isStopped: this.#isStopped, answers: () => answersAt(server) });
    if (this.state !== "open" && found?.kind !== this.trouble?.kind) {
      this.trouble = found;
      if (found !== undefined) {
        this.#options.on.error(`blocked_${found.kind}`, `${found.about}${found.line === undefined ? "" : `: ${found.line}`}`);
      }
      this.#changed();
    }
  }

  #refused({ code, message }: TidewireError): void {
    if (code === "forbidden" && this.tellsPeople) {
      this.#options.on.withoutPeople(this);
      return;
    }
    if (this.#channel.state === "idle") {
      this.closed = message;
    }
    this.#options.on.error(code, message);
    this.#changed();
  }

  #message(message: Message): void {
    const person = personOf(message.from);
    const isTyping = typingOf(message);
    if (isTyping !== undefined) {
      if (person !== this.me) {
        this.typing.heard(person, nameOf(message.from, this.language.t), isTyping);
      }
      return;
    }
    if (message.key !== undefined) {
      this.#outbox.drop(message.key);
    }
    const said = this.timeline.add(message);
    if (said === undefined) {
      return;
    }
    this.typing.heard(person, "", false);
    if (this.isEntered) {
      this.#isNew(said);
      this.#options.on.message(message);
    }
    // Only while nobody reads up there.
    if (this.#isLooking && this.timeline.trim()) {
      this.hasOlder = true;
    }
    this.#changed();
  }

  #isNew(said: Said): void {
    if (said.person === this.me && this.me !== "") {
      return;
    }
    this.spoken = [...this.spoken.slice(-4), said];
    if (this.#isLooking) {
      this.#read();
      return;
    }
    this.unseen += 1;
    if (this.#isUnreadOld) {
      this.#isUnreadOld = false;
      this.unread = said.id;
    }
  }

  /** Whether somebody looks at the newest messages. */
  look(isLooking: boolean): void {
    this.#isLooking = isLooking;
    if (isLooking && this.isEntered) {
      this.#isUnreadOld = true;
      this.#read();
      if (this.unseen > 0) {
        this.unseen = 0;
        this.#changed();
      }
    }
  }

  #read(): void {
    const { newest } = this.timeline;
    if (newest !== undefined && newest !== this.#oldRead) {
      this.#oldRead = newest;
      lasting.set(`tidewire.read.${this.#place}`, newest);
    }
  }

  #live(): void {
    this.isLive = true;
    this.closed = undefined;
    if (!this.isEntered) {
      this.isEntered = true;
      this.#markUnread();
      if (this.#isLooking) {
        this.#read();
      }
    }
    this.#flush();
    this.#changed();
  }

  /** At the entrance: what came since somebody looked here last. */
  #markUnread(): void {
    const { entries } = this.timeline;
    const last = entries.findIndex((entry) => entry.kind === "message" && entry.pos === this.#oldRead);
    const fresh = this.#oldRead === null ? undefined : entries.slice(last + 1).find((entry) => entry.kind === "message" && entry.person !== this.me);
    this.unread = fresh?.id;
  }

  async #gap({ from }: Gap): Promise<void> {
    this.#isComplete = false;
    const mark = this.timeline.gap(Date.now());
    this.#changed();
    if (mark === undefined) {
      return;
    }
    try {
      const { messages, isWhole } = await this.#missing(from);
      this.#change(() => this.timeline.fill(mark, messages, isWhole));
    } catch {
      // The mark stays: it says what is known.
    }
  }

  /** What came after a position, as far as it is still there; else the newest page. */
  async #missing(from: string | undefined): Promise<{ messages: Message[]; isWhole: boolean }> {
    if (from !== undefined) {
      try {
        const messages: Message[] = [];
        for (let page = 0, after = from; page < GAP_PAGES; page += 1) {
          const part = await this.#channel.history({ after, limit: 200 });
          messages.push(...part.messages);
          after = part.messages.at(-1)?.pos ?? after;
          if (!part.more) {
            return { messages, isWhole: true };
          }
        }
      } catch (error) {
        if (!isGone(error)) {
          throw error;
        }
      }
    }
    return { messages: (await this.#channel.history({ limit: PAGE })).messages, isWhole: false };
  }

  /** Reads the page before the oldest. */
  async older(): Promise<void> {
    const { oldest } = this.timeline;
    if (this.isLoading || !this.hasOlder || !this.isEntered) {
      return;
    }
    if (oldest === undefined) {
      this.#change(() => (this.hasOlder = false));
      return;
    }
    this.#change(() => (this.isLoading = true));
    try {
      const { messages, more } = await this.#channel.history({ before: oldest, limit: PAGE });
      this.timeline.prepend(messages);
      this.hasOlder = more && messages.length > 0;
    } catch (error) {
      // Without a connection, scrolling asks again when it is back.
      this.hasOlder = !isGone(error);
    }
    this.#change(() => (this.isLoading = false));
  }

  #peopleAre(members: readonly Member[]): void {
    const before = this.people;
    const isFirst = before.length === 0;
    this.people = peopleOf(members, this.language.t);
    if (!isFirst && this.isEntered && this.people.length <= TOLD_PEOPLE) {
      const others = (people: readonly Person[]) => people.filter(({ person }) => person !== this.me);
      for (const change of changes(others(before), others(this.people))) {
        this.timeline.note(this.#noteOf(change), Date.now());
      }
    }
    this.#changed();
  }

  #noteOf(change: Change): string {
    const { t } = this.language;
    return change.kind === "renamed" ? t.renamed(change.before, change.name) : t[change.kind](change.name);
  }

  /** Sends a text, now or when there is a connection. Gives its key. */
  send(text: string): string {
    const words = spelled(text.trim());
    return this.#queue({ kind: "text", text: words }, { text: words });
  }

  sendImage(bytes: Uint8Array): string {
    return this.#queue(ofBytes(bytes), { image: toBase64(bytes) });
  }

  #queue(content: Content, payload: { text: string } | { image: string }): string {
    const item = { key: newKey(), at: Date.now(), ...payload };
    this.#outbox.add(item);
    this.typing.sent();
    this.unread = undefined;
    this.#change(() => this.timeline.send(item.key, content, item.at));
    this.#flush();
    return item.key;
  }

  again(key: string): void {
    if (this.#outbox.again(key) !== undefined) {
      this.#change(() => this.timeline.tell(key, { state: "sending" }));
      this.#flush();
    }
  }

  drop(key: string): void {
    this.#outbox.drop(key);
    this.#change(() => this.timeline.drop(key));
  }

  #flush(): void {
    void this.#sender.flush();
  }

  #tellTyping(typing: boolean): void {
    if (this.isLive) {
      this.#channel.publish({ typing }, { keep: false, echo: false }).catch(() => undefined);
    }
  }

  /** Takes another name; throws what the hub says against it. */
  async rename(name: string): Promise<void> {
    const before = this.name;
    this.#change(() => (this.name = name));
    try {
      await this.#tide.rename(name);
    } catch (error) {
      if (!(error as TidewireError).temporary && (error as TidewireError).code === "bad_request") {
        this.#change(() => (this.name = before));
        throw error;
      }
    }
  }

  retryNow(): void {
    if (this.closed !== undefined) {
      this.closed = undefined;
      this.#channel.subscribe();
    }
    this.#tide.connect();
    this.#changed();
  }

  async end(): Promise<void> {
    this.#isEnded = true;
    places.delete(this.#place);
    globalThis.document?.removeEventListener("securitypolicyviolation", this.#violated);
    identities.leave(this.#options.server.href, this);
    this.#sender.end();
    this.typing.end();
    await this.#tide.close();
  }

  #change(act: () => void): void {
    act();
    this.#changed();
  }

  #changed(): void {
    if (!this.#isEnded) {
      this.#options.on.changed();
    }
  }
}

const isGone = (error: unknown): boolean => ["gone", "bad_position"].includes((error as TidewireError).code);

/** Two chats of one room on one page do not share their outbox. */
function free(wanted: string): string {
  let place = wanted;
  for (let n = 2; places.has(place); n += 1) {
    place = `${wanted} ${n}`;
  }
  places.add(place);
  return place;
}

