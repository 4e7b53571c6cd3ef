// JSON as text: checked with line and column, laid out anew without touching a number or a string.

export type Laid = { ok: true; text: string } | { ok: false; error: string; line: number; column: number; at: number };

type Layout = "pretty" | "small";

/** Values inside values; deeper would be refused by most parsers, and by the stack of this one. */
const DEEPEST = 500;

class Wrong extends Error {
  constructor(readonly at: number, message: string) {
    super(message);
  }
}

export const checkJson = (text: string): Laid => lay(text, "small");
export const prettify = (text: string): Laid => lay(text, "pretty");
export const minify = (text: string): Laid => lay(text, "small");

function lay(text: string, layout: Layout): Laid {
  try {
    const writer = new Writer(text, layout);
    return { ok: true, text: writer.document() };
  } catch (error) {
    if (!(error instanceof Wrong)) {
      throw error;
    }
    const before = text.slice(0, error.at).split("\n");
    const column = [...(before.at(-1) ?? "")].length + 1;
    return { ok: false, error: error.message, line: before.length, column, at: error.at };
  }
}

/** Reads the text once, copying each word as it stands, with the layout's blanks between. */
class Writer {
  #at = 0;
  #out: string[] = [];
  #depth = 0;

  constructor(private readonly text: string, private readonly layout: Layout) {}

  document(): string {
    this.#blanks();
    if (this.#at === this.text.length) {
      throw new Wrong(this.#at, "There is no value yet.");
    }
    this.#value();
    this.#blanks();
    if (this.#at < this.text.length) {
      throw new Wrong(this.#at, `Nothing may follow the value, but here is ${this.#here()}.`);
    }
    return this.#out.join("");
  }

  #value(): void {
    const sign = this.text[this.#at];
    if (sign === "{" || sign === "[") {
      this.#group(sign);
    } else if (sign === '"') {
      this.#string();
    } else {
      this.#word();
    }
  }

  #group(open: "{" | "["): void {
    const close = open === "{" ? "}" : "]";
    if (this.#depth === DEEPEST) {
      throw new Wrong(this.#at, `More than ${DEEPEST} values inside each other.`);
    }
    this.#at++;
    this.#out.push(open);
    this.#blanks();
    if (this.text[this.#at] === close) {
      this.#at++;
      this.#out.push(close);
      return;
    }
    this.#depth++;
    for (;;) {
      this.#newLine();
      if (open === "{") {
        this.#name();
      }
      this.#value();
      this.#blanks();
      const sign = this.text[this.#at];
      if (sign === close) {
        break;
      }
      if (sign !== ",") {
        throw new Wrong(this.#at, `Expected “,” or “${close}”, but here is ${this.#here()}.`);
      }
      this.#at++;
      this.#out.push(",");
      this.#blanks();
      if (this.text[this.#at] === close) {
        throw new Wrong(this.#at, `A comma may not stand before “${close}”.`);
      }
    }
    this.#depth--;
    this.#at++;
    this.#newLine();
    this.#out.push(close);
  }

  #name(): void {
    if (this.text[this.#at] !== '"') {
      throw new Wrong(this.#at, `A name in double quotes is missing; here is ${this.#here()}.`);
    }
    this.#string();
    this.#blanks();
    if (this.text[this.#at] !== ":") {
      throw new Wrong(this.#at, `Expected “:” after the name, but here is ${this.#here()}.`);
    }
    this.#at++;
    this.#out.push(this.layout === "pretty" ? ": " : ":");
    this.#blanks();
  }

  #string(): void {
    const from = this.#at;
    for (this.#at++; ; this.#at++) {
      const sign = this.text[this.#at];
      if (sign === undefined) {
        throw new Wrong(from, "This string has no end.");
      }
      if (sign < " ") {
        throw new Wrong(this.#at, sign === "\n" ? "A string ends on its line: write \\n for a new one." : "Write control characters as \\u escapes.");
      }
      if (sign === '"') {
        break;
      }
      if (sign === "\\") {
        this.#escape();
      }
    }
    this.#at++;
    this.#out.push(this.text.slice(from, this.#at));
  }

  #escape(): void {
    const rest = this.text.slice(this.#at, this.#at + 6);
    if (!/^\\(["\\/bfnrt]|u[0-9a-fA-F]{4})/.test(rest)) {
      throw new Wrong(this.#at, `“${rest.slice(0, 2)}” is no escape of JSON.`);
    }
    this.#at += rest[1] === "u" ? 5 : 1;
  }

  #word(): void {
    const sticky = /(?:-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)(?![\w.+-])/y;
    sticky.lastIndex = this.#at;
    const found = sticky.exec(this.text);
    if (found === null) {
      throw new Wrong(this.#at, this.text[this.#at] === "'" ? "JSON's strings are in double quotes." : `Expected a value, but here is ${this.#here()}.`);
    }
    this.#at += found[0].length;
    this.#out.push(found[0]);
  }

  #blanks(): void {
    const sticky = /[ \t\r\n]*/y;
    sticky.lastIndex = this.#at;
    this.#at += sticky.exec(this.text)?.[0].length ?? 0;
  }

  #newLine(): void {
    if (this.layout === "pretty") {
      this.#out.push(`\n${"  ".repeat(this.#depth)}`);
    }
  }

  #here(): string {
    const rest = this.text.slice(this.#at, this.#at + 200);
    if (rest === "") {
      return "the end";
    }
    return `“${/^[\w.+-]{1,20}/.exec(rest)?.[0] ?? [...rest][0]}”`;
  }
}
