// The list of messages: it stays at the end if one is there, and where one reads if not; a bounded piece is in the document.
import type { ComponentChildren } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { type Row, dayText } from "../model/rows.ts";
import { type Piece, atEnd, downwards, moved, upwards } from "../model/window.ts";
import type { Language } from "../texts/index.ts";
import { MessageView } from "./message.tsx";

const NEAR = 60;
/** Sizes that change and change back move the end by less. */
const JITTER = 4;

interface Props {
  rows: readonly Row[];
  language: Language;
  name: string;
  hasOlder: boolean;
  isLoading: boolean;
  isEntered: boolean;
  isLive: boolean;
  unseen: number;
  /** Counts up when the newest are wanted. */
  toNewest: number;
  empty: ComponentChildren;
  onOlder: () => void;
  onLook: (isAtEnd: boolean, isSeen: boolean) => void;
  onRetry: (key: string) => void;
  onDelete: (key: string) => void;
}

/** A row, where on the screen it is, and how far was scrolled then. */
type Anchor = { id: string; top: number; scrolled: number };

/** What the scrolling knows between two drawings. */
interface Place {
  rows: readonly Row[];
  piece: Piece;
  isPinned: boolean;
  /** How far was scrolled when it was last settled, and how high everything was then. */
  seen: { top: number; full: number; view: number };
  anchor: Anchor | undefined;
  toNewest: number;
}

export function Log(props: Props) {
  const { rows, language, isEntered, hasOlder, isLoading, toNewest, onOlder, onLook } = props;
  const { t } = language;
  const box = useRef<HTMLDivElement>(null);
  const list = useRef<HTMLDivElement>(null);
  const place = useRef<Place>({ rows: [], piece: atEnd(0), isPinned: true, seen: { top: 0, full: 0, view: 0 }, anchor: undefined, toNewest });
  const [isPinned, setPinned] = useState(true);
  const [, redraw] = useState(0);
  const now = place.current;
  follow(now, rows, toNewest, box.current, list.current);

  useLayoutEffect(() => {
    settle(now, box.current, list.current);
    setPinned(now.isPinned);
  });
  useEffect(() => {
    const watcher = new ResizeObserver(() => settle(place.current, box.current, list.current));
    watcher.observe(box.current!);
    watcher.observe(list.current!);
    return () => watcher.disconnect();
  }, []);
  // A short page leaves room for older messages.
  useEffect(() => {
    if (isEntered && hasOlder && !isLoading && box.current !== null && box.current.clientHeight > 0 && box.current.scrollHeight <= box.current.clientHeight + NEAR) {
      onOlder();
    }
  });
  useEffect(() => {
    const tell = () => onLook(place.current.isPinned, document.visibilityState === "visible");
    tell();
    document.addEventListener("visibilitychange", tell);
    return () => document.removeEventListener("visibilitychange", tell);
  });

  const scrolled = () => {
    const element = box.current!;
    const below = element.scrollHeight - element.scrollTop - element.clientHeight;
    const total = now.rows.length;
    const { top, full, view } = now.seen;
    // Where sizes have changed, nobody has scrolled away from the end.
    if (!now.isPinned || (full === element.scrollHeight && view === element.clientHeight)) {
      // Whoever scrolls up leaves the end at once: in a busy room the next drawing would pull them back.
      const isUp = element.scrollTop < top - (now.isPinned ? JITTER : 0);
      now.isPinned = below < (isUp ? JITTER : NEAR) && now.piece.end >= total;
    }
    if (!now.isPinned) {
      note(now, element);
    }
    now.anchor = anchorIn(element, list.current!);
    setPinned(now.isPinned);
    if (element.scrollTop < element.clientHeight && !now.isPinned) {
      if (now.piece.start > 0) {
        now.piece = upwards(now.piece);
        redraw((n) => n + 1);
      } else if (hasOlder && !isLoading) {
        onOlder();
      }
    } else if (below < element.clientHeight && now.piece.end < total) {
      now.piece = downwards(now.piece, total);
      redraw((n) => n + 1);
    }
  };
  const jump = () => {
    now.isPinned = true;
    now.piece = atEnd(rows.length);
    setPinned(true);
    redraw((n) => n + 1);
    box.current?.focus({ preventScroll: true });
  };

  const hasMessages = rows.some(({ kind }) => kind === "message");
  return (
    <div class="reading">
      <div class="log" part="log" ref={box} role="log" aria-live="off" aria-label={t.messages} aria-busy={!isEntered || isLoading} tabIndex={0} onScroll={scrolled}>
        <div class="list" ref={list}>
          <div class="top">
            {isEntered && hasOlder && now.piece.start === 0 && (isLoading ? <span class="faint">{t.loadingOlder}</span> : <button type="button" class="small" onClick={onOlder}>{t.older}</button>)}
            {!hasOlder && hasMessages && now.piece.start === 0 && <span class="faint">{t.beginning}</span>}
          </div>
          {rows.slice(now.piece.start, now.piece.end).map((row) => <RowView key={row.id} row={row} {...props} />)}
        </div>
      </div>
      {isEntered && !hasMessages && !isLoading && <div class="empty">{props.empty}</div>}
      {!isPinned && (
        <button type="button" class="jump" part="jump" onClick={jump}>
          <span aria-hidden="true">↓ </span>{props.unseen > 0 ? t.newMessages(props.unseen) : t.newest}
        </button>
      )}
    </div>
  );
}

function RowView({ row, language, name, isLive, onRetry, onDelete }: { row: Row } & Props) {
  const { t, tag } = language;
  switch (row.kind) {
    case "message":
      return <MessageView row={row} language={language} name={name} isLive={isLive} onRetry={onRetry} onDelete={onDelete} />;
    case "day":
      return <div class="day" part="day" data-id={row.id}><span>{dayText(row.at, Date.now(), tag)}</span></div>;
    case "new":
      return <div class="new" part="new" data-id={row.id}><span>{t.fresh}</span></div>;
    case "note":
      return <div class="note" data-id={row.id}>{row.text}</div>;
    case "gap":
      return <div class="note gap" data-id={row.id}><span>{t.gap}</span></div>;
  }
}

/** Before a drawing: which rows there will be, and what stays where it is. */
function follow(now: Place, rows: readonly Row[], toNewest: number, box: HTMLElement | null, list: HTMLElement | null): void {
  if (toNewest !== now.toNewest) {
    now.toNewest = toNewest;
    now.isPinned = true;
  }
  if (!now.isPinned && box !== null && list !== null) {
    now.anchor = anchorIn(box, list);
  }
  if (now.isPinned) {
    now.piece = atEnd(rows.length);
  } else if (rows !== now.rows) {
    const first = now.rows[now.piece.start]?.id;
    const at = rows.findIndex(({ id }) => id === first);
    now.piece = at < 0 ? moved(now.piece, 0, now.rows.length, rows.length) : moved(now.piece, at - now.piece.start, now.rows.length, rows.length);
  }
  now.rows = rows;
}

/** After a drawing, or when something has another size: to the end, or back to the row one was reading. */
function settle(now: Place, box: HTMLElement | null, list: HTMLElement | null): void {
  if (box === null || list === null) {
    return;
  }
  if (now.isPinned) {
    box.scrollTop = box.scrollHeight;
    note(now, box);
    return;
  }
  const { anchor } = now;
  const element = anchor === undefined ? undefined : ([...list.children] as HTMLElement[]).find(({ dataset }) => dataset["id"] === anchor.id);
  if (anchor !== undefined && element !== undefined) {
    // What was scrolled since then, without an event as yet, is wanted.
    const wanted = anchor.top - (box.scrollTop - anchor.scrolled);
    const shift = element.getBoundingClientRect().top - box.getBoundingClientRect().top - wanted;
    if (Math.abs(shift) > 0.1) {
      box.scrollTop += shift;
    }
  }
  note(now, box);
  now.anchor = anchorIn(box, list);
}

function note(now: Place, { scrollTop, scrollHeight, clientHeight }: HTMLElement): void {
  now.seen = { top: scrollTop, full: scrollHeight, view: clientHeight };
}

/** The first message that is seen, by halving: rows are in order. */
function anchorIn(box: HTMLElement, list: HTMLElement): Anchor | undefined {
  const edge = box.getBoundingClientRect().top;
  const rows = list.children;
  let low = 1; // the first child is no row
  let high = rows.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (rows[middle]!.getBoundingClientRect().bottom > edge) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  // Lines between messages come and go.
  while (low + 1 < rows.length && !rows[low]!.classList.contains("message")) {
    low += 1;
  }
  const row = rows[low] as HTMLElement | undefined;
  const id = row?.dataset["id"];
  return row === undefined || id === undefined ? undefined : { id, top: row.getBoundingClientRect().top - edge, scrolled: box.scrollTop };
}
