// Panels of which one is shown, as tabs: arrows move, Home and End go to the ends.
import type { ComponentChildren } from "preact";
import { useRef } from "preact/hooks";

export interface Tab {
  id: string;
  label: string;
  body: () => ComponentChildren;
}

interface TabsProps {
  tabs: readonly Tab[];
  chosen: string;
  choose(id: string): void;
  label: string;
  /** Whether a panel is shown at all; else only the tabs are. */
  open: boolean;
  setOpen(open: boolean): void;
}

export function Tabs({ tabs, chosen, choose, label, open, setOpen }: TabsProps) {
  const list = useRef<HTMLDivElement>(null);
  const current = tabs.find(({ id }) => id === chosen) ?? tabs[0]!;
  const key = (event: KeyboardEvent) => {
    const at = tabs.indexOf(current);
    const next = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: tabs.length - 1 }[event.key];
    if (next !== undefined) {
      event.preventDefault();
      const tab = tabs[(next + tabs.length) % tabs.length]!;
      choose(tab.id);
      list.current?.querySelector<HTMLElement>(`#tab-${tab.id}`)?.focus();
    }
  };
  return (
    <>
      <div class="tab-bar">
        <div class="tabs" role="tablist" aria-label={label} ref={list} onKeyDown={key}>
          {tabs.map(({ id, label: name }) => (
            <button key={id} type="button" role="tab" id={`tab-${id}`} aria-selected={open && id === current.id} aria-controls={open && id === current.id ? `panel-${id}` : undefined}
              tabIndex={id === current.id ? 0 : -1} onClick={() => choose(id)}>{name}</button>
          ))}
        </div>
        <button type="button" class="small fold" aria-expanded={open} aria-label="Panels" title={open ? "Hide the panels" : "Show the panels"} onClick={() => setOpen(!open)}>{open ? "▾" : "▴"}</button>
      </div>
      {open && <div class="panel" role="tabpanel" id={`panel-${current.id}`} aria-labelledby={`tab-${current.id}`} tabIndex={0} key={current.id}>{current.body()}</div>}
    </>
  );
}
