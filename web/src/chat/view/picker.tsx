// Emoji by name: a field to search, a grid to walk through with the arrows.
import { useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { search } from "../model/emoji.ts";
import type { Texts } from "../texts/index.ts";

interface Props {
  id: string;
  t: Texts;
  onPick: (sign: string) => void;
  onClose: () => void;
  /** The focus has gone elsewhere: there it stays. */
  onLeave: () => void;
}

export function Picker({ id, t, onPick, onClose, onLeave }: Props) {
  const [query, setQuery] = useState("");
  const [at, setAt] = useState(0);
  const field = useRef<HTMLInputElement>(null);
  const grid = useRef<HTMLDivElement>(null);
  const found = useMemo(() => search(query), [query]);
  useLayoutEffect(() => field.current?.focus(), []);

  const go = (next: number) => {
    const to = Math.max(0, Math.min(found.length - 1, next));
    setAt(to);
    (grid.current?.children[to] as HTMLElement | undefined)?.focus();
  };
  const walk = (event: KeyboardEvent) => {
    const columns = getComputedStyle(grid.current!).gridTemplateColumns.split(" ").length;
    const forward = getComputedStyle(grid.current!).direction === "rtl" ? -1 : 1;
    const steps: Record<string, number> = { ArrowRight: forward, ArrowLeft: -forward, ArrowDown: columns, ArrowUp: -columns, Home: -at, End: found.length };
    const step = steps[event.key];
    if (step === undefined) {
      return;
    }
    event.preventDefault();
    if (event.key === "ArrowUp" && at < columns) {
      field.current?.focus();
    } else {
      go(at + step);
    }
  };
  const typed = (event: KeyboardEvent) => {
    const first = found[0];
    if (event.key === "ArrowDown") {
      event.preventDefault();
      go(at);
    } else if (event.key === "Enter" && !event.isComposing) {
      event.preventDefault();
      if (first !== undefined) {
        onPick(first.sign);
      }
    }
  };
  const left = (event: FocusEvent) => {
    const to = event.relatedTarget as Element | null;
    // Its own button closes it by itself.
    if (to !== null && !(event.currentTarget as Element).contains(to) && to.getAttribute("aria-controls") !== id) {
      onLeave();
    }
  };
  return (
    <div class="picker" part="picker" id={id} role="dialog" aria-label={t.emoji} onFocusOut={left}
      onKeyDown={(event) => {
        if (event.key === "Escape") {
          event.stopPropagation();
          onClose();
        }
      }}>
      <input ref={field} type="search" value={query} placeholder={t.searchEmoji} aria-label={t.searchEmoji} autoComplete="off" spellcheck={false}
        onInput={(event) => {
          setQuery(event.currentTarget.value);
          setAt(0);
        }} onKeyDown={typed} />
      <div class="grid" ref={grid} role="group" aria-label={t.emoji} onKeyDown={walk}>
        {found.map(({ sign, code, words }, i) => (
          <button key={code} type="button" tabIndex={i === at ? 0 : -1} title={`:${code}:`} aria-label={words} onFocus={() => setAt(i)} onClick={() => onPick(sign)}>{sign}</button>
        ))}
      </div>
      {found.length === 0 && <p class="faint" role="status">{t.noEmoji}</p>}
    </div>
  );
}
