// Commands that wait for their answers. Answers are told at once, in the order in which they come.
import { command, failure, number, type Wire } from "./codec.js";
import type { Line } from "./transports/line.js";
import { TidewireError } from "./types.js";

export interface Call {
  /** The command in JSON, without `id`. */
  fields: string;
  ok: (answer: Wire) => void;
  no: (error: TidewireError) => void;
  /** Whether it may simply be asked again over the next connection. */
  again?: boolean;
}

export class Calls {
  #last = 0;
  readonly #open = new Map<number, Call>();

  /** Sends calls in order; those for later wait for `resend`. */
  add(calls: readonly Call[], line: Line | undefined): number[] {
    const ids = calls.map((call) => {
      this.#open.set(++this.#last, call);
      return this.#last;
    });
    line?.send(ids.map((id) => command(id, this.#open.get(id)!.fields)));
    return ids;
  }

  drop(id: number): void {
    this.#open.delete(id);
  }

  /** Takes an answer in. */
  take(object: Wire): void {
    const id = number(object["id"]);
    const call = id === undefined ? undefined : this.#open.get(id);
    if (call) {
      this.#open.delete(id!);
      if (object["op"] === "error") {
        call.no(failure(object));
      } else {
        call.ok(object);
      }
    }
  }

  /** The connection is gone: nobody knows what came of those that were on the way. */
  lost(why: (call: Call) => TidewireError | undefined): void {
    for (const [id, call] of this.#open) {
      const error = why(call);
      if (error) {
        this.#open.delete(id);
        call.no(error);
      }
    }
  }

  resend(line: Line): void {
    line.send([...this.#open].map(([id, call]) => command(id, call.fields)));
  }
}
