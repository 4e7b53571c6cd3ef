// What a close code says: the registry's, the hub's, and what the ranges are for.

export interface CloseMeaning {
  /** A few words, as the registry names it. */
  name: string;
  /** One or two sentences: what happened, what to do. */
  text: string;
  /** Whether a connection that ends so went as it should. */
  clean: boolean;
  /** A Close frame never carries it: this side made it up. */
  local?: true;
  /** Of 4001.. only: what holds if the server is a Tidewire hub; others mean what they like. */
  hub?: true;
}

type Line = [code: number, name: string, text: string, more?: Partial<CloseMeaning>];

const LINES: Line[] = [
  [1000, "Normal closure", "The connection did what it was for.", { clean: true }],
  [1001, "Going away", "The server stops, or the page was left.", { clean: true }],
  [1002, "Protocol error", "One side broke a rule of WebSocket."],
  [1003, "Unsupported data", "This kind of message (text or binary) is not taken here."],
  [1004, "Reserved", "Has no meaning yet. Nobody should send it."],
  [1005, "No status received", "A Close frame came, but without a code.", { clean: true, local: true }],
  [1006, "Abnormal closure", "No Close frame came: usually a proxy, TLS, the network or an idle timeout; or the handshake was refused, or a frame broke the rules (the browser's console may say which).", { local: true }],
  [1007, "Invalid payload data", "A text message was not UTF-8, or a compressed one could not be unpacked."],
  [1008, "Policy violation", "The message breaks a rule of the application; often missing or wrong sign-in."],
  [1009, "Message too big", "The message is larger than the other side takes. Send less at once."],
  [1010, "Mandatory extension", "The server did not agree to an extension that the client needs."],
  [1011, "Internal error", "One side, mostly the server, failed in a way it did not expect."],
  [1012, "Service restart", "The server restarts. Come back after a random delay."],
  [1013, "Try again later", "The server has too much to do. Come back later."],
  [1014, "Bad gateway", "A gateway got an invalid answer from the server behind it."],
  [1015, "TLS handshake failure", "TLS could not be set up; often a certificate that is not trusted.", { local: true }],
  [3000, "Unauthorized", "Sign-in is missing or wrong."],
  [3003, "Forbidden", "Signed in, but this is not allowed."],
  [3008, "Timeout", "The other side waited too long for something."],
  [4001, "Hub: shutdown", "A Tidewire hub stops or restarts. Come back after a moment.", { hub: true }],
  [4002, "Hub: slow consumer", "More waited for this client than a Tidewire hub keeps. Come back and resume, and read faster.", { hub: true }],
  [4003, "Hub: overloaded", "A Tidewire hub has too much to do. Come back after a moment.", { hub: true }],
  [4500, "Hub: bad protocol", "The client does not speak Tidewire's protocol. Coming back does not help.", { hub: true }],
  [4501, "Hub: forbidden", "This may not be opened; the reason says what is missing. Coming back does not help.", { hub: true }],
];

/** Every code with a meaning of its own, in order. */
export const CLOSE_CODES: ReadonlyMap<number, CloseMeaning> = new Map(
  LINES.map(([code, name, text, more]) => [code, { name, text, clean: false, ...more }]),
);

const RANGES: [upTo: number, name: string, text: string][] = [
  [999, "Not a close code", "Codes below 1000 are not used."],
  [1015, "Unknown", "Not in use."],
  [2999, "Reserved", "Kept for WebSocket and its extensions; nobody has given it a meaning."],
  [3999, "Library or framework", "For libraries and frameworks; not in the public registry as far as this page knows."],
  [4999, "Application's own", "Its meaning is known to this application only: see its documentation."],
  [Infinity, "Not a close code", "Codes end at 4999."],
];

/** What a code means; any number has an answer. */
export function closeMeaning(code: number): CloseMeaning {
  const known = CLOSE_CODES.get(code);
  if (known !== undefined) {
    return known;
  }
  const range = RANGES.find(([upTo]) => code <= upTo);
  return { name: range?.[1] ?? "Not a close code", text: range?.[2] ?? "A close code is a whole number.", clean: false };
}
