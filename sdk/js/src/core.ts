// What a channel needs of the client.
import type { Bounds } from "./backoff.js";
import type { Wire } from "./codec.js";
import type { Line } from "./transports/line.js";
import type { Ack, Payload, PublishOptions, TidewireError } from "./types.js";

export interface Core {
  readonly backoff: Bounds;
  /** The connection, if it is open. */
  line(): Line | undefined;
  /** Connects, unless the program said not to. */
  need(): void;
  /** Asks over the connection that there is; over another only with `again`. */
  ask(command: Wire, ok?: (answer: Wire) => void, no?: (error: TidewireError) => void, again?: boolean): number;
  /** The answer does not matter any more. */
  drop(call: number): void;
  /** Asks what may be asked twice. */
  read(command: Wire, signal?: AbortSignal): Promise<Wire>;
  publish(channel: string, payload: Payload, options?: PublishOptions): Promise<Ack>;
}
