// The connection and the message as a link, and as commands of other tools.
import { useState } from "preact/hooks";
import { build } from "../compose/message.ts";
import { real } from "../compose/variables.ts";
import { copies } from "../copy-as.ts";
import { useStore } from "../store.ts";
import { LONGEST_MESSAGE } from "../share.ts";
import type { Tester } from "../tester.ts";
import { CopyButton } from "../../ui/copy.tsx";
import { EXAMPLE_KEY } from "../wire/accept.ts";

export function CopyPanel({ tester }: { tester: Tester }) {
  const draft = useStore(tester.draft);
  useStore(tester.settings);
  useStore(tester.extra);
  useStore(tester.access);
  const [withMessage, setWith] = useState(true);
  const target = tester.target();
  const built = build(draft, real(1));
  const link = tester.shareLink(withMessage);
  const left = !withMessage ? [] : draft.file !== undefined ? ["A file is not part of the link."]
    : draft.text.length > LONGEST_MESSAGE ? ["The message is longer than 65,536 characters: it is left out of the link."] : [];
  return (
    <div class="stack roomy">
      <label class="check"><input type="checkbox" checked={withMessage} onChange={(event) => setWith(event.currentTarget.checked)} />With the message</label>
      <Block label="Link" text={link}
        notes={[...left, "It fills this form; it never connects or sends by itself. All is after the #, which browsers do not send to a server. Is a secret in the URL? Then it is in the link, too."]} />
      {target === undefined ? <p class="faint">The commands are here when the URL is complete.</p>
        : copies(target, withMessage && built.ok ? built.payload : undefined, EXAMPLE_KEY).map((one) => <Block key={one.label} {...one} />)}
      <p class="faint">Quoted for sh, bash, zsh and the like.</p>
      {tester.page.host !== "" && <p><a href="/tester.html" download="tidewire-tester.html">This page as one file</a>, to be kept and opened from disk.</p>}
    </div>
  );
}

/** A command longer than this is copied whole, and shown in part. */
const SHOWN = 2000;

function Block({ label, text, notes }: { label: string; text: string; notes: readonly string[] }) {
  return (
    <div class="block">
      <div class="line between"><h3>{label}</h3><CopyButton text={text} what={label} /></div>
      <pre tabIndex={0} aria-label={label}>{text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text}</pre>
      {notes.map((note) => <p key={note} class="faint small-text">{note}</p>)}
    </div>
  );
}
