// Which rows are shown: by direction, kind, text or /expression/, and a question about JSON.
import type { Kind, Row, Way } from "../model.ts";
import { closeMeaning } from "./close-codes.ts";
import { readTree } from "./json.ts";
import { PathError, compilePath } from "./json-path.ts";
import { isMessage } from "./store.ts";
import { literal } from "./visible.ts";

export interface Filter {
  way: Way | "all";
  kind: Kind | "message" | "all";
  /** A text, in any case; or an expression: `/px.*[0-9]+/i`. */
  text: string;
  /** A question about JSON: see json-path.ts. */
  path: string;
}

export const NO_FILTER: Filter = { way: "all", kind: "all", text: "", path: "" };

export interface Expression {
  source: string;
  flags: string;
}

export interface Judge {
  /** All but the expression, which runs apart: it may take any time. */
  test(row: Row): boolean;
  expression?: Expression;
}

export interface FilterError {
  field: "text" | "path";
  message: string;
}

/** Messages longer than this are not read as JSON by a filter or a tree: it would hold the page up. */
export const LONGEST_JSON = 4 * 1024 * 1024;
/** Of binary payloads this much is looked into. */
const LONGEST_BINARY = 64 * 1024;

const decoder = new TextDecoder();

/** What filter and search look into: text, or a binary payload read as UTF-8; of a close also what its code means. */
export function textOf(row: Row): string {
  const said = row.bytes !== undefined ? decoder.decode(row.bytes.subarray(0, LONGEST_BINARY)) : (row.text ?? "");
  return row.kind === "close" ? `${row.code ?? ""} ${row.reason ?? ""} ${closeMeaning(row.code ?? 1005).name} ${said}` : said;
}

/** `/source/flags`, if a text is written so; `/a/b` is a text, as `b` is no flag. */
export function asExpression(text: string): Expression | undefined {
  const found = /^\/(.+)\/([dgimsuvy]*)$/s.exec(text);
  // Each row is asked once, from its beginning: `g` and `y` would only make the answer depend on the row before.
  return found?.[1] === undefined ? undefined : { source: found[1], flags: (found[2] ?? "").replace(/[gyd]/g, "") };
}

function expressionOf(text: string): Expression | FilterError | undefined {
  const expression = asExpression(text);
  if (expression !== undefined) {
    try {
      new RegExp(expression.source, expression.flags);
    } catch (error) {
      const why = error instanceof Error ? error.message.replace(/^Invalid regular expression: (\/.*\/[a-z]*: )?/s, "") : "";
      return { field: "text", message: `Not a regular expression: ${why}.` };
    }
  }
  return expression;
}

function questionOf(path: string): ((row: Row) => boolean) | FilterError | undefined {
  if (path.trim() === "") {
    return undefined;
  }
  try {
    const ask = compilePath(path);
    return (row) => {
      const tree = row.text === undefined || !isMessage(row) || row.text.length > LONGEST_JSON ? undefined : readTree(row.text);
      return tree !== undefined && ask(tree);
    };
  } catch (error) {
    return { field: "path", message: error instanceof PathError ? error.message : String(error) };
  }
}

/** Makes the judge of a filter, or says what is wrong with it. */
export function compileFilter({ way, kind, text, path }: Filter): Judge | FilterError {
  const question = questionOf(path);
  const expression = expressionOf(text);
  if (question !== undefined && "field" in question) {
    return question;
  }
  if (expression !== undefined && "field" in expression) {
    return expression;
  }
  const needle = expression === undefined ? literal(text) : undefined;
  const test = (row: Row): boolean => {
    if ((way !== "all" && row.way !== way) || (kind !== "all" && (kind === "message" ? !isMessage(row) : row.kind !== kind))) {
      return false;
    }
    return (needle === undefined || contains(needle, textOf(row))) && (question === undefined || question(row));
  };
  return expression === undefined ? { test } : { test, expression };
}

/** Whether a pattern with `g` finds something, from the beginning. */
export function contains(needle: RegExp, text: string): boolean {
  needle.lastIndex = 0;
  return needle.test(text);
}

/** Whether the filter lets everything through. */
export const isOff = ({ way, kind, text, path }: Filter): boolean => way === "all" && kind === "all" && text === "" && path.trim() === "";
