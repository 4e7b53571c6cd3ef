// A long text in portions, so that a message of many megabytes does not hold up the page.
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { count } from "./format.ts";

interface PagesProps {
  whole: number;
  portion: number;
  unit: string;
  show(from: number, length: number): ComponentChildren;
}

export function Pages({ whole, portion, unit, show }: PagesProps) {
  const [from, setFrom] = useState(0);
  const last = Math.max(0, Math.floor((whole - 1) / portion) * portion);
  const button = (label: string, to: number) => (
    <button type="button" class="small" disabled={to === from || to < 0 || to > last} onClick={() => setFrom(to)}>{label}</button>
  );
  return (
    <>
      {whole > portion && (
        <div class="line" role="group" aria-label="Portions">
          {button("First", 0)}{button("Previous", from - portion)}{button("Next", from + portion)}{button("Last", last)}
          <span class="faint" aria-live="polite">{unit} {count(from + 1)} to {count(Math.min(whole, from + portion))} of {count(whole)}</span>
        </div>
      )}
      {show(from, portion)}
    </>
  );
}
