// The page's parts, put together: what components read and call.
import { AgentAccess } from "./agent-access.ts";
import { openThroughAgent } from "./agent.ts";
import { type Draft, build, isBinary } from "./compose/message.ts";
import { Repeater, type Repeating } from "./compose/repeat.ts";
import { Replayer, type Replaying } from "./compose/replay.ts";
import { fill, real } from "./compose/variables.ts";
import { openInBrowser } from "./connection/browser-socket.ts";
import { Session } from "./connection/session.ts";
import { Log } from "./log/index.ts";
import type { Row, Socket, SocketEvents, Target } from "./model.ts";
import { Kept, type Snippet, storageOf } from "./settings.ts";
import { type Shared, linkOf, readLink } from "./share.ts";
import { Store } from "./store.ts";
import { type Page, faultOfProtocols, guess, names } from "./url.ts";

/** What only the agent can send; kept in this page's memory alone, as it may hold secrets. */
export interface Extra {
  headers: [string, string][];
  origin: string;
  insecure: boolean;
}

export class Tester {
  readonly page: Page = { protocol: location.protocol, host: location.protocol === "file:" ? "" : location.host };
  readonly settings = new Kept(storageOf("localStorage"));
  readonly log = new Log();
  readonly draft = new Store<Draft>({ kind: this.settings.value.kind, text: "" });
  readonly extra = new Store<Extra>({ headers: [], origin: "", insecure: false });
  /** Why the last press did nothing; absent when all is well. */
  readonly trouble = new Store<{ where: "url" | "message"; text: string } | undefined>(undefined);
  /** What a link brought, until it is used. */
  readonly fromLink = new Store<Shared | undefined>(undefined);
  readonly repeating = new Store<Repeating | undefined>(undefined);
  readonly replaying = new Store<Replaying | undefined>(undefined);
  readonly access = new AgentAccess({
    fetch: (where: string, how?: RequestInit) => fetch(where, how),
    location,
    replace: (url) => history.replaceState(null, "", url),
    storage: storageOf("sessionStorage"),
    redeemed: () => this.settings.patch({ throughAgent: true, panels: true, tab: "agent" }),
  });
  readonly session: Session;
  readonly repeater: Repeater;
  readonly replayer: Replayer;
  #sent = 0;

  constructor() {
    this.session = new Session({
      open: (target, events) => this.#open(target, events),
      log: this.log,
      habits: () => {
        const { reconnect, onConnect, keepalive, keepaliveText, keepaliveSeconds } = this.settings.value;
        if (this.session.view.value.withheld === true) {
          return { reconnect, onConnect: [], keepalive: undefined };
        }
        return {
          reconnect,
          onConnect: onConnect.split("\n").filter((line) => line.trim() !== ""),
          keepalive: keepalive ? { text: keepaliveText, seconds: keepaliveSeconds } : undefined,
        };
      },
      fill: (text) => fill(text, real(++this.#sent)),
    });
    this.repeater = new Repeater(() => this.#sendDraft(), (state) => this.repeating.set(state), () => this.session.buffered);
    this.replayer = new Replayer((payload) => this.session.send(payload), (state) => this.replaying.set(state));
    this.session.view.watch(() => {
      if (this.session.phase !== "open") {
        this.repeater.stop();
        this.replayer.stop();
      }
    });
    this.takeLink();
    if (this.settings.value.url === "") {
      this.settings.patch({ url: this.presets[0]?.url ?? "" });
    }
  }

  /** Fills the form from the address. It never connects, and never sends: a person does. */
  takeLink(): void {
    const shared = readLink(location.hash, location.search);
    if (shared.url !== undefined) {
      const host = this.#hostOf(shared.url);
      if (host !== this.#hostOf(this.settings.value.url)) {
        this.settings.patch({ linked: host === this.page.host ? "" : host });
      }
      this.settings.patch({ url: shared.url, protocols: (shared.protocols ?? []).join(", ") });
    }
    if (shared.message !== undefined) {
      const kind = shared.kind ?? "text";
      this.settings.patch({ kind });
      this.draft.set({ kind, text: shared.message });
    }
    this.fromLink.set(Object.keys(shared).length > 0 ? shared : undefined);
  }

  get presets(): { label: string; url: string }[] {
    const base = this.page.host === "" ? "ws://localhost:4000" : `${this.page.protocol === "https:" ? "wss" : "ws"}://${this.page.host}`;
    return ["/echo", "/ws", "/chat/lobby"].map((path) => ({ label: path, url: base + path }));
  }

  /** What is kept for other servers, and would be sent to the one that a link named. */
  get withheld(): string[] {
    const { url, linked, onConnect, keepalive } = this.settings.value;
    if (linked === "" || linked !== this.#hostOf(url)) {
      return [];
    }
    return [
      ...(onConnect.trim() === "" ? [] : ["the messages that are sent when it opens"]),
      ...(keepalive ? ["the keepalive"] : []),
      ...(this.throughAgent && this.extra.value.headers.some(([name]) => name !== "") ? ["the headers"] : []),
    ];
  }

  get throughAgent(): boolean {
    return this.settings.value.throughAgent && this.access.value.state === "ready";
  }

  /** What stands in the form; undefined while the URL is none. */
  target(): Target | undefined {
    const read = guess(this.settings.value.url, this.page);
    if (!read.ok) {
      return undefined;
    }
    const target: Target = { url: read.url, protocols: names(this.settings.value.protocols) };
    if (this.throughAgent) {
      const { headers, origin, insecure } = this.extra.value;
      target.headers = this.withheld.length > 0 ? [] : headers.filter(([name]) => name !== "");
      target.insecure = insecure;
      if (origin.trim() !== "") {
        target.origin = origin.trim();
      }
    }
    return target;
  }

  connect(): void {
    const read = guess(this.settings.value.url, this.page);
    const fault = read.ok ? faultOfProtocols(names(this.settings.value.protocols)) : read.error;
    const target = this.target();
    if (fault !== undefined || target === undefined) {
      this.trouble.set({ where: "url", text: fault ?? "This is no URL." });
      return;
    }
    this.trouble.set(undefined);
    this.fromLink.set(undefined);
    this.settings.used(target.url);
    this.session.connect(target, this.withheld.length > 0);
  }

  /** Sends what stands in the composer. */
  send(): void {
    const { kind, text, file } = this.draft.value;
    if (this.#sendDraft()) {
      if (file === undefined && !isBinary(kind)) {
        this.settings.sent(text);
      }
      if (this.settings.value.clearOnSend) {
        this.draft.set({ kind, text: "" });
      }
    }
  }

  sendSnippet({ kind, text }: Snippet): void {
    this.#sendBuilt({ kind, text });
  }

  resend({ text, bytes, kind }: Row): void {
    const payload = kind === "binary" ? bytes : text;
    if (payload !== undefined && !this.session.send(payload)) {
      this.#notOpen();
    }
  }

  replay(rows: readonly Row[]): void {
    if (this.session.phase !== "open") {
      this.#notOpen();
    } else if (this.replayer.start(rows) === 0) {
      this.trouble.set({ where: "message", text: "None of these rows is a message that was sent, so there is nothing to replay." });
    }
  }

  shareLink(withMessage: boolean): string {
    const { kind, text, file } = this.draft.value;
    const { url, protocols } = this.settings.value;
    const read = guess(url, this.page);
    return linkOf(location.href, {
      url: read.ok ? read.url : url,
      protocols: names(protocols),
      ...(withMessage && file === undefined ? { message: text, kind } : {}),
    });
  }

  #hostOf(url: string): string {
    const read = guess(url, this.page);
    return read.ok ? new URL(read.url).host : "";
  }

  #sendDraft(): boolean {
    return this.#sendBuilt(this.draft.value);
  }

  #sendBuilt(draft: Draft): boolean {
    const built = build(draft, real(++this.#sent));
    if (!built.ok) {
      this.trouble.set({ where: "message", text: draft.kind === "json" ? `${built.error} To send it as it is, choose Text.` : built.error });
      return false;
    }
    if (!this.session.send(built.payload)) {
      this.#notOpen();
      return false;
    }
    this.trouble.set(undefined);
    return true;
  }

  #notOpen(): void {
    this.trouble.set({ where: "message", text: "Not connected: press Connect first." });
  }

  #open(target: Target, events: SocketEvents): Socket {
    const { key } = this.access.value;
    if (!this.throughAgent || key === undefined) {
      return openInBrowser(target, this.page, events);
    }
    const url = `${this.page.protocol === "https:" ? "wss" : "ws"}://${this.page.host}/agent`;
    const forgotten = (why: string) => {
      // A newer link may have brought another key meanwhile.
      if (this.access.value.key === key) {
        this.access.forget(why);
      }
    };
    return openThroughAgent(target, { url, key, frames: this.settings.value.frames, forgotten }, events);
  }
}
