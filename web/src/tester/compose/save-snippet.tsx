// A name for the message in the composer, so that it can be had again.
import { useEffect, useRef, useState } from "preact/hooks";
import { useStore } from "../store.ts";
import type { Tester } from "../tester.ts";
import { save } from "./snippets.ts";

export function SaveSnippet({ tester }: { tester: Tester }) {
  const draft = useStore(tester.draft);
  const [name, setName] = useState<string>();
  const field = useRef<HTMLInputElement>(null);
  const asking = name !== undefined;
  useEffect(() => field.current?.focus(), [asking]);
  if (draft.file !== undefined || draft.text === "") {
    return null;
  }
  if (name === undefined) {
    return <button type="button" onClick={() => setName("")}>Save</button>;
  }
  const done = (event: Event) => {
    event.preventDefault();
    if (name.trim() !== "") {
      const { kind, text } = draft;
      tester.settings.patch({ snippets: save(tester.settings.value.snippets, { name: name.trim(), kind, text }), panels: true, tab: "snippets" });
      setName(undefined);
    }
  };
  return (
    <form class="line tight grow" onSubmit={done} onKeyDown={(event) => event.key === "Escape" && setName(undefined)}>
      <input ref={field} class="grow" type="text" maxLength={200} value={name} placeholder="Name of the snippet" aria-label="Name of the snippet"
        onInput={(event) => setName(event.currentTarget.value)} />
      <button type="submit" disabled={name.trim() === ""}>Save</button>
    </form>
  );
}
