// The named messages: found, used, sent, taken to another browser.
import { useRef, useState } from "preact/hooks";
import { exportText, importText, save, search } from "../compose/snippets.ts";
import { save as saveFile } from "../log/save.ts";
import type { Snippet } from "../settings.ts";
import { useStore } from "../store.ts";
import type { Tester } from "../tester.ts";

const KINDS = { text: "Text", json: "JSON", hex: "Hex", base64: "Base64" } as const;

export function SnippetsPanel({ tester }: { tester: Tester }) {
  const { snippets } = useStore(tester.settings);
  const lasting = useStore(tester.settings.lasting);
  const [words, setWords] = useState("");
  const found = search(snippets, words);
  return (
    <div class="stack roomy">
      {snippets.length === 0
        ? <p class="faint">No snippets yet. Write a message, press Save, and give it a name.</p>
        : <input type="search" value={words} placeholder="Search" aria-label="Search snippets" onInput={(event) => setWords(event.currentTarget.value)} />}
      {!lasting && snippets.length > 0 && <p class="warn" role="status">This browser does not keep them: its storage is full or forbidden. Export them before you leave the page.</p>}
      {snippets.length > 0 && found.length === 0 && <p class="faint" role="status">None has these words.</p>}
      <ul class="plain snippets">{found.map((one) => <One key={one.name} one={one} tester={tester} />)}</ul>
      <Files tester={tester} />
    </div>
  );
}

function One({ one, tester }: { one: Snippet; tester: Tester }) {
  const { phase } = useStore(tester.session.view);
  const { name, kind, text } = one;
  const use = () => {
    tester.trouble.set(undefined);
    tester.settings.patch({ kind });
    tester.draft.set({ kind, text });
    document.getElementById("message")?.focus();
  };
  const remove = () => tester.settings.patch({ snippets: tester.settings.value.snippets.filter((other) => other.name !== name) });
  return (
    <li>
      <div class="line between"><strong class="cut">{name}</strong><span class="faint small-text">{KINDS[kind]}</span></div>
      <div class="cut mono faint">{text.slice(0, 200)}</div>
      <div class="line">
        <button type="button" class="small" aria-label={`Use ${name}`} onClick={use}>Use</button>
        <button type="button" class="small" aria-label={`Send ${name}`} disabled={phase !== "open"} onClick={() => tester.sendSnippet(one)}>Send</button>
        <button type="button" class="small" aria-label={`Delete ${name}`} onClick={remove}>Delete</button>
      </div>
    </li>
  );
}

function Files({ tester }: { tester: Tester }) {
  const { snippets } = useStore(tester.settings);
  const [said, setSaid] = useState<{ text: string; bad: boolean }>();
  const input = useRef<HTMLInputElement>(null);
  const take = async (file: File) => {
    const read = importText(await file.text());
    if (!read.ok) {
      setSaid({ text: read.error, bad: true });
      return;
    }
    tester.settings.patch({ snippets: read.snippets.reduce(save, tester.settings.value.snippets) });
    setSaid({ text: `${read.snippets.length} taken${read.left > 0 ? `, ${read.left} were not snippets` : ""}.`, bad: false });
  };
  const give = () => {
    saveFile(new Blob([exportText(snippets)], { type: "application/json" }), "tidewire-snippets.json");
  };
  return (
    <div class="line">
      <button type="button" class="small" disabled={snippets.length === 0} onClick={give}>Export</button>
      <button type="button" class="small" onClick={() => input.current?.click()}>Import</button>
      <input ref={input} type="file" accept=".json,application/json" class="sr" tabIndex={-1} aria-label="File of snippets" onChange={(event) => {
        const file = event.currentTarget.files?.[0];
        if (file !== undefined) {
          void take(file);
        }
        event.currentTarget.value = "";
      }} />
      <span role="status" class={said?.bad === true ? "bad" : "faint"}>{said?.text}</span>
    </div>
  );
}
