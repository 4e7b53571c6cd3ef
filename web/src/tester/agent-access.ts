// Whether this page may use the agent: the token of the link, redeemed for a key that lasts as long as the tab.
import { takeToken } from "./share.ts";
import { Store } from "./store.ts";

export interface Access {
  /** `none`: this page is no hub's own, or its hub has no agent. */
  state: "asking" | "none" | "locked" | "redeeming" | "ready";
  key?: string;
  /** What went wrong with the link, and what to do. */
  trouble?: string;
}

const KEY = "tidewire-agent-key";

export interface World {
  fetch(where: string, how?: RequestInit): Promise<Response>;
  location: { protocol: string; hash: string; pathname: string; search: string };
  replace(url: string): void;
  storage: Pick<Storage, "getItem" | "setItem" | "removeItem"> | undefined;
  /** A link was good: who opened it wants the agent. */
  redeemed(): void;
}

export class AgentAccess extends Store<Access> {
  constructor(private readonly world: World) {
    super({ state: "asking" });
  }

  /** Looks at the address and asks the hub. The token leaves the address before anything else happens. */
  async begin(): Promise<void> {
    const token = this.takeToken();
    if (!/^https?:$/.test(this.world.location.protocol)) {
      this.set({ state: "none" });
      return;
    }
    if (token !== undefined) {
      await this.redeem(token);
    } else {
      await this.#ask();
    }
  }

  takeToken(): string | undefined {
    const { location } = this.world;
    const found = takeToken(location.hash);
    if (found === undefined) {
      return undefined;
    }
    this.world.replace(location.pathname + location.search + found.rest);
    return found.token;
  }

  async redeem(token: string): Promise<void> {
    this.set({ state: "redeeming" });
    try {
      const answer = await this.world.fetch("/agent", { method: "POST", body: token, headers: { "content-type": "text/plain" } });
      if (!answer.ok) {
        const sentence = (await answer.text()).slice(0, 300).trim();
        this.#refused(answer.status === 404 ? "This hub has no agent." : sentence === "" ? `The hub answered ${answer.status}.` : sentence);
        return;
      }
      const { key } = (await answer.json()) as { key?: unknown };
      if (typeof key !== "string" || key === "") {
        this.#refused("The hub gave no key. Open the link that its terminal shows now.");
        return;
      }
      this.#keep(key);
      this.set({ state: "ready", key });
      this.world.redeemed();
    } catch {
      this.#refused("The hub does not answer. Is it running? Then open the link that its terminal shows now.");
    }
  }

  /** Forgets the key of this tab; `trouble`: why, when nobody asked for it. */
  forget(trouble?: string): void {
    this.#keep(undefined);
    this.set({ state: "locked", ...(trouble === undefined ? {} : { trouble }) });
  }

  /** A key from before in this tab may still hold, whatever became of the link. */
  #refused(trouble: string): void {
    const key = this.#kept();
    this.set(key === undefined ? { state: "locked", trouble } : { state: "ready", key, trouble });
  }

  async #ask(): Promise<void> {
    const key = this.#kept();
    let exists = false;
    try {
      const answer = await this.world.fetch("/status");
      exists = answer.ok && ((await answer.json()) as { agent?: unknown }).agent === true;
    } catch {
      // Offline, or another kind of server.
    }
    this.set(!exists ? { state: "none" } : key === undefined ? { state: "locked" } : { state: "ready", key });
  }

  #kept(): string | undefined {
    try {
      return this.world.storage?.getItem(KEY) ?? undefined;
    } catch {
      return undefined;
    }
  }

  #keep(key: string | undefined): void {
    try {
      if (key === undefined) {
        this.world.storage?.removeItem(KEY);
      } else {
        this.world.storage?.setItem(KEY, key);
      }
    } catch {
      // It holds until the page is loaded again.
    }
  }
}
