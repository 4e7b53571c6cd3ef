// The local agent: how to get it, and what it can do that a page cannot.
import { useStore } from "../store.ts";
import type { Tester } from "../tester.ts";
import { isToken } from "../url.ts";

export function AgentPanel({ tester }: { tester: Tester }) {
  const { state, trouble } = useStore(tester.access);
  const { throughAgent, frames } = useStore(tester.settings);
  const { insecure, origin } = useStore(tester.extra);
  useStore(tester.session.view);
  const ready = state === "ready";
  const on = ready && throughAgent;
  return (
    <div class="beside">
      <div class="stack roomy">
        <p>Sockets can go through the <code>tidewire</code> program on your machine. It can set headers, and sees what browsers hide: pings, raw frames, certificates, and why a server refused.</p>
        {!ready && <How tester={tester} />}
        {trouble !== undefined && <p class="bad" role="alert">{trouble}{ready ? " The key from before in this tab is still used." : ""}</p>}
        <fieldset class="stack bare" disabled={!ready}>
          <legend class="sr">Through the agent</legend>
          <label class="check"><input type="checkbox" role="switch" checked={on} onChange={(event) => tester.settings.patch({ throughAgent: event.currentTarget.checked })} />
            <strong>Through this machine</strong></label>
          {ready && <p class="faint">This counts from the next connection.</p>}
          <div class="line">
            <button type="button" disabled={!tester.session.canPing} onClick={() => tester.session.ping()}>Send a ping</button>
            <span class="faint">its round trip is in the log</span>
          </div>
          {ready && <button type="button" class="small start" onClick={() => tester.access.forget()}>Forget the key</button>}
        </fieldset>
      </div>
      <fieldset class="stack bare" disabled={!on}>
        <legend class="sr">What the agent does</legend>
        <Headers tester={tester} />
        <label class="column"><span>Origin <span class="faint">empty: none is sent</span></span>
          <input class="mono" type="text" value={origin} placeholder="https://example.com" spellcheck={false} autocomplete="off"
            onInput={(event) => tester.extra.patch({ origin: event.currentTarget.value })} /></label>
        <label class="check"><input type="checkbox" checked={insecure} onChange={(event) => tester.extra.patch({ insecure: event.currentTarget.checked })} />
          <span>Skip the certificate check <span class="faint">for servers of your own only</span></span></label>
        <label class="check"><input type="checkbox" checked={frames} onChange={(event) => tester.settings.patch({ frames: event.currentTarget.checked })} />
          <span>Show raw frames in the log</span></label>
        {on && <p class="faint">Headers and Origin are kept in this page's memory only.</p>}
      </fieldset>
    </div>
  );
}

function How({ tester }: { tester: Tester }) {
  const { state } = useStore(tester.access);
  if (state === "asking" || state === "redeeming") {
    return <p class="faint" role="status">Asking the hub…</p>;
  }
  const command = <code>tidewire serve</code>;
  if (state === "none") {
    return (
      <div class="note">
        <p><strong>Not on this page.</strong> {tester.page.protocol === "file:"
          ? "It was opened from a file, and the agent serves only the page that comes from the program itself."
          : "The server that this page is from has no agent: it is not on your own machine, or has it switched off."}</p>
        <p>Run {command} on your machine and open the tester link that it prints.</p>
      </div>
    );
  }
  return (
    <div class="note">
      <p><strong>Locked.</strong> Only who sees the terminal may use it.</p>
      <p>Run {command} and open the tester link that it prints, the one that ends in <code>#agent=…</code>. Each link works once.</p>
    </div>
  );
}

function Headers({ tester }: { tester: Tester }) {
  const { headers } = useStore(tester.extra);
  const change = (at: number, part: 0 | 1, value: string) =>
    tester.extra.patch({ headers: headers.map((pair, index) => (index !== at ? pair : part === 0 ? [value, pair[1]] : [pair[0], value])) });
  return (
    <div class="column">
      <span>Headers</span>
      {headers.map(([name, value], at) => (
        <div class="line tight" key={at}>
          <input class="mono narrow-name" type="text" value={name} placeholder="Name" aria-label={`Name of header ${at + 1}`} spellcheck={false} autocomplete="off"
            aria-invalid={name !== "" && !isToken(name)} onInput={(event) => change(at, 0, event.currentTarget.value.trim())} />
          <input class="mono grow" type="text" value={value} placeholder="Value" aria-label={`Value of header ${at + 1}`} spellcheck={false} autocomplete="off"
            onInput={(event) => change(at, 1, event.currentTarget.value)} />
          <button type="button" class="small" aria-label={`Remove header ${at + 1}`} onClick={() => tester.extra.patch({ headers: headers.filter((_, index) => index !== at) })}>×</button>
        </div>
      ))}
      {headers.some(([name]) => name !== "" && !isToken(name)) && <p class="bad">A header's name has letters, digits and signs like - only.</p>}
      <button type="button" class="small start" onClick={() => tester.extra.patch({ headers: [...headers, ["", ""]] })}>Add a header</button>
    </div>
  );
}
