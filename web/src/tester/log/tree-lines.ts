// The lines of a JSON tree that are open, in order; long lists are shown in portions.
import type { Json } from "./json.ts";

export interface TreeLine {
  /** Places from the root, `0.3.1`: unique also when names are doubled. */
  key: string;
  parent: string | undefined;
  level: number;
  /** The name in an object, or the index in an array. */
  name: string | number | undefined;
  value: Json;
  /** How many children; 0 has nothing to open. */
  children: number;
  open: boolean;
  position: number;
  siblings: number;
  /** Not a value but the offer to show so many more of the parent's children. */
  more?: number;
}

/** Children shown at first, and more each time. */
export const PORTION = 100;
/** A tree opens by itself as long as it stays within so many lines. */
const OPENED_LINES = 40;

const size = (value: Json): number => (value.kind === "object" ? value.members.length : value.kind === "array" ? value.items.length : 0);

function child(value: Json, index: number): { name: string | number; value: Json } {
  if (value.kind === "object") {
    return value.members[index]!;
  }
  return { name: index, value: value.kind === "array" ? value.items[index]! : value };
}

/** Which nodes are open at first: level by level, while it fits. */
export function firstOpen(root: Json): Set<string> {
  const open = new Set<string>();
  let lines = 1;
  let level: { key: string; value: Json }[] = [{ key: "0", value: root }];
  while (level.length > 0) {
    const next: typeof level = [];
    for (const { key, value } of level) {
      const children = Math.min(size(value), PORTION);
      if (children > 0 && (key === "0" || lines + children <= OPENED_LINES)) {
        open.add(key);
        lines += children;
        for (let index = 0; index < children; index += 1) {
          next.push({ key: `${key}.${index}`, value: child(value, index).value });
        }
      }
    }
    level = next;
  }
  return open;
}

/** `shown`: of nodes with many children, how many are shown, if more than the first portion. */
export function treeLines(root: Json, open: ReadonlySet<string>, shown: ReadonlyMap<string, number>): TreeLine[] {
  const lines: TreeLine[] = [];
  const add = (value: Json, line: Pick<TreeLine, "key" | "parent" | "level" | "name" | "position" | "siblings">) => {
    const children = size(value);
    const isOpen = children > 0 && open.has(line.key);
    lines.push({ ...line, value, children, open: isOpen });
    if (!isOpen) {
      return;
    }
    const { key, level } = line;
    const most = Math.min(children, shown.get(key) ?? PORTION);
    const siblings = most + (most < children ? 1 : 0);
    for (let index = 0; index < most; index += 1) {
      const { name, value: below } = child(value, index);
      add(below, { key: `${key}.${index}`, parent: key, level: level + 1, name, position: index + 1, siblings });
    }
    if (most < children) {
      lines.push({ key: `${key}.more`, parent: key, level: level + 1, name: undefined, value, children: 0, open: false, position: siblings, siblings, more: Math.min(PORTION, children - most) });
    }
  };
  add(root, { key: "0", parent: undefined, level: 1, name: undefined, position: 1, siblings: 1 });
  return lines;
}

/** The path of a line as the filter takes it: `$.a["b c"][0]`. */
export function pathOf(root: Json, key: string): string {
  let value = root;
  let path = "$";
  for (const place of key.split(".").slice(1)) {
    if (place === "more") {
      break;
    }
    const { name, value: below } = child(value, Number(place));
    path += typeof name === "number" ? `[${name}]` : /^[\p{L}_][\p{L}\p{N}_-]*$/u.test(name) ? `.${name}` : `[${JSON.stringify(name)}]`;
    value = below;
  }
  return path;
}
