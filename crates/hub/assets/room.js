// One room: entering it, coming back without a gap, older messages, and sending each message once.

import { ofTab } from "./common.js";
import { Disconnected } from "./connection.js";
import { People } from "./people.js";

const PAGE = 50;
/** How long the hub surely knows a key that it saw. */
const KEY_AGE = 5 * 60_000;
const TYPING_EVERY = 2_500;
/** What was not sent yet when the page was left. */
const kept = (json) => {
  try {
    return JSON.parse(json) ?? [];
  } catch {
    return [];
  }
};
const pause = (ms) => new Promise((end) => setTimeout(end, ms));

/**
 * `on`: `message(message)`, `page(messages, {older, replaces})`, `live()`, `pending(item)`,
 * `waits(item, why)`, `failed(item, why)`, `sent(item, pos)`, `people(people, note)`, `typing(message)`,
 * `gap()`, `closed(problem)`.
 */
export class Room {
  people = new People();
  #connection;
  #on;
  #channel;
  #pos = null;
  #oldest = null;
  #isLive = false;
  /** Whether all that was missed came: then a message that was not among it was not kept. */
  #isComplete = false;
  #outbox;
  #tellsPeople = true;
  #isSending = false;
  #typedAt = 0;
  #attempt = 0;

  constructor(connection, channel, on) {
    this.#connection = connection;
    this.#channel = channel;
    this.#on = on;
    this.#outbox = kept(ofTab.get(this.#place()));
    for (const item of this.#outbox) on.pending(item);
  }

  /** Enters, or comes back. Call it whenever the connection is open. */
  async enter() {
    const attempt = ++this.#attempt;
    this.#isLive = false;
    const since = this.#pos;
    const from = since ? { since } : { history: PAGE };
    try {
      const reply = await this.#connection.command({ op: "subscribe", channel: this.#channel, ...from, presence: this.#tellsPeople });
      this.#isComplete = reply.recovered === true;
      if (reply.recovered === false) await this.#reload();
      if (this.#tellsPeople) await this.#readPeople();
    } catch (problem) {
      if (problem instanceof Disconnected || attempt !== this.#attempt) return;
      if (since && (problem.code === "bad_position" || problem.code === "gone")) {
        this.#pos = null;
        this.#on.gap();
        await this.enter();
      } else if (problem.code === "forbidden" && this.#tellsPeople) {
        // Perhaps it may be read, and only who is there is nobody's business.
        this.#tellsPeople = false;
        this.#on.people(null, null);
        await this.enter();
      } else if (problem.temporary) {
        await pause(problem.retryAfter ?? 1_000);
        if (attempt === this.#attempt) await this.enter();
      } else {
        this.#on.closed(problem);
      }
    }
  }

  /** The connection is gone. */
  left() {
    this.#isLive = false;
  }

  push(push) {
    if (push.op === "message") this.#message(push);
    else if (push.op === "live") this.#live(push);
    else if (push.op === "join" || push.op === "leave") this.#presence(push);
    else if (push.op === "lag" && !push.recovering) {
      this.#pos = push.pos ?? this.#pos;
      this.#reload().catch(() => {});
    }
  }

  #message(message) {
    if (message.data?.typing !== undefined && !message.pos) {
      this.#on.typing(message);
      return;
    }
    if (message.pos) {
      this.#pos = message.pos;
      this.#oldest ??= message.pos;
    }
    if (message.key) this.#drop(message.key);
    this.#on.message(message);
  }

  #live({ pos }) {
    this.#pos = pos;
    this.#oldest ??= pos;
    this.#isLive = true;
    this.#on.live();
    this.#flush();
  }

  /** Something is missing and cannot be had from here on: shows the newest page instead. */
  async #reload() {
    const { messages } = await this.#connection.command({ op: "history", channel: this.#channel, limit: PAGE });
    if (!messages.length) this.#on.gap();
    else if (this.#on.page(messages, { replaces: true })) this.#oldest = messages[0].pos;
  }

  /** Reads the page before the oldest that is shown; resolves to whether there are more. */
  async older() {
    if (!this.#oldest) return false;
    try {
      const page = { before: this.#oldest, limit: PAGE };
      const { messages, more } = await this.#connection.command({ op: "history", channel: this.#channel, ...page });
      if (messages.length) this.#oldest = messages[0].pos;
      this.#on.page(messages, { older: true });
      return more && messages.length > 0;
    } catch (problem) {
      if (problem.code === "gone" || problem.code === "bad_position") return false;
      throw problem;
    }
  }

  /** The page has forgotten what it showed before this one. */
  startsAt(pos) {
    this.#oldest = pos;
  }

  async #readPeople() {
    try {
      const ask = (after) => ({ op: "presence", channel: this.#channel, ...(after && { after }), limit: 500 });
      await this.people.read((after) => this.#connection.command(ask(after)));
      this.#on.people(this.people, null);
    } catch (problem) {
      if (!(problem instanceof Disconnected)) this.#on.people(null, null);
    }
  }

  #presence(push) {
    const note = this.people.push(push);
    if (note === "skipped") this.#readPeople();
    else this.#on.people(this.people, note);
  }

  /** Sends a text, now or when there is a connection. */
  send(text) {
    const item = { key: crypto.getRandomValues(new Uint32Array(3)).join("-"), text, at: Date.now() };
    this.#outbox.push(item);
    this.#keep();
    this.#on.pending(item);
    this.#typedAt = 0;
    this.#flush();
  }

  /** Sends a message again that had failed. */
  again(item) {
    this.#outbox.push({ ...item, tried: undefined });
    this.#keep();
    this.#flush();
  }

  /** Tells others that somebody writes here, now and then. */
  typing(isTyping) {
    if (!this.#isLive || (isTyping ? Date.now() - this.#typedAt < TYPING_EVERY : !this.#typedAt)) return;
    this.#typedAt = isTyping ? Date.now() : 0;
    const publish = { op: "publish", channel: this.#channel, data: { typing: isTyping }, keep: false, echo: false };
    this.#connection.command(publish).catch(() => {});
  }

  /** One after the other, so that they stay in order. */
  async #flush() {
    if (this.#isSending) return;
    this.#isSending = true;
    while (this.#isLive && this.#outbox.length) {
      const item = this.#outbox[0];
      if (item.tried && !this.#isComplete && Date.now() - item.tried > KEY_AGE) {
        this.#drop(item.key);
        this.#on.failed(item, "It is not known whether this was sent before the connection was lost.");
        continue;
      }
      item.tried ??= Date.now();
      this.#keep();
      await this.#publish(item);
    }
    this.#isSending = false;
  }

  async #publish(item) {
    const { key, text } = item;
    try {
      const publish = { op: "publish", channel: this.#channel, data: { text }, key, echo: true };
      const { pos } = await this.#connection.command(publish);
      this.#drop(key);
      this.#on.sent(item, pos);
    } catch (problem) {
      if (problem instanceof Disconnected) {
        this.#isLive = false; // what is not sent goes when it is live again
      } else if (problem.temporary) {
        this.#on.waits(item, problem.message);
        await pause(problem.retryAfter ?? 2_000);
      } else {
        this.#drop(key);
        this.#on.failed(item, problem.message);
      }
    }
  }

  #drop(key) {
    this.#outbox = this.#outbox.filter((item) => item.key !== key);
    this.#keep();
  }

  #place() {
    return `tidewire.outbox.${this.#channel}`;
  }

  #keep() {
    ofTab.set(this.#place(), this.#outbox.length ? JSON.stringify(this.#outbox) : null);
  }
}
