// The fields of the filter.
import { useEffect, useId, useState } from "preact/hooks";
import type { Kind } from "../model.ts";
import type { Filter, FilterError } from "./filter.ts";
import { NO_FILTER, isOff } from "./filter.ts";
import { KINDS } from "./format.ts";

interface FilterBarProps {
  filter: Filter;
  error: FilterError | undefined;
  /** Changes a part: what the other fields say may have changed meanwhile. */
  change(part: Partial<Filter>): void;
}

/** While someone types, the log is not filtered again for each letter. */
const TYPING_MS = 200;

function Field({ label, hint, value, error, set }: { label: string; hint: string; value: string; error: string | undefined; set(value: string): void }) {
  const [typed, setTyped] = useState(value);
  const id = useId();
  useEffect(() => setTyped(value), [value]);
  useEffect(() => {
    if (typed !== value) {
      const timer = setTimeout(() => set(typed), TYPING_MS);
      return () => clearTimeout(timer);
    }
    return undefined;
  }, [typed]);
  return (
    <div class="log-field">
      <input type="text" value={typed} placeholder={hint} aria-label={label} spellcheck={false} autocomplete="off" autocapitalize="off"
        aria-invalid={error !== undefined} aria-describedby={error === undefined ? undefined : id}
        onInput={(event) => setTyped(event.currentTarget.value)}
        onKeyDown={(event) => event.key === "Enter" && set(typed)} />
      {error !== undefined && <p id={id} class="bad" role="alert">{error}</p>}
    </div>
  );
}

export function FilterBar({ filter, error, change }: FilterBarProps) {
  const [help, setHelp] = useState(false);
  return (
    <div class="log-filter" role="group" aria-label="Filter">
      <select aria-label="Direction" value={filter.way} onChange={(event) => change({ way: event.currentTarget.value as Filter["way"] })}>
        <option value="all">Both ways</option>
        <option value="in">↓ Received</option>
        <option value="out">↑ Sent</option>
        <option value="event">• Events</option>
      </select>
      <select aria-label="Kind" value={filter.kind} onChange={(event) => change({ kind: event.currentTarget.value as Kind | "all" | "message" })}>
        <option value="all">All kinds</option>
        <option value="message">Messages</option>
        {KINDS.map((kind) => <option key={kind} value={kind}>{kind}</option>)}
      </select>
      <Field label="Filter by text or /expression/" hint="Text or /regex/i" value={filter.text} error={error?.field === "text" ? error.message : undefined} set={(text) => change({ text })} />
      <Field label="Filter by JSON path" hint="JSON: $.px > 10" value={filter.path} error={error?.field === "path" ? error.message : undefined} set={(path) => change({ path })} />
      <button type="button" class="small" aria-expanded={help} onClick={() => setHelp(!help)}>Help</button>
      <button type="button" class="small" disabled={isOff(filter)} onClick={() => change(NO_FILTER)}>Reset</button>
      {help && <Help />}
    </div>
  );
}

const Help = () => (
  <div class="log-help">
    <p><b>Text</b> is found in any case. <code>/px=[0-9]+/i</code> is a regular expression; it runs apart from the page, sees the first MiB of a message, and is stopped when it takes more than a second.</p>
    <p><b>JSON path</b> asks about JSON messages: <code>$.a.b[0]</code> (there is such a value), <code>a.b == 3</code>, <code>type == "trade" && px &gt; 10</code>, <code>name ~ "part"</code> (contains), <code>items[*].id == 7</code> (any of them), <code>..id</code> (anywhere below), <code>items[-1]</code> (the last), <code>["odd name"]</code>, <code>!(a || b)</code>. Compare with <code>== != &lt; &lt;= &gt; &gt;= ~</code>. Messages over 4 MiB are not read as JSON.</p>
  </div>
);
