// A connection through the local agent: one WebSocket to it carries one proxied socket.
import { milliseconds } from "./connection/rtt.ts";
import type { Handshake, NewRow, Socket, SocketEvents, Target } from "./model.ts";
import { type AgentEvent, frameWords, readAgent } from "./wire/agent-wire.ts";
import { header } from "./wire/accept.ts";

export const PROTOCOL = "tidewire-agent.v1";

export interface AgentWay {
  /** Of the agent: `ws://127.0.0.1:4000/agent`. */
  url: string;
  key: string;
  frames: boolean;
  /** Told when the agent does not know the key, with what to do. */
  forgotten?(why: string): void;
}

const LOST = "The connection to the agent ended.";
const UNHEARD = "The agent did not take this page's key. Was the hub started again? Then open the link that it prints now.";
const UNREACHED = "The agent does not answer. Is “tidewire serve” still running? Start it again, and open the link that it prints.";
/** How the agent begins its word on a key that it does not know. */
const STRANGE_KEY = /^this key\b/i;

const sentence = (text: string): string => `${text[0]?.toUpperCase() ?? ""}${text.slice(1)}${/[.!?…]$/.test(text) ? "" : "."}`;

export function openThroughAgent(target: Target, way: AgentWay, events: SocketEvents, make = (url: string) => new WebSocket(url, [PROTOCOL])): Socket {
  return new AgentSocket(target, way, events, make);
}

class AgentSocket implements Socket {
  readonly agent = true;
  readonly #link: WebSocket;
  readonly #events: SocketEvents;
  readonly #way: AgentWay;
  #handshake: Handshake = { source: "wire", request: "" };
  #reached = false;
  #heard = false;
  #over = false;
  /** The agent has said why there is no connection: then it just ends. */
  #explained = false;

  constructor(target: Target, way: AgentWay, events: SocketEvents, make: (url: string) => WebSocket) {
    this.#events = events;
    this.#way = way;
    this.#link = make(way.url);
    this.#link.binaryType = "arraybuffer";
    this.#link.onopen = () => {
      this.#reached = true;
      this.#say({
        op: "open", key: way.key, url: target.url, protocols: target.protocols, headers: target.headers ?? [],
        ...(target.origin === undefined ? {} : { origin: target.origin }), insecure: target.insecure === true, deflate: true, frames: way.frames,
      });
    };
    this.#link.onmessage = ({ data }: MessageEvent<string | ArrayBuffer>) => {
      this.#heard = true;
      if (typeof data !== "string") {
        events.row({ way: "in", kind: "binary", bytes: new Uint8Array(data) });
        return;
      }
      const event = readAgent(data);
      if (event === undefined) {
        events.row({ way: "event", kind: "error", text: "The agent said something that this page does not know. Are both of the same version?" });
      } else {
        this.#take(event);
      }
    };
    this.#link.onclose = ({ reason }) => {
      if (!this.#over && this.#explained) {
        this.#end(1006, "", false);
      } else if (!this.#over) {
        events.row({ way: "event", kind: "error", text: [this.#heard ? LOST : this.#reached ? UNHEARD : UNREACHED, ...(reason === "" ? [] : [`It said: ${reason}`])].join(" ") });
        this.#end(1006, "", false);
      }
    };
  }

  get buffered(): number {
    return this.#link.bufferedAmount;
  }

  send(payload: string | Uint8Array): void {
    if (typeof payload === "string") {
      this.#say({ op: "send", text: payload });
    } else if (this.#link.readyState === WebSocket.OPEN) {
      this.#link.send(payload as Uint8Array<ArrayBuffer>);
    }
  }

  ping(): void {
    this.#say({ op: "ping" });
  }

  close(code?: number, reason?: string): void {
    if (this.#link.readyState === WebSocket.OPEN) {
      this.#say({ op: "close", ...(code === undefined ? {} : { code, reason: reason ?? "" }) });
    } else {
      this.#link.close();
    }
  }

  #say(message: object): void {
    if (this.#link.readyState === WebSocket.OPEN) {
      this.#link.send(JSON.stringify(message));
    }
  }

  #end(code: number, reason: string, clean: boolean, final = false): void {
    if (!this.#over) {
      this.#over = true;
      this.#events.close(code, reason, clean, final);
      this.#link.close();
    }
  }

  #learn(part: Partial<Handshake>): void {
    this.#handshake = { ...this.#handshake, ...part };
    this.#events.handshake?.(this.#handshake);
  }

  #row(row: NewRow): void {
    this.#events.row(row);
  }

  #take(event: AgentEvent): void {
    switch (event.ev) {
      case "request": {
        const key = header(event.head, "sec-websocket-key");
        return this.#learn({ request: event.head.trimEnd(), ...(key === undefined ? {} : { key }) });
      }
      case "response": {
        const accept = header(event.head, "sec-websocket-accept");
        return this.#learn({ response: event.head.trimEnd(), ...(accept === undefined ? {} : { accept }) });
      }
      case "connected":
        return this.#row({ way: "event", kind: "note", text: `TCP to ${event.address}${event.proxy === undefined ? "" : `, through the proxy ${event.proxy}`}` });
      case "skipped":
        return this.#row({ way: "event", kind: "note", text: `${event.frames} frames are not shown one by one: they came faster than this page reads.` });
      case "tls": {
        const { ev: _, ...tls } = event;
        return this.#learn({ tls });
      }
      case "refused":
        this.#explained = true;
        this.#learn({ response: event.head.trimEnd(), status: event.status, body: event.body + (event.truncated ? "\n… (cut off here)" : "") });
        return this.#row({
          way: "event", kind: "error", text: `The server refused with ${event.status}, not 101. Its answer is under Handshake.`,
          detail: { status: event.status, head: event.head, body: event.body, truncated: event.truncated },
        });
      case "open":
        return this.#events.open(event.protocol, event.extensions);
      case "text":
        return this.#row({ way: "in", kind: "text", text: event.text });
      case "frame": {
        const { ev: _, ...frame } = event;
        return this.#row({ way: frame.way, kind: "frame", text: frameWords(frame), detail: { ...frame } });
      }
      case "pong":
        return this.#row(event.rtt_ms === undefined
          ? { way: "in", kind: "pong", text: "Nobody asked for this one." }
          : { way: "in", kind: "pong", text: `Round trip ${milliseconds(event.rtt_ms)}`, detail: { rtt_ms: event.rtt_ms } });
      case "ping":
        return this.#row({ way: "in", kind: "ping", text: "The server asks whether we are there; the agent answers." });
      case "close":
        return this.#end(event.code, event.reason, event.clean);
      case "error":
        this.#explained = true;
        this.#row({ way: "event", kind: "error", text: [event.message, event.hint].filter((part) => part !== "").map(sentence).join(" "), detail: { stage: event.stage } });
        if (event.stage === "agent" && STRANGE_KEY.test(event.message)) {
          this.#way.forgotten?.("The hub does not know this tab's key any more; it was probably started again. Open the tester link that its terminal shows now.");
          this.#end(1006, "", false, true);
        }
    }
  }
}
