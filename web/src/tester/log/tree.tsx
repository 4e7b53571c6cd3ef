// A JSON value as a tree to open and close, by mouse and by keys; numbers with the digits that came.
import { useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { CopyButton } from "../../ui/copy.tsx";
import { plural } from "./format.ts";
import type { Json } from "./json.ts";
import { excerpt } from "./preview.ts";
import { Shown } from "./shown.tsx";
import { PORTION, type TreeLine, firstOpen, pathOf, treeLines } from "./tree-lines.ts";

interface Turn {
  lines: readonly TreeLine[];
  at: number;
  toggle(line: TreeLine, open: boolean): void;
  more(line: TreeLine): void;
}

/** What a key does to the tree; gives the line to go to, or nothing when the key is none of the tree's. */
function keyed(key: string, { lines, at, toggle, more }: Turn): number | undefined {
  const line = lines[at];
  if (line === undefined) {
    return undefined;
  }
  switch (key) {
    case "ArrowDown": return Math.min(lines.length - 1, at + 1);
    case "ArrowUp": return Math.max(0, at - 1);
    case "Home": return 0;
    case "End": return lines.length - 1;
    case "ArrowRight":
      if (line.children > 0 && !line.open) {
        toggle(line, true);
        return at;
      }
      return line.open ? at + 1 : at;
    case "ArrowLeft":
      if (line.open) {
        toggle(line, false);
        return at;
      }
      return line.parent === undefined ? at : lines.findIndex((other) => other.key === line.parent);
    case "Enter":
    case " ":
      if (line.more === undefined) {
        toggle(line, !line.open);
      } else {
        more(line);
      }
      return at;
    default: return undefined;
  }
}

function Value({ line, find }: { line: TreeLine; find: RegExp | undefined }) {
  const { value, open, children } = line;
  switch (value.kind) {
    case "object":
    case "array": {
      const [begin, end] = value.kind === "object" ? ["{", "}"] : ["[", "]"];
      return <>{open ? begin : `${begin}${children > 0 ? "…" : ""}${end}`}<span class="log-json-count"> {plural(children, value.kind === "object" ? "member" : "item")}</span></>;
    }
    case "string": return <span class="log-json-string">"<Shown text={excerpt(value.value, find)} find={find} />"</span>;
    case "number": return <span class="log-json-number"><Shown text={excerpt(value.source)} find={find} /></span>;
    default: return <span class="log-json-word">{value.kind}</span>;
  }
}

function Label({ line, find }: { line: TreeLine; find: RegExp | undefined }) {
  if (line.more !== undefined) {
    return <span class="log-json-more">Show {line.more} more</span>;
  }
  return (
    <>
      {line.name !== undefined && <><span class="log-json-name">{typeof line.name === "number" ? line.name : <Shown text={excerpt(line.name)} find={find} />}</span>: </>}
      <Value line={line} find={find} />
    </>
  );
}

export function Tree({ root, find }: { root: Json; find: RegExp | undefined }) {
  const [open, setOpen] = useState<ReadonlySet<string>>(() => firstOpen(root));
  const [shown, setShown] = useState<ReadonlyMap<string, number>>(new Map());
  const [current, setCurrent] = useState("0");
  const box = useRef<HTMLDivElement>(null);
  const wantsFocus = useRef(false);
  const lines = useMemo(() => treeLines(root, open, shown), [root, open, shown]);
  const at = Math.max(0, lines.findIndex((line) => line.key === current));
  useLayoutEffect(() => {
    if (wantsFocus.current) {
      wantsFocus.current = false;
      box.current?.querySelector<HTMLElement>('[tabindex="0"]')?.focus();
    }
  });
  const toggle = (line: TreeLine, on: boolean) => {
    if (line.children > 0) {
      const next = new Set(open);
      next[on ? "add" : "delete"](line.key);
      setOpen(next);
    }
  };
  const more = (line: TreeLine) => {
    if (line.parent !== undefined) {
      setShown(new Map(shown).set(line.parent, (shown.get(line.parent) ?? PORTION) + PORTION));
    }
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const next = event.ctrlKey || event.metaKey || event.altKey ? undefined : keyed(event.key, { lines, at, toggle, more });
    if (next !== undefined) {
      event.preventDefault();
      event.stopPropagation();
      setCurrent(lines[next]?.key ?? "0");
      wantsFocus.current = true;
    }
  };
  const path = pathOf(root, lines[at]?.key ?? "0");
  return (
    <>
      <div ref={box} role="tree" aria-label="JSON" class="log-tree" onKeyDown={onKeyDown}>
        {lines.map((line, index) => (
          <div key={line.key} role="treeitem" aria-level={line.level} aria-posinset={line.position} aria-setsize={line.siblings}
            aria-expanded={line.children > 0 ? line.open : undefined} aria-selected={index === at} tabIndex={index === at ? 0 : -1} class="log-json" style={{ paddingInlineStart: `${(line.level - 1) * 16 + 4}px` }}
            onClick={() => {
              setCurrent(line.key);
              if (getSelection()?.isCollapsed ?? true) {
                line.more === undefined ? toggle(line, !line.open) : more(line);
              }
            }}>
            <span class="log-json-turn" aria-hidden="true">{line.children === 0 ? "" : line.open ? "▾" : "▸"}</span>
            <Label line={line} find={find} />
          </div>
        ))}
      </div>
      <p class="log-path"><span class="faint">Path</span> <code><Shown text={excerpt(path)} /></code> <CopyButton text={path} what="path" /></p>
    </>
  );
}
