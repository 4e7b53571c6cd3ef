// What the page keeps on this device, under one versioned key; where storage is forbidden, for this page only.
import { type MessageKind, isKind } from "./share.ts";
import { Store } from "./store.ts";

export interface Snippet {
  name: string;
  kind: MessageKind;
  text: string;
}

export interface Settings {
  url: string;
  protocols: string;
  /** The host that a link named, until this person trusts it: what is kept for other servers is not sent there. */
  linked: string;
  recent: string[];
  kind: MessageKind;
  clearOnSend: boolean;
  enterSends: boolean;
  /** Sent messages, the latest last. */
  history: string[];
  snippets: Snippet[];
  repeatEvery: number;
  repeatTimes: number;
  reconnect: boolean;
  /** One message per line, sent when a connection opens. */
  onConnect: string;
  keepalive: boolean;
  keepaliveText: string;
  keepaliveSeconds: number;
  panels: boolean;
  tab: string;
  throughAgent: boolean;
  frames: boolean;
  /** Whether single keys do something. */
  keys: boolean;
}

export const KEY = "tidewire-tester-v1";
const RECENT = 12;
const HISTORY = 50;
const LONGEST_KEPT = 8192;
const SNIPPETS = 500;

export const START: Settings = {
  url: "", protocols: "", linked: "", recent: [], kind: "text", clearOnSend: false, enterSends: false, history: [], snippets: [],
  repeatEvery: 1000, repeatTimes: 10, reconnect: false, onConnect: "", keepalive: false, keepaliveText: "ping", keepaliveSeconds: 30,
  panels: false, tab: "handshake", throughAgent: false, frames: true, keys: true,
};

const strings = (value: unknown, most: number): string[] =>
  Array.isArray(value) ? value.filter((one): one is string => typeof one === "string").slice(-most) : [];

export const isSnippet = (value: unknown): value is Snippet =>
  typeof value === "object" && value !== null && typeof (value as Snippet).name === "string" &&
  typeof (value as Snippet).text === "string" && isKind((value as Snippet).kind);

/** What was kept, field by field: an older or broken text costs only what is broken. */
export function readSettings(text: string | null): Settings {
  let kept: Record<string, unknown>;
  try {
    const value: unknown = JSON.parse(text ?? "{}");
    kept = typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    kept = {};
  }
  const settings: Record<string, unknown> = { ...START };
  for (const [name, start] of Object.entries(START)) {
    const value = kept[name];
    if (typeof value === typeof start && !Array.isArray(start) && (typeof value !== "number" || Number.isFinite(value))) {
      settings[name] = value;
    }
  }
  return {
    ...(settings as unknown as Settings),
    kind: isKind(kept["kind"]) ? kept["kind"] : "text",
    recent: strings(kept["recent"], RECENT),
    history: strings(kept["history"], HISTORY),
    snippets: Array.isArray(kept["snippets"]) ? kept["snippets"].filter(isSnippet).slice(0, SNIPPETS) : [],
  };
}

/** The settings of this page; each change is kept if that is allowed. */
export class Kept extends Store<Settings> {
  /** Whether the last change outlives this page. */
  readonly lasting = new Store(true);

  constructor(private readonly storage: Pick<Storage, "getItem" | "setItem"> | undefined) {
    super(readSettings(read(storage)));
  }

  override set(value: Settings): void {
    super.set(value);
    try {
      this.storage?.setItem(KEY, JSON.stringify(value));
      this.lasting.set(this.storage !== undefined);
    } catch {
      // Full or forbidden: it holds for this page.
      this.lasting.set(false);
    }
  }

  /** Another tab kept something: its lists are taken over, so that this tab does not write old ones back. */
  adopt(text: string | null): void {
    const { snippets, recent, history } = readSettings(text);
    super.set({ ...this.value, snippets, recent, history });
  }

  used(url: string): void {
    this.patch({ recent: [url, ...this.value.recent.filter((one) => one !== url)].slice(0, RECENT) });
  }

  sent(text: string): void {
    if (text !== "" && text.length <= LONGEST_KEPT) {
      this.patch({ history: [...this.value.history.filter((one) => one !== text), text].slice(-HISTORY) });
    }
  }
}

function read(storage: Pick<Storage, "getItem"> | undefined): string | null {
  try {
    return storage?.getItem(KEY) ?? null;
  } catch {
    return null;
  }
}

/** The browser's storage, if the page may even name it. */
export function storageOf(which: "localStorage" | "sessionStorage"): Storage | undefined {
  try {
    return globalThis[which];
  } catch {
    return undefined;
  }
}
