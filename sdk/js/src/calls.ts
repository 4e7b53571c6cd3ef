// Commands that wait for their answers. Answers are told at once, in the order in which they come.
import { failure, type Wire } from "./codec.js";
import type { Line } from "./transports/line.js";
import type { TidewireError } from "./types.js";

export interface Call {
  /** The command in JSON, without `id`. */
  fields: string;
  ok: (answer: Wire) => void;
  /** Refused; without an error: the connection was lost, and with it the answer. */
  no: (error?: TidewireError) => void;
  /** Whether it may simply be asked again over the next connection. */
  again?: boolean | undefined;
}

export interface Calls {
  /** Sends calls in order; without a connection they wait for `resend`. */
  add(calls: readonly Call[], line: Line | undefined): number[];
  drop(id: number): void;
  /** Takes an answer in. */
  take(object: Wire): void;
  /** The connection is lost: ends those that cannot be asked again; with an error, all. */
  lost(error?: TidewireError): void;
  resend(line: Line): void;
}

export function calls(): Calls {
  let last = 0;
  const open = new Map<unknown, Call>();
  const send = (line: Line | undefined, ids: readonly number[]): void =>
    line?.send(ids.map((id) => `{"id":${id},${open.get(id)!.fields.slice(1)}`));
  return {
    add(all, line) {
      const ids = all.map((call) => {
        open.set(++last, call);
        return last;
      });
      send(line, ids);
      return ids;
    },
    drop: (id) => void open.delete(id),
    take(object) {
      const call = open.get(object["id"]);
      open.delete(object["id"]);
      if (object["op"] === "error") {
        call?.no(failure(object));
      } else {
        call?.ok(object);
      }
    },
    lost(error) {
      for (const [id, call] of open) {
        if (error || !call.again) {
          open.delete(id);
          call.no(error);
        }
      }
    },
    resend: (line) => send(line, [...open.keys()] as number[]),
  };
}
