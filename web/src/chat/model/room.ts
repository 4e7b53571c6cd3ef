// One room as a page sees it: entering it, coming back, older messages, people, typing, what is unread.
import { type Channel, type Gap, type Member, type Message, type Reason, type State, Tidewire, type TidewireError, type TransportName } from "tidewire";
import type { Language } from "../texts/index.ts";
import { type Content, ofBytes, typingOf } from "./content.ts";
import { Crowd } from "./crowd.ts";
import { spelled } from "./emoji.ts";
import { isGone, missing } from "./gaps.ts";
import { identities } from "./identity.ts";
import { lasting, ofTab } from "./keep.ts";
import { Outbox, contentOfItem, newKey } from "./outbox.ts";
import { type Change, nameOf, noteOf, personOf } from "./people.ts";
import { leave, take } from "./places.ts";
import type { RoomOptions } from "./room-options.ts";
import { Self } from "./self.ts";
import { Sender } from "./sender.ts";
import { Speech } from "./speech.ts";
import { type Said, Timeline } from "./timeline.ts";
import { type Trouble, answersAt, stops, troubleOf } from "./trouble.ts";
import { Typing } from "./typing.ts";
import { base64 } from "../../ui/base64.ts";

const PAGE = 100;

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
  tellsPeople: boolean;
  hasOlder = true;
  isLoading = false;
  /** The first that nobody has looked at, and how many there are since somebody looked. */
  unread: string | undefined;
  unseen = 0;
  /** What a screen reader says next. */
  readonly spoken: Speech<Said>;
  name: string;
  language: Language;
  readonly typing: Typing;
  readonly crowd: Crowd;
  readonly self = new Self(() => this.#known());
  readonly #options: RoomOptions;
  readonly #tide: Tidewire;
  readonly #channel: Channel;
  readonly #outbox: Outbox;
  readonly #sender: Sender;
  readonly #place: string;
  #isLooking = false;
  #isAtEnd = true;
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
    this.#place = take(`${server.href} ${room}`);
    this.#oldRead = lasting.get(`tidewire.read.${this.#place}`);
    this.#outbox = new Outbox(ofTab, `tidewire.outbox.${this.#place}`);
    this.#tide = new Tidewire(server, { token: token ?? (() => identities.token(server.href, this)), ...(this.name === "" ? {} : { name: this.name }) });
    this.#channel = this.#tide.channel(room, { history });
    this.spoken = new Speech(() => this.#changed());
    this.crowd = new Crowd(() => this.language.t, (changes) => this.#peopleHave(changes), () => this.self.all);
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

  #known(): Member | { client: string } | undefined {
    const { client, session } = this.#tide;
    return this.#channel.presence.members.find((member) => member.session === session) ?? (client === undefined ? undefined : { client });
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
      channel.presence.on("sync", (members) => this.crowd.are(members));
      channel.presence.on("join", (_, members) => this.crowd.are(members));
      channel.presence.on("leave", (_, members) => this.crowd.are(members));
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
    const isRefused = this.#channel.state === "idle";
    if (code === "forbidden" && this.tellsPeople) {
      // Perhaps it may be read, and only who is there is nobody's business.
      this.tellsPeople = false;
      if (isRefused) {
        this.#options.on.withoutPeople(this);
      }
      this.#changed();
      return;
    }
    if (isRefused) {
      this.closed = message;
    }
    this.#options.on.error(code, message);
    this.#changed();
  }

  #message(message: Message): void {
    const person = personOf(message.from);
    const isTyping = typingOf(message);
    if (isTyping !== undefined) {
      if (!this.self.all.has(person)) {
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
    if (this.timeline.trim(this.#isAtEnd)) {
      this.hasOlder = true;
      this.unread = this.unread && this.timeline.heldFrom(this.unread);
    }
    this.#changed();
  }

  #isNew(said: Said): void {
    if (this.self.all.has(said.person)) {
      return;
    }
    this.spoken.add(said);
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

  /** Whether the newest messages are on the page, and whether the page is seen. */
  look(isAtEnd: boolean, isSeen: boolean): void {
    this.#isAtEnd = isAtEnd;
    this.#isLooking = isAtEnd && isSeen;
    if (this.#isLooking && this.isEntered) {
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
    this.unread = this.#oldRead === null ? undefined : entries.slice(last + 1).find((entry) => entry.kind === "message" && !this.self.all.has(entry.person))?.id;
  }

  async #gap({ from }: Gap): Promise<void> {
    this.#isComplete = false;
    const mark = this.timeline.gap(Date.now());
    this.#changed();
    if (mark === undefined) {
      return;
    }
    try {
      const { messages, isWhole } = await missing(this.#channel, from);
      this.#change(() => this.timeline.fill(mark, messages, isWhole));
    } catch {
      // The mark stays: it says what is known.
    }
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

  #peopleHave(changes: readonly Change[]): void {
    for (const change of this.isEntered ? changes : []) {
      this.timeline.note(noteOf(change, this.language.t), Date.now());
    }
    this.#changed();
  }

  /** Sends a text, now or when there is a connection. Gives its key. */
  send(text: string): string {
    const words = spelled(text.trim());
    return this.#queue({ kind: "text", text: words }, { text: words });
  }

  sendImage(bytes: Uint8Array): string {
    return this.#queue(ofBytes(bytes), { image: base64(bytes) });
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
    leave(this.#place);
    globalThis.document?.removeEventListener("securitypolicyviolation", this.#violated);
    identities.leave(this.#options.server.href, this);
    this.#sender.end();
    this.typing.end();
    this.spoken.end();
    this.crowd.end();
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
