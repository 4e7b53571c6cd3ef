// <tidewire-chat>: a chat room for any page, in a shadow root of its own.
import { render } from "preact";
import css from "./style.css?text";
import { lasting } from "./model/keep.ts";
import { clean } from "./model/people.ts";
import { Room } from "./model/room.ts";
import { languageOf } from "./texts/index.ts";
import { Chat } from "./view/chat.tsx";

const TAG = "tidewire-chat";
const HISTORY = 50;
const IMAGE_LIMIT = 180 * 1024;
/** Drawn so often at most, in ms: a busy room would leave no time for anything else. */
const PACE = 40;

/** Where this script came from: the hub, as a rule. */
const HERE = new URL(".", import.meta.url);

let sheet: CSSStyleSheet | undefined;
/** One style for all chats, without a style tag: a policy need not allow any. */
function style(): CSSStyleSheet {
  if (sheet === undefined) {
    sheet = new CSSStyleSheet();
    sheet.replaceSync(css);
  }
  return sheet;
}

class TidewireChat extends HTMLElement {
  static readonly observedAttributes = ["room", "server", "token", "user-name", "lang", "history", "image-limit"];
  readonly #root = this.attachShadow({ mode: "open" });
  #room: Room | undefined;
  /** What the room was opened with; another value opens another room. */
  #opened = "";
  #people = true;
  #isScheduled = false;
  #drawnAt = 0;

  constructor() {
    super();
    this.#root.adoptedStyleSheets = [style()];
  }

  connectedCallback(): void {
    this.#schedule(0);
  }

  disconnectedCallback(): void {
    // Moved within the page, it stays connected.
    queueMicrotask(() => {
      if (!this.isConnected) {
        this.#close();
        render(null, this.#root);
      }
    });
  }

  attributeChangedCallback(_: string, before: string | null, after: string | null): void {
    if (before !== after) {
      this.#schedule(0);
    }
  }

  /** The connection: `idle`, `connecting`, `open`, `waiting`, `offline` or `closed`. */
  get state(): string {
    return this.#room?.state ?? "idle";
  }

  /** Sends a text, as if it had been written here; `false`: a listener of `tidewire-send` has stopped it, or there is no room. */
  send(text: string): boolean {
    if (this.#room === undefined || text.trim() === "" || !this.#tell("tidewire-send", { text }, true)) {
      return false;
    }
    this.#room.send(text);
    return true;
  }

  /** Tries to connect now, where it would have waited. */
  reconnect(): void {
    this.#room?.retryNow();
  }

  override focus(options?: FocusOptions): void {
    const places = ["textarea", ".naming input", ".log"].map((place) => this.#root.querySelector<HTMLElement>(place));
    places.find((place) => place !== null)?.focus(options);
  }

  get #language() {
    return languageOf(this.closest("[lang]")?.getAttribute("lang"), navigator.languages);
  }

  get #server(): URL | undefined {
    try {
      const server = new URL(this.getAttribute("server") || HERE, document.baseURI);
      server.protocol = server.protocol.replace(/^ws/, "http");
      return /^https?:$/.test(server.protocol) ? server : undefined;
    } catch {
      return undefined;
    }
  }

  get #asksName(): boolean {
    return !this.hasAttribute("user-name");
  }

  get #name(): string {
    return clean(this.getAttribute("user-name") ?? lasting.get("tidewire.name") ?? "");
  }

  #number(attribute: string, standard: number, most: number): number {
    const value = Number(this.getAttribute(attribute) ?? NaN);
    return Number.isInteger(value) && value >= 0 ? Math.min(value, most) : standard;
  }

  /** Brings the room and the picture in line with the attributes, at most every so often. */
  #schedule(pace = PACE): void {
    if (this.#isScheduled) {
      return;
    }
    this.#isScheduled = true;
    const wait = this.#drawnAt + pace - performance.now();
    const run = () => {
      this.#isScheduled = false;
      if (this.isConnected) {
        this.#update();
      }
    };
    if (wait <= 0) {
      queueMicrotask(run);
    } else {
      setTimeout(run, wait);
    }
  }

  #update(): void {
    this.#drawnAt = performance.now();
    const room = (this.getAttribute("room") ?? "").trim();
    const server = this.#server;
    const language = this.#language;
    if (room === "" || server === undefined) {
      this.#close();
      render(<div class="room" dir={language.dir} lang={language.tag}><p class="bad banner" role="alert">{room === "" ? language.t.noRoom : language.t.noServer}</p></div>, this.#root);
      return;
    }
    this.#enter(room, server);
    if (this.#room !== undefined) {
      this.#room.language = language;
      render(
        <Chat key={this.#opened} room={this.#room} title={room.replace(/^chat:/, "")} language={language} asksName={this.#asksName}
          imageLimit={this.#number("image-limit", IMAGE_LIMIT, 16 << 20)} onName={(name) => this.#named(name)} onSend={(text) => this.send(text)} />,
        this.#root,
      );
    }
  }

  #enter(room: string, server: URL): void {
    const token = this.getAttribute("token") ?? undefined;
    const wanted = JSON.stringify([room, server.href, token]);
    if (wanted !== this.#opened) {
      this.#people = true;
      this.#close();
      this.#opened = wanted;
    }
    if (this.#room !== undefined) {
      if (!this.#asksName && this.#name !== this.#room.name && this.#name !== "") {
        this.#room.rename(this.#name).catch((error: Error) => this.#tell("tidewire-error", { code: "bad_name", message: error.message }));
      }
      return;
    }
    this.#room = new Room({
      server,
      room,
      ...(token === undefined ? {} : { token }),
      ...(this.#name === "" ? {} : { name: this.#name }),
      history: this.#number("history", HISTORY, 1_000),
      language: this.#language,
      people: this.#people,
      on: {
        changed: () => this.#schedule(),
        withoutPeople: (refused) => {
          if (this.#room === refused) {
            this.#people = false;
            this.#close(wanted);
            this.#schedule(0);
          }
        },
        message: (message) => this.#tell("tidewire-message", { message }),
        state: ({ state, transport, reason }) => this.#tell("tidewire-state", { state, transport, reason: reason?.message }),
        error: (code, text) => this.#tell("tidewire-error", { code, message: text }),
      },
    });
  }

  #close(opened = ""): void {
    const room = this.#room;
    this.#room = undefined;
    this.#opened = opened;
    void room?.end();
  }

  async #named(name: string): Promise<string> {
    try {
      await this.#room?.rename(name);
    } catch (error) {
      return (error as Error).message;
    }
    lasting.set("tidewire.name", name);
    return "";
  }

  /** Gives whether nobody has objected. */
  #tell(type: string, detail: object, cancelable = false): boolean {
    return this.dispatchEvent(new CustomEvent(type, { detail, bubbles: true, composed: true, cancelable }));
  }
}

/** Attributes as properties. */
for (const [property, attribute] of [["room", "room"], ["server", "server"], ["token", "token"], ["userName", "user-name"], ["theme", "theme"]] as const) {
  Object.defineProperty(TidewireChat.prototype, property, {
    configurable: true,
    enumerable: true,
    get(this: HTMLElement) {
      return this.getAttribute(attribute) ?? "";
    },
    set(this: HTMLElement, value: unknown) {
      if (value === null || value === undefined) {
        this.removeAttribute(attribute);
      } else {
        this.setAttribute(attribute, String(value));
      }
    },
  });
}

// The script may be there twice.
if (customElements.get(TAG) === undefined) {
  customElements.define(TAG, TidewireChat);
}
