// The connection's life: idle, connecting, open, closing, closed, waiting for the next try; and what goes with it.
import type { Handshake, NewRow, Phase, Row, Socket, SocketEvents, Target } from "../model.ts";
import { Store } from "../store.ts";
import { HELD_MS, waitFor } from "./backoff.ts";

export interface View {
  phase: Phase;
  /** When this phase began. */
  since: number;
  target?: Target;
  /** The server was named by a link: what is kept for others is not sent to it. */
  withheld?: boolean;
  agent: boolean;
  protocol: string;
  extensions: string;
  /** Which try is being made or waited for, from 1. */
  attempt: number;
  /** When the next try begins, in `waiting`. */
  retryAt: number;
  buffered: number;
  handshake?: Handshake;
  /** The last end; absent while connecting and open. */
  ended?: { code: number; reason: string; clean: boolean; opened: boolean; byUser: boolean; tookMs: number; /** What was told on the way; the agent knows. */ why?: string };
}

/** Read each time it matters, so that switches work at once. */
export interface Habits {
  reconnect: boolean;
  onConnect: string[];
  keepalive: { text: string; seconds: number } | undefined;
}

export interface Parts {
  open(target: Target, events: SocketEvents): Socket;
  log: { add(row: NewRow): Row };
  habits(): Habits;
  /** Fills the variables of a text that is sent by itself. */
  fill(text: string): string;
  random?: () => number;
}

const IDLE: View = { phase: "idle", since: 0, agent: false, protocol: "", extensions: "", attempt: 0, retryAt: 0, buffered: 0 };

/** The log says who ended it: the close row that follows has only what the server answered. */
function leaving(phase: Phase, code: number | undefined, reason: string | undefined): string {
  if (phase === "connecting") {
    return "You cancelled.";
  }
  const why = reason === undefined || reason === "" ? "" : `, “${reason}”`;
  return code === undefined ? "You closed the connection." : `You closed the connection with ${code}${why}.`;
}

export class Session {
  readonly view = new Store<View>(IDLE);
  /** Told of each text that arrives. */
  readonly heard = new Set<(text: string) => void>();
  readonly #parts: Parts;
  #socket: Socket | undefined;
  /** Which try the events must belong to. */
  #try = 0;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #keepalive: ReturnType<typeof setTimeout> | undefined;
  #watch: ReturnType<typeof setInterval> | undefined;
  #byUser = false;
  /** Whether this try came as far as an open connection. */
  #wasOpen = false;
  #why: string | undefined;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  get phase(): Phase {
    return this.view.value.phase;
  }

  connect(target: Target, withheld = false): void {
    this.disconnect();
    this.#abandon();
    this.view.set({ ...IDLE, target, withheld });
    this.#begin(1);
  }

  /** Tries now what it waits for. */
  retryNow(): void {
    if (this.phase === "waiting") {
      this.#begin(this.view.value.attempt);
    }
  }

  /** A second time while closing, it waits no longer for the server's Close. */
  disconnect(code?: number, reason?: string): void {
    this.#byUser = true;
    switch (this.phase) {
      case "waiting":
        clearTimeout(this.#retry);
        this.#parts.log.add({ way: "event", kind: "note", text: "No further try: you stopped it." });
        this.#enter("closed", { retryAt: 0 });
        return;
      case "connecting":
      case "open":
        this.#parts.log.add({ way: "event", kind: "note", text: leaving(this.phase, code, reason) });
        this.#enter("closing");
        this.#socket?.close(code, reason);
        return;
      case "closing":
        this.#parts.log.add({ way: "event", kind: "note", text: "The server did not answer the Close; this page waits no longer." });
        this.#abandon();
        this.#enter("closed");
    }
  }

  /** Whether it could be sent. */
  send(payload: string | Uint8Array): boolean {
    if (this.phase !== "open" || this.#socket === undefined) {
      return false;
    }
    this.#socket.send(payload);
    this.#parts.log.add(typeof payload === "string" ? { way: "out", kind: "text", text: payload } : { way: "out", kind: "binary", bytes: payload });
    this.#measure();
    return true;
  }

  ping(): void {
    if (this.phase === "open" && this.#socket?.ping !== undefined) {
      this.#socket.ping();
      this.#parts.log.add({ way: "out", kind: "ping", text: "Ping" });
    }
  }

  /** Bytes that wait to leave, now. */
  get buffered(): number {
    return this.#socket?.buffered ?? 0;
  }

  get canPing(): boolean {
    return this.phase === "open" && this.#socket?.ping !== undefined;
  }

  #begin(attempt: number): void {
    clearTimeout(this.#retry);
    const { target, ended: _, handshake: __, ...rest } = this.view.value;
    if (target === undefined) {
      return;
    }
    this.#byUser = false;
    this.#wasOpen = false;
    this.#why = undefined;
    const began = Date.now();
    this.view.set({ ...rest, target, phase: "connecting", since: began, attempt, retryAt: 0, protocol: "", extensions: "", buffered: 0 });
    const again = attempt > 1 ? `, try ${attempt}` : "";
    this.#parts.log.add({ way: "event", kind: "connecting", text: `Connecting to ${target.url}${again}` });
    const mine = ++this.#try;
    const current = () => mine === this.#try;
    const socket = this.#parts.open(target, {
      open: (protocol, extensions) => current() && this.#opened(protocol, extensions, Date.now() - began),
      row: (row) => current() && this.#row(row),
      handshake: (handshake) => current() && this.view.patch({ handshake }),
      close: (code, reason, clean, final) => current() && this.#closed(code, reason, clean, Date.now() - began, final === true),
    });
    if (current()) {
      this.#socket = socket;
      this.view.patch({ agent: socket.agent });
    }
  }

  #row(row: NewRow): void {
    this.#parts.log.add(row);
    if (row.kind === "error") {
      this.#why = row.text;
    }
    if (row.way === "in" && row.kind === "text" && row.text !== undefined) {
      for (const listener of this.heard) {
        listener(row.text);
      }
    }
  }

  #opened(protocol: string, extensions: string, tookMs: number): void {
    if (this.phase !== "connecting") {
      return;
    }
    const said = [protocol === "" ? "no subprotocol" : `subprotocol ${protocol}`, extensions === "" ? "no extension" : extensions];
    this.#parts.log.add({ way: "event", kind: "open", text: `Open after ${tookMs} ms: ${said.join(", ")}` });
    this.#wasOpen = true;
    this.#enter("open", { protocol, extensions });
    for (const text of this.#parts.habits().onConnect) {
      this.send(this.#parts.fill(text));
    }
    this.#stayAlive();
  }

  #closed(code: number, reason: string, clean: boolean, tookMs: number, final: boolean): void {
    const { phase, since, attempt } = this.view.value;
    const opened = this.#wasOpen;
    const held = phase === "open" && Date.now() - since >= HELD_MS;
    const never = opened || code !== 1006 ? {} : { text: "It never opened." };
    this.#parts.log.add({ way: "event", kind: "close", code, reason, ...never, detail: { clean } });
    this.#abandon();
    this.#enter("closed", { ended: { code, reason, clean, opened, byUser: this.#byUser, tookMs, ...(this.#why === undefined ? {} : { why: this.#why }) }, buffered: 0 });
    if (!this.#byUser && !final && this.#parts.habits().reconnect) {
      this.#later(held ? 1 : attempt);
    }
  }

  #later(failed: number): void {
    const wait = waitFor(failed, this.#parts.random);
    this.#enter("waiting", { attempt: failed + 1, retryAt: Date.now() + wait });
    this.#retry = setTimeout(() => this.#begin(failed + 1), wait);
  }

  /** Sends the text after each silence of ours, as asked at that moment. */
  #stayAlive(): void {
    clearTimeout(this.#keepalive);
    const { keepalive } = this.#parts.habits();
    const ms = keepalive === undefined ? 1000 : Math.min(3600, Math.max(1, keepalive.seconds)) * 1000;
    this.#keepalive = setTimeout(() => {
      const now = this.#parts.habits().keepalive;
      if (keepalive !== undefined && now?.seconds === keepalive.seconds && now.text !== "") {
        this.send(this.#parts.fill(now.text));
      }
      this.#stayAlive();
    }, ms);
  }

  /** Looks at the queue until it is empty. */
  #measure(): void {
    const look = () => {
      const { buffered } = this;
      if (buffered !== this.view.value.buffered) {
        this.view.patch({ buffered });
      }
      if (buffered === 0) {
        clearInterval(this.#watch);
        this.#watch = undefined;
      }
    };
    this.#watch ??= setInterval(look, 200);
  }

  /** What still comes from this socket is not for us. */
  #abandon(): void {
    this.#try++;
    this.#socket = undefined;
    clearTimeout(this.#retry);
    clearTimeout(this.#keepalive);
    clearInterval(this.#watch);
    this.#watch = undefined;
  }

  #enter(phase: Phase, more: Partial<View> = {}): void {
    this.view.patch({ ...more, phase, since: Date.now() });
  }
}
