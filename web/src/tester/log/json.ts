// Reads JSON without loss: numbers keep their digits, objects their order and doubled names.
export interface Member {
  name: string;
  value: Json;
}

export type Json =
  | { kind: "object"; members: Member[] }
  | { kind: "array"; items: Json[] }
  | { kind: "string"; value: string }
  /** `source`: the digits as they came. */
  | { kind: "number"; source: string }
  | { kind: "true" | "false" | "null" };

export class JsonError extends Error {
  constructor(message: string, readonly at: number) {
    super(message);
  }
}

class TooDeepError extends JsonError {}

/** Deeper than this is not read: a hostile text must not overflow the stack. */
export const DEEPEST = 500;

const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;

class Reader {
  at = 0;
  #depth = 0;
  constructor(readonly text: string) {}

  space(): void {
    for (;;) {
      const unit = this.text.charCodeAt(this.at);
      if (unit !== 0x20 && unit !== 0x0a && unit !== 0x0d && unit !== 0x09) {
        return;
      }
      this.at += 1;
    }
  }

  fail(what: string): never {
    const sign = this.text.slice(this.at, this.at + 1);
    throw new JsonError(sign === "" ? `${what}, but the text ends` : `${what}, not ${JSON.stringify(sign)}`, this.at);
  }

  value(): Json {
    switch (this.text[this.at]) {
      case "{": return this.#nested(() => this.#object());
      case "[": return this.#nested(() => this.#array());
      case '"': return { kind: "string", value: this.#string() };
      case "t": return this.#word("true");
      case "f": return this.#word("false");
      case "n": return this.#word("null");
      default: return this.#number();
    }
  }

  #nested(read: () => Json): Json {
    this.#depth += 1;
    if (this.#depth > DEEPEST) {
      throw new TooDeepError(`nested more than ${DEEPEST} deep`, this.at);
    }
    const value = read();
    this.#depth -= 1;
    return value;
  }

  #object(): Json {
    const members: Member[] = [];
    this.#list("}", () => {
      if (this.text[this.at] !== '"') {
        this.fail("a name in quotes was expected");
      }
      const name = this.#string();
      this.space();
      if (this.text[this.at] !== ":") {
        this.fail("a colon was expected");
      }
      this.at += 1;
      this.space();
      members.push({ name, value: this.value() });
    });
    return { kind: "object", members };
  }

  #array(): Json {
    const items: Json[] = [];
    this.#list("]", () => items.push(this.value()));
    return { kind: "array", items };
  }

  #list(end: string, item: () => void): void {
    this.at += 1;
    this.space();
    if (this.text[this.at] === end) {
      this.at += 1;
      return;
    }
    for (;;) {
      item();
      this.space();
      const sign = this.text[this.at];
      if (sign !== "," && sign !== end) {
        this.fail(`a comma or ${end} was expected`);
      }
      this.at += 1;
      if (sign === end) {
        return;
      }
      this.space();
    }
  }

  #string(): string {
    const start = this.at;
    let plain = true;
    for (this.at += 1; ; this.at += 1) {
      const unit = this.text.charCodeAt(this.at);
      if (unit === 0x22) {
        break;
      }
      if (unit === 0x5c) {
        plain = false;
        this.at += 1;
      } else if (!(unit >= 0x20)) {
        this.fail("a string was not closed, or holds a bare control character");
      }
    }
    this.at += 1;
    if (plain) {
      return this.text.slice(start + 1, this.at - 1);
    }
    try {
      return JSON.parse(this.text.slice(start, this.at)) as string;
    } catch {
      throw new JsonError("a string holds a wrong escape", start);
    }
  }

  #number(): Json {
    NUMBER.lastIndex = this.at;
    const found = NUMBER.exec(this.text);
    if (found === null) {
      return this.fail("a value was expected");
    }
    this.at += found[0].length;
    return { kind: "number", source: found[0] };
  }

  #word(kind: "true" | "false" | "null"): Json {
    if (!this.text.startsWith(kind, this.at)) {
      this.fail("a value was expected");
    }
    this.at += kind.length;
    return { kind };
  }
}

/** Reads a whole text; throws a `JsonError` that says where it is wrong. */
export function readJson(text: string): Json {
  const reader = new Reader(text);
  reader.space();
  const value = reader.value();
  reader.space();
  if (reader.at < text.length) {
    reader.fail("the end was expected");
  }
  return value;
}

/** An object or array in a text, or nothing: what a tree is worth showing for. */
export function readTree(text: string): Json | undefined {
  if (!/^[\s]*[{[]/.test(text)) {
    return undefined;
  }
  try {
    return readJson(text);
  } catch {
    return undefined;
  }
}

/** Whether reading a text as JSON ends because it is nested too deep. */
export function isTooDeep(text: string): boolean {
  try {
    readJson(text);
    return false;
  } catch (error) {
    return error instanceof TooDeepError;
  }
}

/** The line of a place in a text, from 1. */
export function lineOf(text: string, at: number): number {
  let line = 1;
  for (let end = text.indexOf("\n"); end !== -1 && end < at; end = text.indexOf("\n", end + 1)) {
    line += 1;
  }
  return line;
}
