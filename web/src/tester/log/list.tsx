// The rows in sight, as a grid that is moved through by keys; only about a screenful is in the page.
import { useCallback, useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { Row } from "../model.ts";
import { ARROWS, WAYS, bytesText, clock, span } from "./format.ts";
import { preview } from "./preview.ts";
import { Shown } from "./shown.tsx";
import { type Sieve, indexFrom } from "./sieve.ts";
import { inSight, moved, reveal } from "./window.ts";

export interface ListProps {
  sieve: Sieve;
  narrow: boolean;
  rowHeight: number;
  find: RegExp | undefined;
  /** Whether the view goes along with new rows. */
  following: boolean;
  setFollowing(on: boolean): void;
  /** The row that keys move from. */
  active: number;
  setActive(id: number): void;
  opened: number | undefined;
  open(id: number): void;
  close(): void;
}

interface LineProps {
  row: Row;
  before: Row | undefined;
  index: number;
  top: number;
  find: RegExp | undefined;
  active: boolean;
  opened: boolean;
}

function Line({ row, before, index, top, find, active, opened }: LineProps) {
  return (
    <div role="row" id={`log-row-${row.id}`} class="log-row" data-id={row.id} data-way={row.way} data-kind={row.kind} data-active={active}
      aria-rowindex={index + 2} aria-selected={opened} style={{ transform: `translateY(${top}px)` }}>
      <span role="gridcell" class="log-time">{clock(row.at)}</span>
      <span role="gridcell" class="log-span">{before === undefined ? "" : span(row.at - before.at)}</span>
      <span role="gridcell" class="log-way"><span aria-hidden="true">{ARROWS[row.way]}</span><span class="sr">{WAYS[row.way]}</span></span>
      <span role="gridcell" class="log-kind"><span class="log-badge">{row.kind}</span></span>
      <span role="gridcell" class="log-size">{row.way === "event" ? "" : bytesText(row.size)}</span>
      <span role="gridcell" class="log-text"><Shown text={preview(row, find)} find={find} /></span>
    </div>
  );
}

const Heads = ({ narrow }: { narrow: boolean }) => (
  <div role="rowgroup" class={narrow ? "sr" : "log-heads"}>
    <div role="row" aria-rowindex={1} class="log-row">
      <span role="columnheader" class="log-time">Time</span>
      <span role="columnheader" class="log-span">Δ</span>
      <span role="columnheader" class="log-way"><span class="sr">Direction</span></span>
      <span role="columnheader" class="log-kind">Kind</span>
      <span role="columnheader" class="log-size">Size</span>
      <span role="columnheader" class="log-text">Data</span>
    </div>
  </div>
);

/** Where the list is scrolled to, and how high it is. */
function useSight(box: { current: HTMLDivElement | null }) {
  const [sight, setSight] = useState({ top: 0, height: 600 });
  const look = useCallback(() => {
    if (box.current !== null) {
      const { scrollTop: top, clientHeight: height } = box.current;
      setSight((last) => (last.top === top && last.height === height ? last : { top, height }));
    }
  }, []);
  useEffect(() => {
    const watcher = new ResizeObserver(look);
    if (box.current !== null) {
      watcher.observe(box.current);
    }
    return () => watcher.disconnect();
  }, []);
  return { ...sight, look };
}

export function List(props: ListProps) {
  const { sieve, rowHeight, find, following, active, opened, narrow } = props;
  const rows = sieve.shown;
  const box = useRef<HTMLDivElement>(null);
  const { top, height, look } = useSight(box);
  const heads = narrow ? 0 : 26;
  const sight = inSight(top, height - heads, rowHeight, rows.length);
  /** Where the page itself has scrolled to; its event is not a person's wish. */
  const ours = useRef<number>(undefined);
  useAnchor(box, sieve, rowHeight, following, ours, look);
  useReveal(box, rows, active, rowHeight, heads, look);

  const last = useRef({ top: 0, whole: 0 });
  const scrolled = () => {
    const now = box.current;
    if (now !== null) {
      const { scrollTop, scrollHeight } = now;
      const left = scrollHeight - scrollTop - now.clientHeight;
      // Only a person scrolls up in content that did not get shorter; a smooth scroll begins with a few pixels.
      const up = scrollTop < last.current.top - 1 && scrollHeight >= last.current.whole;
      last.current = { top: scrollTop, whole: scrollHeight };
      const mine = ours.current !== undefined && Math.abs(scrollTop - ours.current) < 2;
      ours.current = undefined;
      if (following && up && left > 1) {
        props.setFollowing(false);
      } else if (!following && !mine && !up && left < 4) {
        props.setFollowing(true);
      }
      look();
    }
  };
  const index = indexFrom(rows, active);
  const activeIndex = rows[index]?.id === active ? index : -1;
  const onKeyDown = (event: KeyboardEvent) => {
    const next = moved(event.key, activeIndex, rows.length, Math.max(1, Math.floor((height - heads) / rowHeight) - 1));
    if (event.ctrlKey || event.metaKey || event.altKey) {
      return;
    }
    if (next !== undefined) {
      const id = rows[next]?.id ?? 0;
      props.setActive(id);
      if (opened !== undefined) {
        // What is open goes along.
        props.open(id);
      }
    } else if ((event.key === "Enter" || event.key === " ") && activeIndex >= 0) {
      props.open(active);
    } else if (event.key === "Escape" && opened !== undefined) {
      props.close();
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  };
  const onClick = (event: MouseEvent) => {
    const id = Number((event.target as Element).closest<HTMLElement>("[data-id]")?.dataset["id"]);
    if (id > 0 && (getSelection()?.isCollapsed ?? true)) {
      props.setActive(id);
      props.open(id);
    }
  };
  const onPointerDown = ({ target, pointerType }: PointerEvent) => {
    // New rows must not move away what is about to be clicked.
    if (pointerType === "mouse" && following && (target as Element).closest("[data-id]") !== null) {
      props.setFollowing(false);
    }
  };
  const lines = [];
  for (let at = sight.from; at < sight.to; at += 1) {
    const row = rows[at]!;
    lines.push(<Line key={row.id} row={row} before={rows[at - 1]} index={at} top={at * rowHeight} find={find} active={row.id === active} opened={row.id === opened} />);
  }
  const isMade = activeIndex >= sight.from && activeIndex < sight.to;
  return (
    <div ref={box} class="log-list" role="grid" tabIndex={0} aria-label="Messages" aria-rowcount={rows.length + 1} aria-readonly="true"
      aria-activedescendant={isMade ? `log-row-${active}` : undefined} onScroll={scrolled} onKeyDown={onKeyDown} onPointerDown={onPointerDown} onClick={onClick}>
      <Heads narrow={narrow} />
      <div role="rowgroup" class="log-space" style={{ height: `${rows.length * rowHeight}px` }}>{lines}</div>
    </div>
  );
}

/** Stays with the newest row, or with the rows in sight when older ones are dropped above them. */
function useAnchor(box: { current: HTMLDivElement | null }, sieve: Sieve, rowHeight: number, following: boolean, ours: { current: number | undefined }, look: () => void) {
  const last = useRef({ rows: sieve.shown, removed: 0, rowHeight });
  useLayoutEffect(() => {
    const now = box.current;
    const { rows, removed, rowHeight: before } = last.current;
    last.current = { rows: sieve.shown, removed: sieve.removed, rowHeight };
    if (now === null) {
      return;
    }
    const top = now.scrollTop;
    if (following) {
      now.scrollTop = now.scrollHeight;
    } else if (rowHeight !== before) {
      now.scrollTop = (now.scrollTop / before) * rowHeight;
    } else if (rows === sieve.shown && sieve.removed > removed) {
      now.scrollTop -= (sieve.removed - removed) * rowHeight;
    }
    if (now.scrollTop !== top) {
      ours.current = now.scrollTop;
    }
    look();
  });
}

/** Brings the active row into sight when it becomes another. */
function useReveal(box: { current: HTMLDivElement | null }, rows: readonly Row[], active: number, rowHeight: number, heads: number, look: () => void) {
  useLayoutEffect(() => {
    const index = indexFrom(rows, active);
    const now = box.current;
    if (now !== null && rows[index]?.id === active) {
      const to = reveal(index, now.scrollTop, now.clientHeight - heads, rowHeight);
      if (to !== undefined) {
        now.scrollTop = to;
        look();
      }
    }
  }, [active]);
}
