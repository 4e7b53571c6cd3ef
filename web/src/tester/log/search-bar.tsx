// The search in the shown rows: it marks and steps, and hides nothing.
import { useEffect, useState } from "preact/hooks";
import { count } from "./format.ts";

interface SearchBarProps {
  query: string;
  set(query: string): void;
  hits: number;
  /** The active row's number among the hits, from 1; 0: none. */
  place: number;
  busy: boolean;
  step(way: 1 | -1): void;
}

const TYPING_MS = 150;

export function SearchBar({ query, set, hits, place, busy, step }: SearchBarProps) {
  const [typed, setTyped] = useState(query);
  useEffect(() => {
    if (typed !== query) {
      const timer = setTimeout(() => set(typed), TYPING_MS);
      return () => clearTimeout(timer);
    }
    return undefined;
  }, [typed]);
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === "Enter") {
      event.preventDefault();
      if (typed === query) {
        step(event.shiftKey ? -1 : 1);
      } else {
        set(typed);
      }
    } else if (event.key === "Escape" && typed !== "") {
      event.stopPropagation();
      setTyped("");
    }
  };
  const said = query === "" ? "" : `${place > 0 ? `${count(place)} of ` : ""}${count(hits)}${busy ? "…" : ""} ${hits === 1 ? "row" : "rows"}`;
  return (
    <div class="log-search" role="search" aria-label="Search in the log">
      <input type="text" value={typed} placeholder="Search" title="Marks and counts; hides nothing" aria-label="Search in shown rows" spellcheck={false} autocomplete="off" autocapitalize="off"
        onInput={(event) => setTyped(event.currentTarget.value)} onKeyDown={onKeyDown} />
      <button type="button" class="small" disabled={hits === 0} onClick={() => step(-1)} aria-label="Previous match" title="Previous (Shift+Enter)">↑</button>
      <button type="button" class="small" disabled={hits === 0} onClick={() => step(1)} aria-label="Next match" title="Next (Enter)">↓</button>
      <span class="faint log-hits" role="status">{said}</span>
    </div>
  );
}
