// Who this tab is to a hub: the token it gave, kept over reloads, one for all chats of the page.
import { type Store, ofTab } from "./keep.ts";

const PATIENCE = 4_000;

export class Identities {
  readonly #first = new Map<string, { owner: object; done: Promise<void>; tell: () => void }>();
  constructor(private readonly store: Store, private readonly patience = PATIENCE) {}

  /** The token for a hub. While another chat of this page gets the first one, it is waited for, but not for long. */
  async token(server: string, owner: object): Promise<string | undefined> {
    const kept = this.#kept(server);
    if (kept !== undefined) {
      return kept;
    }
    const other = this.#first.get(server);
    if (other === undefined) {
      let tell = () => {};
      const done = new Promise<void>((resolve) => (tell = resolve));
      this.#first.set(server, { owner, done, tell });
    }
    if (other === undefined || other.owner === owner) {
      return undefined;
    }
    let timer: ReturnType<typeof setTimeout> | undefined;
    await Promise.race([other.done, new Promise((resolve) => (timer = setTimeout(resolve, this.patience)))]);
    clearTimeout(timer);
    return this.#kept(server);
  }

  keep(server: string, token: string): void {
    this.store.set(place(server), token);
    this.#first.get(server)?.tell();
    this.#first.delete(server);
  }

  /** Whoever waits for this one's token waits no more. */
  leave(server: string, owner: object): void {
    const first = this.#first.get(server);
    if (first?.owner === owner) {
      first.tell();
      this.#first.delete(server);
    }
  }

  #kept(server: string): string | undefined {
    return this.store.get(place(server)) ?? undefined;
  }
}

const place = (server: string): string => `tidewire.client.${server}`;

export const identities = new Identities(ofTab);
