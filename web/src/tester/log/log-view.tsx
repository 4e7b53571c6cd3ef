// The log on the page.
import { useEffect, useState } from "preact/hooks";
import type { Row } from "../model.ts";
import type { Log } from "./store.ts";

export interface LogViewProps {
  log: Log;
  onResend(row: Row): void;
  onReplay(rows: readonly Row[]): void;
  copyAs?(row: Row): { label: string; text: string }[];
}

export function LogView({ log }: LogViewProps) {
  const [, setTick] = useState(0);
  useEffect(() => log.onChange(() => setTick((tick) => tick + 1)), [log]);
  return <ol aria-label="Messages">{log.rows().slice(-100).map((row) => <li key={row.id}>{row.text ?? row.kind}</li>)}</ol>;
}
