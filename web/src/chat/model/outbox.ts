// Messages that are not kept yet, each with its key, over reloads of the page: sent twice, it is kept once.
import { type Content, ofBytes } from "./content.ts";
import type { Store } from "./keep.ts";
import { fromBase64 } from "../../ui/base64.ts";

export interface Item {
  key: string;
  at: number;
  text?: string;
  /** An image, in base64. */
  image?: string;
  /** When it was first sent. */
  tried?: number;
  /** Why it was refused; it goes again only when somebody says so. */
  failed?: string;
}

/** How long a hub surely knows a key that it saw. */
export const KEY_AGE = 5 * 60_000;

export class Outbox {
  #items: Item[];

  constructor(private readonly store: Store, private readonly place: string) {
    this.#items = read(store.get(place));
  }

  get items(): readonly Item[] {
    return this.#items;
  }

  /** The next that is to go. */
  get next(): Item | undefined {
    return this.#items.find(({ failed }) => failed === undefined);
  }

  add(item: Item): void {
    this.#set([...this.#items, item]);
  }

  drop(key: string): void {
    this.#set(this.#items.filter((item) => item.key !== key));
  }

  tried(key: string, at: number): void {
    this.#set(this.#items.map((item) => (item.key === key ? { ...item, tried: item.tried ?? at } : item)));
  }

  failed(key: string, why: string): void {
    this.#set(this.#items.map((item) => (item.key === key ? { ...item, failed: why } : item)));
  }

  /** It goes once more, at the end. */
  again(key: string): Item | undefined {
    const item = this.#items.find((one) => one.key === key);
    if (item === undefined) {
      return undefined;
    }
    const { failed: _, tried: __, ...fresh } = item;
    this.#set([...this.#items.filter((one) => one !== item), fresh]);
    return fresh;
  }

  #set(items: Item[]): void {
    this.#items = items;
    if (!this.store.set(this.place, items.length === 0 ? null : JSON.stringify(items))) {
      // Too much for the storage: the texts at least.
      this.store.set(this.place, JSON.stringify(items.filter(({ image }) => image === undefined)));
    }
  }
}

/** Whether it was sent so long ago that a repetition might be kept twice. */
export const isStale = ({ tried }: Item, now: number): boolean => tried !== undefined && now - tried > KEY_AGE;

/** What somebody else put into the storage is taken only as far as it has the right form. */
function read(json: string | null): Item[] {
  let found: unknown;
  try {
    found = JSON.parse(json ?? "[]");
  } catch {
    return [];
  }
  return Array.isArray(found) ? found.flatMap((one: unknown) => itemOf(one) ?? []) : [];
}

function itemOf(one: unknown): Item | undefined {
  if (typeof one !== "object" || one === null) {
    return undefined;
  }
  const { key, at, text, image, tried, failed } = one as Record<string, unknown>;
  if (typeof key !== "string" || typeof at !== "number" || (typeof text !== "string" && typeof image !== "string")) {
    return undefined;
  }
  return {
    key,
    at,
    ...(typeof text === "string" ? { text } : {}),
    ...(typeof image === "string" ? { image } : {}),
    ...(typeof tried === "number" ? { tried } : {}),
    ...(typeof failed === "string" ? { failed } : {}),
  };
}

export const contentOfItem = ({ text, image }: Item): Content => (image === undefined ? { kind: "text", text: text ?? "" } : ofBytes(imageBytes(image)));

/** The bytes of a kept image: none, if what was kept is no base64. */
export const imageBytes = (image: string): Uint8Array<ArrayBuffer> => fromBase64(image) ?? new Uint8Array();

export const newKey = (): string => `c-${[...crypto.getRandomValues(new Uint32Array(4))].map((n) => n.toString(36)).join("")}`;
