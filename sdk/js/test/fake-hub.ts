// A hub that does what a test says, in virtual time: WebSocket and fetch to put into a client.
import type { Wire } from "../src/codec.js";
import { cursor as place } from "../src/cursor.js";
import { Tidewire, type Json, type Options } from "../src/index.js";

/** What becomes of a WebSocket: it opens and works, is refused, is never answered, or opens and then brings nothing. */
type SocketMode = "works" | "refused" | "hangs" | "mute";
/** What becomes of HTTP; `kept`: streams are kept back until they end. */
type HttpMode = "works" | "down" | "hangs" | "kept";

/** How long anything is on its way, in ms. */
const WAY = 5;

interface Session {
  id: string;
  client: string;
  name?: string;
  follows: Map<string, boolean>;
  push: (object: Wire) => void;
}

interface Entry {
  pos: string;
  message: Wire;
  by: string;
}

const later = (then: () => void): unknown => setTimeout(then, WAY);

export class FakeSocket {
  readyState = 0;
  binaryType = "blob";
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onclose: ((event: { code: number; reason: string }) => void) | null = null;
  onerror: (() => void) | null = null;
  readonly hub: FakeHub;
  readonly url: string;
  session: Session | undefined;

  constructor(hub: FakeHub, url: string) {
    this.hub = hub;
    this.url = url;
    hub.sockets.push(this);
    later(() => this.#open());
  }

  #open(): void {
    const mode = this.hub.socket;
    if (this.readyState > 0 || mode === "hangs") {
      return;
    }
    if (mode === "refused") {
      this.end(1006);
      return;
    }
    this.readyState = 1;
    if (mode === "works") {
      this.session = this.hub.session((object) => this.say(object));
    }
    this.onopen?.();
    if (this.session) {
      this.say({ op: "hello", session: this.session.id, client: this.session.client, protocol: "tidewire.v1" });
    }
  }

  send(text: string): void {
    const { session } = this;
    if (session) {
      later(() => this.readyState === 1 && this.hub.heard(session, JSON.parse(text) as Wire));
    }
  }

  /** The hub says something; a string or bytes as they are. */
  say(object: unknown): void {
    const data = typeof object === "string" || object instanceof ArrayBuffer ? object : JSON.stringify(object);
    later(() => this.readyState === 1 && this.onmessage?.({ data }));
  }

  /** The connection ends, from the hub's side or between. */
  end(code = 1006, reason = ""): void {
    if (this.readyState < 3) {
      this.readyState = 3;
      this.hub.leave(this.session);
      this.onclose?.({ code, reason });
    }
  }

  close(): void {
    if (this.readyState < 3) {
      this.readyState = 3;
      this.hub.leave(this.session);
      later(() => this.onclose?.({ code: 1000, reason: "" }));
    }
  }
}

export class FakeHub {
  socket: SocketMode = "works";
  http: HttpMode = "works";
  /** Every socket and every request that there ever was. */
  readonly sockets: FakeSocket[] = [];
  readonly requests: string[] = [];
  /** Every command that arrived. */
  readonly commands: Wire[] = [];
  /** Answers instead of the hub: with objects, with nothing (`[]`), or not (`undefined`). */
  script: (command: Wire, session: Session) => Wire[] | undefined = () => undefined;
  term = "t";
  /** Whether streams that are silent show that they live. */
  comments = true;
  /** Presence: version and members, by channel. */
  readonly rooms = new Map<string, { v: number; members: Wire[] }>();
  readonly tokens = new Set<string>();
  readonly #log = new Map<string, Entry[]>();
  readonly #keys = new Map<string, string>();
  readonly #sessions = new Set<Session>();
  #count = 0;

  /** A client of this hub. */
  client(options: Options = {}): Tidewire {
    const hub = this;
    class Socket extends FakeSocket {
      constructor(url: string) {
        super(hub, url);
      }
    }
    return new Tidewire("ws://hub.test/ws", {
      WebSocket: Socket as unknown as NonNullable<Options["WebSocket"]>,
      backoff: { min: 100, max: 400 },
      fetch: ((url: string, init: RequestInit) => this.fetch(url, init)) as typeof fetch,
      ...options,
    });
  }

  /** The socket in use. */
  get line(): FakeSocket {
    return this.sockets.at(-1)!;
  }

  /** Commands of one kind. */
  asked(op: string): Wire[] {
    return this.commands.filter((command) => command["op"] === op);
  }

  session(push: (object: Wire) => void, client?: string): Session {
    const id = `s${++this.#count}`;
    const session = { id, client: client ?? `guest${this.#count}.signed`, follows: new Map<string, boolean>(), push };
    this.tokens.add(session.client);
    this.#sessions.add(session);
    return session;
  }

  leave(session: Session | undefined): void {
    if (session) {
      this.#sessions.delete(session);
    }
  }

  entries(channel: string): Entry[] {
    const log = this.#log.get(channel) ?? [];
    this.#log.set(channel, log);
    return log;
  }

  /** The newest position. */
  end(channel: string): string {
    return this.entries(channel).at(-1)?.pos ?? `${this.term}-0`;
  }

  /** Somebody else says something. */
  say(channel: string, data: Json): string {
    return this.#keep(channel, { at: 1, from: { client: "other" }, data }, "");
  }

  /** Something that only passes by. */
  pass(channel: string, data: Json): void {
    this.#tell(channel, { op: "message", channel, at: 1, from: {}, data });
  }

  /** The power goes: connections end, and with them everything that is on its way. */
  drop(code = 1006): void {
    this.#sessions.clear();
    this.sockets.forEach((socket) => socket.end(code));
    this.#streams.forEach((end) => end());
    this.#streams.clear();
  }

  heard(session: Session, command: Wire): void {
    this.commands.push(command);
    const answers = this.script(command, session) ?? this.#answer(session, command);
    for (const answer of answers) {
      session.push(answer["id"] === undefined && !answer["op"]?.toString().match(/message|live|lag|join|leave|bye/)
        ? { ...answer, id: command["id"] }
        : answer);
    }
  }

  #answer(session: Session, command: Wire): Wire[] {
    const channel = String(command["channel"]);
    switch (command["op"]) {
      case "auth": {
        const client = command["client"] as string | undefined;
        if (client !== undefined && !this.tokens.has(client)) {
          return [{ op: "error", code: "bad_client", message: "not given by this hub" }];
        }
        session.client = client ?? session.client;
        return [{ op: "ok", client: session.client, from: { client: session.client.split(".")[0] } }];
      }
      case "subscribe":
        if (session.follows.has(channel)) {
          return [{ op: "error", code: "already_subscribed", message: "the session has this channel already" }];
        }
        session.follows.set(channel, command["presence"] === true);
        return this.subscribed(channel, command["since"] as string | undefined, Number(command["history"] ?? 0));
      case "unsubscribe":
        session.follows.delete(channel);
        return [{ op: "ok", channel }];
      case "publish": {
        const { data, text, base64, key, keep } = command;
        const from = { client: session.client.split(".")[0] };
        const payload = { ...("data" in command && { data }), ...(text !== undefined && { text }), ...(base64 !== undefined && { base64 }) };
        if (keep === false) {
          this.#tell(channel, { op: "message", channel, at: 1, from, ...payload });
          return [{ op: "ok", channel }];
        }
        const known = `${session.client} ${channel} ${String(key)}`;
        const pos = this.#keys.get(known) ?? this.#keep(channel, { at: 1, from, key, ...payload }, session.client);
        this.#keys.set(known, pos);
        return [{ op: "ok", channel, pos }];
      }
      case "history": {
        const messages = this.entries(channel).map(({ pos, message }) => ({ ...message, pos }));
        return [{ op: "ok", channel, pos: this.end(channel), more: false, messages }];
      }
      case "presence": {
        const { v, members } = this.rooms.get(channel) ?? { v: 0, members: [] };
        return [{ op: "ok", channel, v, total: members.length, more: false, members }];
      }
      case "ping":
        return [{ op: "pong" }];
      default:
        return [{ op: "error", code: "bad_request", message: "op" }];
    }
  }

  /** What a subscribe is answered with. */
  subscribed(channel: string, since?: string, history = 0): Wire[] {
    const log = this.entries(channel);
    const pos = this.end(channel);
    const told = (entries: Entry[]): Wire[] => [
      ...entries.map((entry) => ({ op: "message", channel, pos: entry.pos, ...entry.message })),
      { op: "live", channel, pos },
    ];
    if (since === undefined) {
      return [{ op: "ok", channel, pos }, ...(history > 0 ? told(log.slice(-history)) : [])];
    }
    const at = since === `${this.term}-0` ? 0 : log.findIndex((entry) => entry.pos === since) + 1;
    const recovered = since === `${this.term}-0` || at > 0;
    return [{ op: "ok", channel, pos, recovered }, ...told(recovered ? log.slice(at) : [])];
  }

  #keep(channel: string, message: Wire, by: string): string {
    const log = this.entries(channel);
    const pos = `${this.term}-${log.length + 1}`;
    log.push({ pos, message, by });
    this.#tell(channel, { op: "message", channel, pos, ...message });
    return pos;
  }

  #tell(channel: string, object: Wire): void {
    for (const session of this.#sessions) {
      if (session.follows.has(channel)) {
        session.push(object);
      }
    }
  }

  // HTTP.

  readonly #streams = new Set<() => void>();

  fetch(address: string, { signal, body, method }: RequestInit): Promise<Response> {
    const url = new URL(address);
    this.requests.push(`${method ?? "GET"} ${url.pathname}${url.search}`);
    return new Promise((done, failed) => {
      signal?.addEventListener("abort", () => failed(signal.reason as Error));
      later(() => {
        if (this.http === "down") {
          failed(new TypeError("fetch failed"));
        } else if (this.http !== "hangs") {
          this.#serve(url, body as string | undefined, signal ?? undefined, done, failed);
        }
      });
    });
  }

  #serve(url: URL, body: string | undefined, signal: AbortSignal | undefined, done: (answer: Response) => void, failed: (error: Error) => void): void {
    const client = url.searchParams.get("client") ?? undefined;
    if (url.pathname === "/uplink") {
      if (client !== undefined && !this.tokens.has(client)) {
        done(new Response("client: this id was not given by this hub", { status: 403 }));
        return;
      }
      const answers: Wire[] = [];
      const session = this.session((object) => answers.push(object), client);
      const commands = JSON.parse(body!) as Wire | Wire[];
      [commands].flat().forEach((command) => this.heard(session, command));
      this.leave(session);
      later(() => answers.length > 0 && done(Response.json(Array.isArray(commands) ? answers : answers[0])));
      return;
    }
    const channels = url.searchParams.getAll("channel");
    const refused = channels.find((channel) => !/^(chat|live):/.test(channel));
    const told = channels.flatMap((channel) =>
      this.subscribed(channel, this.since(url, channel), Number(url.searchParams.get("history") ?? 0)),
    );
    if (refused !== undefined) {
      const error = { op: "error", code: "unknown_namespace", message: `there is no namespace of ${refused}` };
      done(Response.json(url.pathname === "/sse" ? error : { client, messages: [error] }, { status: 404 }));
    } else if (url.pathname === "/sse") {
      this.#stream(channels, told, client, signal, done);
    } else {
      this.#poll(channels, told, client, signal, done, failed);
    }
  }

  since(url: URL, channel: string): string | undefined {
    const cursor = url.searchParams.get("since") ?? undefined;
    if (!cursor?.includes(".")) {
      return cursor;
    }
    const [hash] = place([{ name: channel, pos: "x" }, { name: "" }])!.split(".");
    return cursor.split("~").find((part) => part.startsWith(`${hash}.`))?.slice(hash!.length + 1);
  }

  #stream(channels: string[], told: Wire[], client: string | undefined, signal: AbortSignal | undefined, done: (answer: Response) => void): void {
    let to!: ReadableStreamDefaultController<Uint8Array>;
    const stream = new ReadableStream<Uint8Array>({
      start: (controller) => void (to = controller),
      cancel: () => gone(),
    });
    const comments = setInterval(() => this.comments && write(":\n\n"), 25_000);
    const write = (text: string): void => {
      if (this.http !== "kept") {
        to.enqueue(new TextEncoder().encode(text));
      }
    };
    const session = this.session((object) => write(`data: ${JSON.stringify(object)}\n\n`), client);
    channels.forEach((channel) => session.follows.set(channel, false));
    const gone = (): void => {
      clearInterval(comments);
      this.leave(session);
    };
    const end = (): void => {
      gone();
      try {
        to.close();
      } catch {
        // It was cancelled before.
      }
    };
    this.#streams.add(end);
    signal?.addEventListener("abort", gone);
    done(new Response(stream));
    write("retry: 2000\n\n");
    for (const object of [{ op: "hello", session: session.id, client: session.client }, ...told]) {
      session.push(object);
    }
  }

  #poll(channels: string[], told: Wire[], client: string | undefined, signal: AbortSignal | undefined, done: (answer: Response) => void, failed: (error: Error) => void): void {
    const news = told.some(({ op, recovered }) => op === "message" || (op === "ok" && recovered !== true));
    const answer = (): void => {
      this.leave(session);
      clearTimeout(timer);
      done(Response.json({ client, messages: told }));
    };
    const session = this.session((object) => {
      told.push(object);
      later(answer);
    }, client);
    channels.forEach((channel) => session.follows.set(channel, false));
    const timer = setTimeout(answer, news ? 0 : 25_000);
    signal?.addEventListener("abort", () => (clearTimeout(timer), this.leave(session)));
    this.#streams.add(() => (clearTimeout(timer), this.leave(session), failed(new TypeError("fetch failed"))));
  }
}
