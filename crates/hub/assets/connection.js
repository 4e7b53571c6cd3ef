// A connection to the hub that comes back by itself: commands and their answers, pushes, waiting, and trying again.

const FIRST_WAIT = 500;
const LONGEST_WAIT = 20_000;
/** A connection that lived so long was a good one: the next waiting starts small again. */
const SETTLED = 5_000;
const SILENCE = 25_000;
const ANSWER_WITHIN = 10_000;
/** Codes with which the same command may work later. */
const TEMPORARY = new Set(["rate_limited", "storage_full", "unavailable", "overloaded"]);

/** The hub's `error`. */
export class Refused extends Error {
  constructor({ code, message, retry_after_ms }) {
    super(message || code);
    this.code = code;
    this.temporary = TEMPORARY.has(code);
    this.retryAfter = retry_after_ms;
  }
}

/** The connection ended before the answer came. */
export class Disconnected extends Error {}

/**
 * `identity`: `token` (the signed client id, or null) and `name`; the token is renewed in place.
 * `on.state({kind})`: connecting, open, waiting (with `until`), ended (with `code` and `reason`).
 * `on.open()`: it may be used. `on.push(message)`: what the hub says unasked.
 */
export class Connection {
  #socket = null;
  #answers = new Map();
  #nextId = 1;
  #attempt = 0;
  #heard = 0;
  #openedAt = 0;
  #probe = null;
  #retry = null;
  #bye = null;

  constructor(url, identity, on) {
    this.url = url;
    this.identity = identity;
    this.on = on;
    setInterval(() => this.#watch(SILENCE, ANSWER_WITHIN), 5_000);
    // After a sleep, or in another network, a dead connection looks like a quiet one: ask.
    const back = () => (this.#socket ? this.#watch(3_000, 4_000) : this.retryNow());
    addEventListener("online", back);
    addEventListener("pageshow", back);
    document.addEventListener("visibilitychange", () => document.hidden || back());
  }

  start() {
    this.#dial();
  }

  /** Ends the waiting, if it waits. */
  retryNow() {
    if (this.#retry === null) return;
    clearTimeout(this.#retry);
    this.#dial();
  }

  /** Sends a command. Resolves to its `ok`; throws `Refused` or `Disconnected`. */
  command(command) {
    return new Promise((resolve, reject) => {
      if (this.#socket?.readyState !== WebSocket.OPEN) {
        reject(new Disconnected("not connected"));
        return;
      }
      const { op, ...fields } = command;
      const id = this.#nextId++;
      this.#answers.set(id, { resolve, reject });
      this.#socket.send(JSON.stringify({ op, id, ...fields }));
    });
  }

  /** Says who we are; resolves to what others see. A token that the hub does not know is given up. */
  async authenticate() {
    const { token, name } = this.identity;
    const fields = { ...(token && { client: token }), ...(name && { name }) };
    try {
      const { client, from } = await this.command({ op: "auth", ...fields });
      this.identity.token = client;
      return from;
    } catch (problem) {
      if (problem.code !== "bad_client" || !token) throw problem;
      this.identity.token = null;
      return this.authenticate();
    }
  }

  #dial() {
    this.#retry = null;
    this.#bye = null;
    this.on.state({ kind: "connecting" });
    let socket;
    try {
      socket = new WebSocket(this.url, "tidewire.v1");
    } catch (problem) {
      this.on.state({ kind: "ended", code: 0, reason: problem.message });
      return;
    }
    this.#socket = socket;
    this.#openedAt = 0;
    this.#expect(15_000);
    socket.onmessage = ({ data }) => this.#socket === socket && this.#receive(data);
    socket.onclose = ({ code, reason }) => this.#socket === socket && this.#closed(code, reason);
  }

  #receive(data) {
    this.#heard = Date.now();
    if (this.#openedAt) this.#calm();
    let message;
    try {
      message = JSON.parse(data);
    } catch {
      return;
    }
    const answer = this.#answers.get(message.id);
    if (answer) {
      this.#answers.delete(message.id);
      if (message.op === "error") answer.reject(new Refused(message));
      else answer.resolve(message);
    } else if (message.op === "hello") {
      this.#calm();
      this.#openedAt = this.#heard;
      this.on.state({ kind: "open" });
      this.on.open();
    } else if (message.op === "bye") {
      this.#bye = message;
    } else {
      this.on.push(message);
    }
  }

  #closed(code, reason) {
    this.#calm();
    const socket = this.#socket;
    this.#socket = null;
    // Of a connection that was given up nothing is heard any more.
    socket.onmessage = socket.onclose = null;
    socket.close();
    for (const { reject } of this.#answers.values()) reject(new Disconnected("the connection was lost"));
    this.#answers.clear();
    if (this.#bye?.reconnect === false || (code >= 4500 && code < 5000)) {
      this.on.state({ kind: "ended", code, reason: reason || this.#bye?.reason || "" });
      return;
    }
    if (this.#openedAt && Date.now() - this.#openedAt > SETTLED) this.#attempt = 0;
    const most = Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** this.#attempt);
    this.#attempt += 1;
    // All who were dropped at once must not come back at once.
    const wait = (this.#bye?.retry_after_ms ?? most / 2) + (Math.random() * most) / 2;
    this.#retry = setTimeout(() => this.#dial(), wait);
    this.on.state({ kind: "waiting", until: Date.now() + wait });
  }

  #watch(silence, within) {
    if (!this.#openedAt || !this.#socket || this.#probe !== null || Date.now() - this.#heard < silence) return;
    this.command({ op: "ping" }).catch(() => {});
    this.#expect(within);
  }

  /** Gives the connection up unless something is heard in time. */
  #expect(within) {
    this.#calm();
    this.#probe = setTimeout(() => this.#closed(1006, ""), within);
  }

  #calm() {
    clearTimeout(this.#probe);
    this.#probe = null;
  }
}
