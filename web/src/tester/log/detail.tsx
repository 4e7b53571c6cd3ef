// An opened row: all of it, as a tree, as text or as a hex dump, with what can be done with it.
import { useMemo, useState } from "preact/hooks";
import type { Row } from "../model.ts";
import { CopyButton } from "../../ui/copy.tsx";
import { closeMeaning } from "./close-codes.ts";
import { LONGEST_JSON } from "./filter.ts";
import { WAYS, bytesText, count, fullTime, span } from "./format.ts";
import { hexDump, hexText, narrowHexDump, payload } from "./hex.ts";
import { base64 } from "../../ui/base64.ts";
import { DEEPEST, isTooDeep, readTree } from "./json.ts";
import { Menu } from "./menu.tsx";
import { plain } from "./ndjson.ts";
import { Pages } from "./pages.tsx";
import { save } from "./save.ts";
import { Shown } from "./shown.tsx";
import { isMessage } from "./store.ts";
import { Tree } from "./tree.tsx";
import { clip } from "./visible.ts";

type Look = "tree" | "text" | "hex";
const LABELS: Record<Look, string> = { tree: "Tree", text: "Text", hex: "Hex" };

export interface DetailProps {
  row: Row;
  before: Row | undefined;
  narrow: boolean;
  find: RegExp | undefined;
  onClose(): void;
  onResend(row: Row): void;
  copyAs: ((row: Row) => { label: string; text: () => string }[]) | undefined;
}

const decoder = new TextDecoder();
const textOf = (row: Row) => row.text ?? (row.bytes === undefined ? "" : decoder.decode(row.bytes));

function Facts({ row, before }: Pick<DetailProps, "row" | "before">) {
  const meaning = row.kind === "close" ? closeMeaning(row.code ?? 1005) : undefined;
  const facts: [string, string][] = [
    ["Time", fullTime(row.at) + (before === undefined ? "" : `, ${span(row.at - before.at)}`)],
    ...(row.way === "event" ? [] : [["Size", `${count(row.size)} bytes${row.size < 1024 ? "" : ` (${bytesText(row.size)})`}`]] as [string, string][]),
    ...(meaning === undefined ? [] : [["Code", `${row.code ?? "none"} ${meaning.name}`], ["Meaning", meaning.text]] as [string, string][]),
    ...(row.reason === undefined || row.reason === "" ? [] : [["Reason", row.reason]] as [string, string][]),
    ...Object.entries(row.detail ?? {}).map(([name, value]): [string, string] => [name, String(value)]),
  ];
  return (
    <dl class="log-facts">
      {facts.map(([name, value], index) => <div key={index}><dt><Shown text={clip(name, 0, 200)} /></dt><dd><Shown text={clip(value, 0, 20_000)} lines /></dd></div>)}
    </dl>
  );
}

/** A text that is JSON, but nested deeper than a tree is made of. */
function TooDeep({ row }: { row: Row }) {
  const deep = useMemo(() => isTooDeep(textOf(row)), [row]);
  return deep ? <span class="faint">Nested too deep for a tree (more than {DEEPEST} levels).</span> : null;
}

function Content({ row, look, narrow, find }: Pick<DetailProps, "row" | "narrow" | "find"> & { look: Look }) {
  const tree = useMemo(() => (look === "tree" ? readTree(textOf(row)) : undefined), [row, look]);
  const bytes = useMemo(() => (look === "hex" ? payload(row) : undefined), [row, look]);
  const text = useMemo(() => (look === "text" ? textOf(row) : ""), [row, look]);
  if (tree !== undefined) {
    return <Tree key={row.id} root={tree} find={find} />;
  }
  if (bytes !== undefined) {
    const dump = narrow ? narrowHexDump : hexDump;
    return <Pages key={`hex-${row.id}`} whole={bytes.length} portion={16_384} unit="Bytes" show={(from, length) => <pre class="log-hex" tabIndex={0} aria-label="Hex dump">{dump(bytes, from, length)}</pre>} />;
  }
  return <Pages key={`text-${row.id}`} whole={text.length} portion={32_768} unit="Characters" show={(from, length) => <pre class="log-raw" tabIndex={0} aria-label="Text"><Shown text={clip(text, from, length)} find={find} lines /></pre>} />;
}

/** What this row can be shown as; the first is what suits it best. */
function looksOf(row: Row): Look[] {
  const isJson = row.size <= LONGEST_JSON && readTree(textOf(row)) !== undefined;
  const looks: Look[] = row.bytes === undefined ? ["text", "hex"] : ["hex", "text"];
  return isJson && row.bytes === undefined ? ["tree", ...looks] : isJson ? ["hex", "tree", "text"] : looks;
}

function Actions({ row, onResend, copyAs }: Pick<DetailProps, "row" | "onResend" | "copyAs">) {
  const name = `message-${row.id}.${row.bytes === undefined ? "txt" : "bin"}`;
  return (
    <div class="line log-actions">
      <CopyButton text={() => (row.bytes === undefined ? textOf(row) : hexText(row.bytes))} what={row.bytes === undefined ? "text" : "hex"} />
      {isMessage(row) && <button type="button" class="small" onClick={() => onResend(row)}>Resend</button>}
      <Menu label="Copy as">
        <CopyButton text={() => hexText(payload(row))} label="Hex" />
        <CopyButton text={() => base64(payload(row))} label="Base64" />
        <CopyButton text={() => JSON.stringify(plain(row), null, 2)} label="Row as JSON" />
        {copyAs?.(row).map(({ label, text }) => <CopyButton key={label} text={text} label={label} />)}
      </Menu>
      <button type="button" class="small" onClick={() => save(new Blob([payload(row) as Uint8Array<ArrayBuffer>], { type: "application/octet-stream" }), name)}>Save</button>
    </div>
  );
}

export function Detail(props: DetailProps) {
  const { row, before, narrow, find, onClose } = props;
  const [wanted, setWanted] = useState<Look | undefined>();
  const looks = useMemo(() => looksOf(row), [row]);
  const look = wanted !== undefined && looks.includes(wanted) ? wanted : looks[0]!;
  const hasContent = row.bytes !== undefined || (row.text ?? "") !== "";
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === "Escape") {
      event.stopPropagation();
      onClose();
    }
  };
  return (
    <section class="log-detail" aria-label={`Row ${row.id}`} onKeyDown={onKeyDown}>
      <div class="log-detail-head">
        <strong>{row.way === "event" ? `Event: ${row.kind}` : `${row.kind[0]?.toUpperCase()}${row.kind.slice(1)} ${WAYS[row.way]}`}</strong>
        <button type="button" class="small" onClick={onClose} aria-label="Close details">✕</button>
      </div>
      <Facts row={row} before={before} />
      <Actions {...props} />
      {hasContent && (
        <>
          <div class="line log-looks" role="group" aria-label="Show as">
            {looks.map((one) => <button key={one} type="button" class="small" aria-pressed={one === look} onClick={() => setWanted(one)}>{LABELS[one]}</button>)}
            {row.size > LONGEST_JSON ? <span class="faint">Too long for a tree.</span> : looks.includes("tree") ? null : <TooDeep row={row} />}
          </div>
          <Content row={row} look={look} narrow={narrow} find={find} />
        </>
      )}
    </section>
  );
}
