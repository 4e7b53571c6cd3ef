// A hub that says what a test wants, in a page's place: WebSocket alone, and no more than a room needs.
import type { Page, WebSocketRoute } from "playwright-core";

type Wire = Record<string, unknown>;

export class FakeRoom {
  /** What is kept: each with `pos`. */
  kept: Wire[] = [];
  members: Wire[] = [];
  /** What a subscribe that continues is answered. */
  recovers = true;
  readonly commands: Wire[] = [];
  readonly #sockets = new Set<WebSocketRoute>();

  /** Stands in the place of every WebSocket hub that the page calls. */
  static async before(page: Page): Promise<FakeRoom> {
    const room = new FakeRoom();
    await page.routeWebSocket(/\/ws$/, (socket) => room.#meet(socket));
    return room;
  }

  /** Says something to everybody, as it is. */
  say(...objects: (Wire | string)[]): void {
    for (const socket of this.#sockets) {
      for (const object of objects) {
        socket.send(typeof object === "string" ? object : JSON.stringify(object));
      }
    }
  }

  /** Keeps messages, and says them unless told otherwise. */
  keep(channel: string, messages: readonly Wire[], says = true): void {
    for (const message of messages) {
      const whole = { op: "message", channel, pos: `t-${this.kept.length + 1}`, at: Date.now(), from: { client: "other", name: "Other" }, ...message };
      this.kept.push(whole);
      if (says) {
        this.say(whole);
      }
    }
  }

  /** All connections end. */
  async drop(): Promise<void> {
    for (const socket of [...this.#sockets]) {
      this.#sockets.delete(socket);
      await socket.close({ code: 1012, reason: "restart" });
    }
  }

  #meet(socket: WebSocketRoute): void {
    this.#sockets.add(socket);
    socket.onClose(() => this.#sockets.delete(socket));
    socket.onMessage((text) => {
      for (const command of [JSON.parse(String(text)) as Wire | Wire[]].flat()) {
        this.commands.push(command);
        for (const answer of this.#answer(command)) {
          socket.send(JSON.stringify(answer));
        }
      }
    });
    socket.send(JSON.stringify({ op: "hello", session: "me", client: "me.signed", protocol: "tidewire.v1" }));
  }

  #answer(command: Wire): Wire[] {
    const { op, id, channel } = command;
    const end = String(this.kept.at(-1)?.["pos"] ?? "t-0");
    const ok = { op: "ok", id, channel };
    switch (op) {
      case "auth":
        return [{ op: "ok", id, client: "me.signed", from: { client: "me" } }];
      case "subscribe": {
        const isNew = command["since"] === undefined;
        const from = isNew ? -Number(command["history"] ?? 0) : this.kept.findIndex(({ pos }) => pos === command["since"]) + 1;
        const missed = isNew && from === 0 ? [] : isNew || this.recovers ? this.kept.slice(from) : [];
        return [{ ...ok, pos: end, ...(isNew ? {} : { recovered: this.recovers }) }, ...missed, { op: "live", channel, pos: end }];
      }
      case "history": {
        const until = this.kept.findIndex(({ pos }) => pos === command["before"]);
        if (command["after"] !== undefined) {
          return [{ op: "error", id, code: "gone", message: "not kept any more" }];
        }
        return [{ ...ok, pos: end, more: false, messages: until < 0 ? this.kept.slice(-Number(command["limit"] ?? 50)) : this.kept.slice(0, until) }];
      }
      case "publish": {
        const { data, text, base64, key, keep } = command;
        if (keep === false) {
          return [ok];
        }
        this.keep(String(channel), [{ from: { client: "me", name: "Ann" }, key, ...(data === undefined ? {} : { data }), ...(text === undefined ? {} : { text }), ...(base64 === undefined ? {} : { base64 }) }]);
        return [{ ...ok, pos: `t-${this.kept.length}` }];
      }
      case "presence":
        return [{ ...ok, v: 1, total: this.members.length, more: false, members: this.members }];
      case "ping":
        return [{ op: "pong", id }];
      default:
        return [ok];
    }
  }
}
