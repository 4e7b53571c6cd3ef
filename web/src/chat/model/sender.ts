// Sends what waits, one after the other so that it stays in order, each until it is kept or refused.
import type { Ack, Payload, PublishOptions, TidewireError } from "tidewire";
import { type Item, type Outbox, imageBytes, isStale } from "./outbox.ts";
import type { Progress } from "./timeline.ts";

export interface SenderOptions {
  outbox: Outbox;
  publish(payload: Payload, options: PublishOptions): Promise<Ack>;
  /** Whether there is a connection, and everything before has come. */
  isReady(): boolean;
  /** Whether a message that was kept would have been seen by now. */
  wouldBeSeen(): boolean;
  told(key: string, progress: Progress): void;
  kept(item: Item, ack: Ack): void;
  words: { unsure: string; tooLarge: string };
  now(): number;
  pause(ms: number): Promise<void>;
}

/** Errors of the client itself that say: not now. */
const LATER = new Set(["offline", "closed", "queue_full", "timeout"]);
const PAUSE = 2_000;

export class Sender {
  #isBusy = false;
  #isEnded = false;
  constructor(private readonly options: SenderOptions) {}

  end(): void {
    this.#isEnded = true;
  }

  /** Sends what can be sent. Call it whenever there may be something, or a way. */
  async flush(): Promise<void> {
    if (this.#isBusy) {
      return;
    }
    this.#isBusy = true;
    try {
      for (let item = this.#next(); item !== undefined; item = this.#next()) {
        await this.#send(item);
      }
    } finally {
      this.#isBusy = false;
    }
  }

  #next(): Item | undefined {
    return this.options.isReady() && !this.#isEnded ? this.options.outbox.next : undefined;
  }

  async #send(item: Item): Promise<void> {
    const { outbox, publish, told, kept, words, now, wouldBeSeen } = this.options;
    if (isStale(item, now()) && !wouldBeSeen()) {
      this.#fail(item, words.unsure);
      return;
    }
    outbox.tried(item.key, now());
    told(item.key, { state: "sending" });
    try {
      const payload: Payload = item.image === undefined ? { text: item.text ?? "" } : imageBytes(item.image);
      const ack = await publish(payload, { key: item.key, echo: true });
      outbox.drop(item.key);
      kept(item, ack);
    } catch (error) {
      await this.#refused(item, error as TidewireError);
    }
  }

  async #refused(item: Item, { code, message, temporary, retryAfter }: TidewireError): Promise<void> {
    const { told, words, pause, outbox } = this.options;
    if (this.#isEnded || !outbox.items.some(({ key }) => key === item.key)) {
      return;
    }
    if (code === "unconfirmed") {
      this.#fail(item, words.unsure);
    } else if (temporary || LATER.has(code)) {
      told(item.key, { state: "waiting", why: message });
      await pause(retryAfter ?? PAUSE);
    } else {
      this.#fail(item, code === "too_large" ? words.tooLarge : message);
    }
  }

  #fail({ key }: Item, why: string): void {
    this.options.outbox.failed(key, why);
    this.options.told(key, { state: "failed", why });
  }
}
