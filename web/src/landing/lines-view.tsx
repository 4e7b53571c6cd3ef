// The lines to paste.
import { useState } from "preact/hooks";
import { Code } from "../ui/code.tsx";
import { addresses, groups } from "./lines.ts";

export function Lines({ development }: { development: boolean }) {
  const { tls } = addresses(location.origin);
  const [chosen, choose] = useState<boolean | undefined>();
  const trust = chosen ?? development;
  return (
    <section class="lines" aria-labelledby="use">
      <div class="line">
        <h2 id="use" class="grow">Use it</h2>
        {tls && <label class="line"><input type="checkbox" checked={trust} onChange={(event) => choose(event.currentTarget.checked)} />Trust the certificate of <code>--tls-dev</code></label>}
      </div>
      <p class="faint">
        Each works as pasted, those for a terminal in sh, bash and zsh, and speaks to the room <a href="/chat/lobby">lobby</a> of this hub.
        {tls && trust && " The local authority’s file is where Linux keeps it; elsewhere take the path that the terminal printed."}
      </p>
      <div class="groups">
        {groups(location.origin, trust).map(({ id, title, lines }) => (
          <section class={`card ${id}`} aria-labelledby={`use-${id}`}>
            <h3 id={`use-${id}`} class="title">{title}</h3>
            {lines.map((line) => <div key={line.id} data-line={line.id}><Code title={line.title} text={line.text}>{line.note}</Code></div>)}
          </section>
        ))}
      </div>
    </section>
  );
}
