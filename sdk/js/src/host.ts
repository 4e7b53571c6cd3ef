// What the connection and the client know of each other.
import type { Wire } from "./codec.js";
import type { Emitter } from "./emitter.js";
import type { Line } from "./transports/line.js";
import type { ClientEvents, Reason, State, TidewireError } from "./types.js";

/** Who the client is, as far as it knows. */
export interface Me {
  token: string | undefined;
  name: string | undefined;
  /** The public id of the session. */
  session: string | undefined;
}

/** What the connection tells. */
export interface Host {
  emit: Emitter<ClientEvents>["emit"];
  /** It is open; everything goes on over this line. */
  open(line: Line): void;
  /** It carries nothing any more. */
  lost(): void;
  /** For good, until somebody connects. */
  end(error: TidewireError): void;
  heard(object: Wire): void;
  /** Asks whether the hub is there. */
  ask(answered: () => void): void;
}

export interface Connection {
  state(): State;
  reason(): Reason | undefined;
  line(): Line | undefined;
  /** Connects if nobody has said not to. */
  need(): void;
  connect(): void;
  disconnect(): void;
  close(): void;
}
