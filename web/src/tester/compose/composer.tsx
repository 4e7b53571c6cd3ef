// The composer's card: a message as text, JSON or bytes, and how it is sent.
import { useRef } from "preact/hooks";
import type { MessageKind } from "../share.ts";
import { useStore } from "../store.ts";
import type { Tester } from "../tester.ts";
import { FilePick, takeDrop } from "./file-pick.tsx";
import { Recall } from "./history.ts";
import { minify, prettify } from "./json.ts";
import { build, isBinary } from "./message.ts";
import { bytesText } from "../log/format.ts";
import { utf8Length } from "../log/store.ts";
import { Repeat } from "./repeat-box.tsx";
import { SaveSnippet } from "./save-snippet.tsx";
import { hasVariables, real } from "./variables.ts";

const PLACEHOLDER: Record<MessageKind, string> = {
  text: "Hello", json: '{"hello": "world"}', hex: "48 65 6c 6c 6f", base64: "SGVsbG8=",
};

export function Composer({ tester }: { tester: Tester }) {
  const draft = useStore(tester.draft);
  const trouble = useStore(tester.trouble);
  const { phase, buffered } = useStore(tester.session.view);
  const { clearOnSend, enterSends } = useStore(tester.settings);
  const field = useRef<HTMLTextAreaElement>(null);
  const choose = (kind: MessageKind) => {
    tester.trouble.set(undefined);
    tester.settings.patch({ kind });
    const { file: _, ...rest } = draft;
    tester.draft.set({ ...(isBinary(kind) ? draft : rest), kind });
  };
  return (
    <section class="card composer" aria-labelledby="composer-title" onDragOver={(event) => event.preventDefault()} onDrop={(event) => takeDrop(event, tester)}>
      <div class="line between">
        <h2 id="composer-title">Message</h2>
        <Size tester={tester} />
      </div>
      <Kinds kind={draft.kind} choose={choose} />
      {isBinary(draft.kind) && <FilePick tester={tester} choose={choose} />}
      {draft.file === undefined && <Field tester={tester} field={field} />}
      {draft.kind === "json" && <JsonTools tester={tester} />}
      {trouble?.where === "message" && (
        <p class="bad" role="alert">{trouble.text}{" "}<GoTo tester={tester} field={field} /></p>
      )}
      <div class="line">
        <button type="button" class="main" disabled={phase !== "open"} onClick={() => tester.send()} title="Ctrl+Enter">Send</button>
        <SaveSnippet tester={tester} />
        {buffered > 0 && <span class="badge" role="status">{bytesText(buffered)} wait to leave</span>}
      </div>
      <div class="line checks">
        <label class="check"><input type="checkbox" checked={clearOnSend} onChange={(event) => tester.settings.patch({ clearOnSend: event.currentTarget.checked })} />Clear when sent</label>
        <label class="check" title="Shift+Enter begins a new line then"><input type="checkbox" checked={enterSends} onChange={(event) => tester.settings.patch({ enterSends: event.currentTarget.checked })} />Enter sends</label>
      </div>
      <Repeat tester={tester} />
    </section>
  );
}

function Kinds({ kind, choose }: { kind: MessageKind; choose(kind: MessageKind): void }) {
  const one = (value: MessageKind, label: string, checked: boolean) => (
    <label class="segment"><input type="radio" name="kind" checked={checked} onChange={() => choose(value)} /><span>{label}</span></label>
  );
  return (
    <fieldset class="segments">
      <legend class="sr">Send as</legend>
      {one("text", "Text", kind === "text")}
      {one("json", "JSON", kind === "json")}
      {one("hex", "Binary", isBinary(kind))}
    </fieldset>
  );
}

function Field({ tester, field }: { tester: Tester; field: { current: HTMLTextAreaElement | null } }) {
  const draft = useStore(tester.draft);
  const { enterSends } = useStore(tester.settings);
  const recall = useRef(new Recall());
  const put = (text: string | undefined, area: HTMLTextAreaElement, end: boolean) => {
    if (text !== undefined) {
      // At once, not with the next drawing: the next key may already be there, and it goes by the caret.
      area.value = text;
      area.setSelectionRange(end ? text.length : 0, end ? text.length : 0);
      tester.draft.patch({ text });
    }
  };
  const key = (event: KeyboardEvent & { currentTarget: HTMLTextAreaElement }) => {
    const area = event.currentTarget;
    if (event.isComposing) {
      return;
    }
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey || (enterSends && !event.shiftKey))) {
      event.preventDefault();
      recall.current.reset();
      tester.send();
    } else if (event.key === "ArrowUp" && atEdge(area, 0, event)) {
      event.preventDefault();
      put(recall.current.older(tester.settings.value.history, draft.text), area, false);
    } else if (event.key === "ArrowDown" && atEdge(area, area.value.length, event)) {
      event.preventDefault();
      put(recall.current.newer(tester.settings.value.history), area, true);
    }
  };
  return (
    <textarea id="message" ref={field} class="mono" rows={4} value={draft.text} placeholder={PLACEHOLDER[draft.kind]} spellcheck={false}
      aria-label="Message" aria-keyshortcuts="Control+Enter" onKeyDown={key}
      onInput={(event) => { recall.current.reset(); tester.trouble.set(undefined); tester.draft.patch({ text: event.currentTarget.value }); }} />
  );
}

/** Whether the caret is at this edge with nothing marked, and no other key is held. */
const atEdge = (area: HTMLTextAreaElement, edge: number, event: KeyboardEvent): boolean =>
  area.selectionStart === edge && area.selectionEnd === edge && !event.shiftKey && !event.ctrlKey && !event.altKey && !event.metaKey;

function JsonTools({ tester }: { tester: Tester }) {
  const lay = (how: typeof prettify) => {
    const laid = how(tester.draft.value.text);
    tester.trouble.set(laid.ok ? undefined : { where: "message", text: `Line ${laid.line}, column ${laid.column}: ${laid.error}` });
    if (laid.ok) {
      tester.draft.patch({ text: laid.text });
    }
  };
  return (
    <div class="line">
      <button type="button" class="small" onClick={() => lay(prettify)}>Prettify</button>
      <button type="button" class="small" onClick={() => lay(minify)}>Minify</button>
    </div>
  );
}

/** Puts the caret where the JSON is wrong. */
function GoTo({ tester, field }: { tester: Tester; field: { current: HTMLTextAreaElement | null } }) {
  const draft = useStore(tester.draft);
  const built = build(draft, real(1));
  const at = built.ok ? undefined : built.at;
  if (at === undefined) {
    return null;
  }
  const go = () => {
    field.current?.focus();
    field.current?.setSelectionRange(at, Math.min(at + 1, draft.text.length));
  };
  return <button type="button" class="small" onClick={go}>Go there</button>;
}

function Size({ tester }: { tester: Tester }) {
  const draft = useStore(tester.draft);
  const built = build(draft, real(1));
  const bytes = built.ok ? (typeof built.payload === "string" ? utf8Length(built.payload) : built.payload.length) : undefined;
  if (bytes === undefined) {
    return <span class="faint small-text">{draft.text.trim() === "" ? "" : draft.kind === "json" ? "not JSON yet" : "not complete"}</span>;
  }
  return <span class="faint small-text">{hasVariables(draft.text) ? "about " : ""}{bytesText(bytes)}</span>;
}
