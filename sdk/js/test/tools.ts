// What tests in virtual time share.
import { vi } from "vitest";

/** Lets virtual time pass. */
export const pass = (ms = 50): Promise<unknown> => vi.advanceTimersByTimeAsync(ms);

/** A page around the client: what a browser has and Node has not. */
export class FakePage {
  readonly window = new EventTarget();
  readonly document = { visibilityState: "visible" };
  readonly navigator = { onLine: true };

  constructor() {
    vi.stubGlobal("document", this.document);
    vi.stubGlobal("navigator", this.navigator);
    vi.stubGlobal("addEventListener", this.window.addEventListener.bind(this.window));
  }

  tell(event: string): void {
    this.window.dispatchEvent(new Event(event));
  }

  /** The tab goes to the background, or comes back. */
  show(visible: boolean): void {
    this.document.visibilityState = visible ? "visible" : "hidden";
    this.tell("visibilitychange");
  }
}

/** What an emitter told, in order. */
export function record<E extends string>(
  from: { on(event: E, listener: (...args: never[]) => void): unknown },
  ...events: E[]
): unknown[][] {
  const told: unknown[][] = [];
  for (const event of events) {
    from.on(event, ((...args: unknown[]) => told.push([event, ...args])) as (...args: never[]) => void);
  }
  return told;
}
