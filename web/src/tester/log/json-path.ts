// A small language that asks about a JSON text: `$.a.b[0]`, `a.b == 3`, `type == "trade" && px > 10`.
//
//   question = and { "||" and } ;           and = not { "&&" not } ;
//   not      = "!" not | "(" question ")" | asked ;
//   asked    = path [ ("==" | "!=" | "<" | "<=" | ">" | ">=" | "~") literal ] ;
//   path     = ( "$" | name ) { "." name | ".*" | "..name" | "[" (integer | string | "*") "]" } ;
//   literal  = number | "text" | 'text' | true | false | null ;
//
// A path alone asks whether there is such a value; with `*` or `..` one value that fits is enough. `~` asks whether
// the value, as text, contains the literal, in any case. Whole numbers compare exactly, whatever their length; an
// index below 0 counts from the end. Names: letters, digits, `_`, `-`, `$`; others in `["…"]`.
import type { Json } from "./json.ts";

type Step = { take: "name"; name: string } | { take: "index"; index: number } | { take: "all" } | { take: "deep"; name: string };
type Operator = "==" | "!=" | "<" | "<=" | ">" | ">=" | "~";
type Literal = { kind: "string"; value: string } | { kind: "number"; source: string } | { kind: "true" | "false" | "null" };
type Question = (value: Json) => boolean;

/** What is wrong with a question, and where. */
export class PathError extends Error {}

const TOKEN = /\s*(?:(\|\||&&|==|!=|<=|>=|\.\.|[<>~!()[\].*])|("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|(-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?(?![\p{L}\p{N}_$-]))|([\p{L}\p{N}_$-]+))/uy;

interface Token {
  what: "sign" | "string" | "number" | "name" | "end";
  text: string;
  at: number;
}

function tokens(text: string): Token[] {
  const found: Token[] = [];
  const trimmed = text.trimEnd();
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < trimmed.length) {
    const at = TOKEN.lastIndex;
    const match = TOKEN.exec(trimmed);
    if (match === null) {
      throw new PathError(`Not understood from ${JSON.stringify(trimmed.slice(at, at + 12).trim())} on.`);
    }
    const what = match[1] !== undefined ? "sign" : match[2] !== undefined ? "string" : match[3] !== undefined ? "number" : "name";
    found.push({ what, text: match[0].trim(), at });
  }
  return [...found, { what: "end", text: "the end", at: trimmed.length }];
}

const unquote = (text: string): string => text.slice(1, -1).replace(/\\(u[0-9a-fA-F]{4}|.)/gsu, (_, sign: string) =>
  sign.length === 5 ? String.fromCharCode(parseInt(sign.slice(1), 16)) : ({ n: "\n", r: "\r", t: "\t" })[sign] ?? sign);

class Parser {
  #at = 0;
  #depth = 0;
  readonly #tokens: Token[];
  constructor(text: string) {
    this.#tokens = tokens(text);
  }

  get #token(): Token {
    return this.#tokens[Math.min(this.#at, this.#tokens.length - 1)]!;
  }

  #take(sign: string): boolean {
    const taken = this.#token.what === "sign" && this.#token.text === sign;
    this.#at += taken ? 1 : 0;
    return taken;
  }

  #wanted(what: string): never {
    throw new PathError(`Expected ${what}, found ${this.#token.what === "end" ? "the end" : JSON.stringify(this.#token.text)}.`);
  }

  whole(): Question {
    const question = this.#or();
    if (this.#token.what !== "end") {
      this.#wanted("the end, && or ||");
    }
    return question;
  }

  #or(): Question {
    const parts = [this.#and()];
    while (this.#take("||")) {
      parts.push(this.#and());
    }
    return (value) => parts.some((part) => part(value));
  }

  #and(): Question {
    const parts = [this.#not()];
    while (this.#take("&&")) {
      parts.push(this.#not());
    }
    return (value) => parts.every((part) => part(value));
  }

  #not(): Question {
    this.#depth += 1;
    if (this.#depth > 50) {
      throw new PathError("Nested more than 50 deep.");
    }
    const question = this.#inner();
    this.#depth -= 1;
    return question;
  }

  #inner(): Question {
    if (this.#take("!")) {
      const part = this.#not();
      return (value) => !part(value);
    }
    if (this.#take("(")) {
      const part = this.#or();
      if (!this.#take(")")) {
        this.#wanted(")");
      }
      return part;
    }
    return this.#asked();
  }

  #asked(): Question {
    const steps = this.#path();
    const operator = (["==", "!=", "<=", ">=", "<", ">", "~"] as const).find((sign) => this.#take(sign));
    if (operator === undefined) {
      return (value) => walk(value, steps).length > 0;
    }
    const literal = this.#literal();
    return (value) => walk(value, steps).some((found) => holds(found, operator, literal));
  }

  #path(): Step[] {
    const steps: Step[] = [];
    if (this.#token.what === "name" && this.#token.text !== "$") {
      steps.push({ take: "name", name: this.#token.text });
      this.#at += 1;
    } else if (this.#token.what === "name") {
      this.#at += 1;
    } else if (!["..", "["].includes(this.#token.text)) {
      this.#wanted("a path such as $.a.b[0]");
    }
    for (;;) {
      if (this.#take("..")) {
        steps.push({ take: "deep", name: this.#name() });
      } else if (this.#take(".")) {
        steps.push(this.#take("*") ? { take: "all" } : { take: "name", name: this.#name() });
      } else if (this.#take("[")) {
        steps.push(this.#bracket());
      } else {
        return steps;
      }
    }
  }

  #name(): string {
    const { what, text } = this.#token;
    if (what !== "name" && what !== "number") {
      this.#wanted("a name");
    }
    this.#at += 1;
    return text;
  }

  #bracket(): Step {
    const { what, text } = this.#token;
    let step: Step;
    if (what === "number" && /^-?[0-9]+$/.test(text)) {
      step = { take: "index", index: Number(text) };
    } else if (what === "string") {
      step = { take: "name", name: unquote(text) };
    } else if (what === "sign" && text === "*") {
      step = { take: "all" };
    } else {
      return this.#wanted('a number, a name in quotes or *');
    }
    this.#at += 1;
    return this.#take("]") ? step : this.#wanted("]");
  }

  #literal(): Literal {
    const { what, text } = this.#token;
    this.#at += 1;
    if (what === "number") {
      return { kind: "number", source: text };
    }
    if (what === "string") {
      return { kind: "string", value: unquote(text) };
    }
    if (what === "name" && (text === "true" || text === "false" || text === "null")) {
      return { kind: text };
    }
    this.#at -= 1;
    return this.#wanted('a number, a text in quotes, true, false or null');
  }
}

const childrenOf = (value: Json): Json[] =>
  value.kind === "array" ? value.items : value.kind === "object" ? value.members.map((member) => member.value) : [];

const named = (value: Json, name: string): Json[] =>
  value.kind === "object" ? value.members.filter((member) => member.name === name).map((member) => member.value) : [];

/** All values with this name anywhere below, each once. */
function deep(value: Json, name: string, found: Set<Json>): void {
  const open = [value];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    for (const one of named(next, name)) {
      found.add(one);
    }
    for (const child of childrenOf(next)) {
      open.push(child);
    }
  }
}

function walk(root: Json, steps: readonly Step[]): Json[] {
  let values = [root];
  for (const step of steps) {
    if (step.take === "deep") {
      const found = new Set<Json>();
      // What is below an earlier one is found again, and kept once; below the root it is all there anyway.
      for (const value of values) {
        deep(value, step.name, found);
      }
      values = [...found];
    } else {
      values = values.flatMap((value) => taken(value, step));
    }
  }
  return values;
}

function taken(value: Json, step: Exclude<Step, { take: "deep" }>): Json[] {
  if (step.take === "all") {
    return childrenOf(value);
  }
  if (step.take === "name") {
    return named(value, step.name);
  }
  const item = value.kind === "array" ? value.items.at(step.index) : undefined;
  return item === undefined ? [] : [item];
}

const asText = (value: Json | Literal): string | undefined =>
  value.kind === "string" ? value.value : value.kind === "number" ? value.source : value.kind === "object" || value.kind === "array" ? undefined : value.kind;

/** Below, equal or above 0; whole numbers exactly. */
export function compareNumbers(left: string, right: string): number {
  const whole = /^-?[0-9]{1,4000}$/;
  if (whole.test(left) && whole.test(right)) {
    const difference = BigInt(left) - BigInt(right);
    return difference < 0n ? -1 : difference > 0n ? 1 : 0;
  }
  return Number(left) - Number(right);
}

function holds(value: Json, operator: Operator, literal: Literal): boolean {
  if (operator === "~") {
    return (asText(value) ?? "").toLowerCase().includes((asText(literal) ?? "").toLowerCase());
  }
  if (value.kind === "number" && literal.kind === "number") {
    return judged(compareNumbers(value.source, literal.source), operator);
  }
  if (value.kind === "string" && literal.kind === "string") {
    return judged(value.value < literal.value ? -1 : value.value > literal.value ? 1 : 0, operator);
  }
  return operator === "==" ? value.kind === literal.kind : operator === "!=" && value.kind !== literal.kind;
}

function judged(order: number, operator: Operator): boolean {
  switch (operator) {
    case "==": return order === 0;
    case "!=": return order !== 0;
    case "<": return order < 0;
    case "<=": return order <= 0;
    case ">": return order > 0;
    default: return order >= 0;
  }
}

/** Reads a question; throws a `PathError` whose message says what is wrong. */
export function compilePath(text: string): Question {
  return new Parser(text).whole();
}
