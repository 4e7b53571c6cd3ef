// Import and export: the buttons, and what they say.
import { useRef, useState } from "preact/hooks";
import type { Row } from "../model.ts";
import { FORMATS, type Format, exportRows, importRows } from "./files.ts";
import { plural } from "./format.ts";
import { Menu } from "./menu.tsx";
import { nameOfNow, save } from "./save.ts";
import { type Log, isMessage } from "./store.ts";

export interface Transfer {
  /** What goes on or happened; nothing when there is nothing to say. */
  said: { text: string; bad: boolean } | undefined;
  /** What the last import holds of sent messages, as long as they are offered for replay. */
  sent: readonly Row[];
  read(file: File): void;
  write(rows: readonly Row[], format: Format): void;
  dismiss(): void;
}

/** What of some rows can be sent again. */
export const sendable = (rows: readonly Row[]): Row[] => rows.filter((row) => row.way === "out" && isMessage(row));

export function useTransfer(log: Log): Transfer {
  const [said, setSaid] = useState<Transfer["said"]>();
  const [sent, setSent] = useState<readonly Row[]>([]);
  const say = (text: string, bad = false) => setSaid({ text, bad });
  const read = async (file: File) => {
    setSent([]);
    say(`Reading ${file.name}…`);
    try {
      const rows = await importRows(file, file.name, (share) => say(`Reading ${file.name}: ${Math.round(share * 100)} %`));
      const from = log.lastId;
      log.addAll(rows);
      const kept = log.rows().filter((row) => row.id > from);
      setSent(sendable(kept));
      say(`Imported ${plural(rows.length, "row")} from ${file.name}${kept.length < rows.length ? `; the newest ${plural(kept.length, "row")} fit in the log` : ""}.`);
    } catch (error) {
      say(`${file.name} was not imported: ${error instanceof Error ? error.message : String(error)}.`, true);
    }
  };
  const write = async (rows: readonly Row[], format: Format) => {
    say(`Writing ${plural(rows.length, "row")}…`);
    const file = await exportRows(rows, format);
    save(file, `${nameOfNow()}.${format}`);
    say(`Exported ${plural(rows.length, "row")} as ${FORMATS[format].label}.`);
  };
  const failed = (error: unknown) => say(`The file could not be written: ${String(error)}`, true);
  return {
    said,
    sent,
    read: (file) => void read(file),
    write: (rows, format) => void write(rows, format).catch(failed),
    dismiss: () => {
      setSaid(undefined);
      setSent([]);
    },
  };
}

interface MenuProps {
  transfer: Transfer;
  log: Log;
  shown: readonly Row[];
  filtered: boolean;
  onReplay(rows: readonly Row[]): void;
}

export function TransferMenu({ transfer, log, shown, filtered, onReplay }: MenuProps) {
  const picker = useRef<HTMLInputElement>(null);
  const group = (label: string, rows: readonly Row[]) => (
    <div role="group" aria-label={`Export ${label}`} class="log-menu-group">
      <span class="faint">Export {label}</span>
      {(Object.keys(FORMATS) as Format[]).map((format) => (
        <button key={format} type="button" class="small" disabled={rows.length === 0} onClick={() => transfer.write(rows, format)} aria-label={`Export ${label} as ${FORMATS[format].label}`}>{FORMATS[format].label}</button>
      ))}
    </div>
  );
  const picked = (event: Event) => {
    const input = event.currentTarget as HTMLInputElement;
    const file = input.files?.[0];
    if (file !== undefined) {
      transfer.read(file);
    }
    // The same file can be chosen again.
    input.value = "";
  };
  return (
    <Menu label="Files">
      {group("all rows", log.rows())}
      {filtered && group("shown rows", shown)}
      <button type="button" class="small" onClick={() => picker.current?.click()}>Import NDJSON or HAR</button>
      <input ref={picker} type="file" hidden accept=".ndjson,.jsonl,.har,.json,.txt" aria-label="File to import" onChange={picked} />
      <button type="button" class="small" title="Sends again what the shown rows sent" onClick={() => onReplay(sendable(shown))}>Replay shown sent messages</button>
    </Menu>
  );
}

export function TransferNotice({ transfer: { said, sent, dismiss }, onReplay }: { transfer: Transfer; onReplay(rows: readonly Row[]): void }) {
  return (
    <div class="log-notice" role="status" data-bad={said?.bad} hidden={said === undefined}>
      <span>{said?.text}</span>
      {sent.length > 0 && <button type="button" class="small" onClick={() => onReplay(sent)}>Replay {plural(sent.length, "sent message")}</button>}
      {said !== undefined && <button type="button" class="small" onClick={dismiss}>Dismiss</button>}
    </div>
  );
}
