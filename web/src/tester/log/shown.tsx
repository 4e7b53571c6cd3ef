// A text of unknown origin on the page: text nodes only, hidden signs made visible, matches marked.
import type { ComponentChild } from "preact";
import { pieces, splitMatches } from "./visible.ts";

const nodes = (text: string, lines: boolean): ComponentChild[] =>
  pieces(text, lines).map((piece, index) => (piece.hidden === undefined ? piece.text : <span key={index} class="log-sign" title={piece.hidden}>{piece.text}</span>));

/** JSON is written from left to right, whatever language its texts are in; others go by their first letter. */
const directionOf = (text: string) => (/^[\s…]*[{["]/.test(text) ? "ltr" : "auto");

/** `lines`: line feeds and tabs stay. The text's direction is its own, and does not reach what is around it. */
export function Shown({ text, find, lines = false }: { text: string; find?: RegExp | undefined; lines?: boolean }) {
  return (
    <bdi dir={directionOf(text)}>
      {splitMatches(text, find).map((part, index) => (index % 2 === 1 ? <mark key={index}>{nodes(part, lines)}</mark> : nodes(part, lines)))}
    </bdi>
  );
}
