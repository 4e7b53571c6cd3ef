// Named messages: saved, searched, and kept in a file.
import { type Snippet, isSnippet } from "../settings.ts";

/** A snippet of the same name is replaced. */
export const save = (all: readonly Snippet[], one: Snippet): Snippet[] =>
  [...all.filter(({ name }) => name !== one.name), one].sort((a, b) => a.name.localeCompare(b.name));

/** All words of the search stand in the name or the text. */
export function search(all: readonly Snippet[], words: string): Snippet[] {
  const wanted = words.toLowerCase().split(/\s+/).filter((word) => word !== "");
  return all.filter(({ name, text }) => wanted.every((word) => `${name}\n${text}`.toLowerCase().includes(word)));
}

export const exportText = (all: readonly Snippet[]): string => `${JSON.stringify({ tidewire: "snippets", version: 1, snippets: all }, null, 2)}\n`;

export type Imported = { ok: true; snippets: Snippet[]; left: number } | { ok: false; error: string };

/** Reads such a file; entries that are no snippets are counted, and left. */
export function importText(text: string): Imported {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { ok: false, error: "This file is not JSON." };
  }
  const list = Array.isArray(value) ? value : (value as { snippets?: unknown } | null)?.snippets;
  if (!Array.isArray(list)) {
    return { ok: false, error: "This file holds no snippets: it should have a list “snippets”." };
  }
  const snippets = list.filter(isSnippet).map(({ name, kind, text: body }) => ({ name: name.slice(0, 200), kind, text: body }));
  return { ok: true, snippets, left: list.length - snippets.length };
}
