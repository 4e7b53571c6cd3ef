// The connection's card: where to, the button, the state, and what is set more seldom.
import { useStore } from "../store.ts";
import type { Tester } from "../tester.ts";
import { guess, isLoopback } from "../url.ts";
import { MIXED_WAY, MIXED_WHY } from "./explain.ts";
import { Failure } from "./failure.tsx";
import { FromLink } from "./from-link.tsx";
import { Options } from "./options.tsx";
import { RttMeter } from "./rtt-meter.tsx";
import { Agreed, Pill } from "./state.tsx";

const BUTTON = { idle: "Connect", closed: "Connect", connecting: "Cancel", open: "Disconnect", closing: "Give up", waiting: "Stop" } as const;

export function Connection({ tester }: { tester: Tester }) {
  const { phase } = useStore(tester.session.view);
  const { url } = useStore(tester.settings);
  const free = phase === "idle" || phase === "closed";
  const submit = (event: Event) => {
    event.preventDefault();
    // A second Enter must not end what the first began.
    if (free) {
      tester.connect();
    }
  };
  const escape = (event: KeyboardEvent) => {
    if (event.key === "Escape" && !free) {
      tester.session.disconnect();
    }
  };
  const typed = (value: string) => {
    tester.trouble.set(undefined);
    tester.settings.patch({ url: value });
  };
  return (
    <section class="card connection" aria-labelledby="connection-title" onKeyDown={escape}>
      <h2 id="connection-title" class="sr">Connection</h2>
      <form onSubmit={submit} class="stack">
        <label class="field" for="url">WebSocket URL</label>
        <input id="url" class="mono" type="text" inputMode="url" value={url} list="recent-urls" spellcheck={false} autocomplete="off"
          autocapitalize="off" placeholder="wss://example.com/socket" aria-describedby="url-hint" readOnly={!free}
          onInput={(event) => typed(event.currentTarget.value)} />
        <Hint tester={tester} />
        {free && <div class="line chips" role="group" aria-label={tester.page.host === "" ? "A hub on this machine" : "This hub"}>
          <span class="faint" aria-hidden="true">{tester.page.host === "" ? "Local hub" : "This hub"}</span>
          {tester.presets.map((preset) => (
            <button key={preset.label} type="button" class="chip" onClick={() => typed(preset.url)} title={preset.url}>{preset.label}</button>
          ))}
        </div>}
        <div class="line">
          <button type={free ? "submit" : "button"} class={free ? "main connect" : "connect"} onClick={() => !free && tester.session.disconnect()}>{BUTTON[phase]}</button>
          <Pill tester={tester} />
        </div>
      </form>
      <Agreed tester={tester} />
      <Failure tester={tester} />
      <Options tester={tester} free={free} />
      <RttMeter tester={tester} />
    </section>
  );
}

/** What became of the URL, or what is wrong with it. */
function Hint({ tester }: { tester: Tester }) {
  const { url, throughAgent } = useStore(tester.settings);
  const access = useStore(tester.access);
  const trouble = useStore(tester.trouble);
  const read = guess(url, tester.page);
  const mixed = read.ok && read.mixed && !(throughAgent && access.state === "ready");
  const near = read.ok && isLoopback(new URL(read.url).host);
  return (
    <div id="url-hint" class="hint" aria-live="polite">
      {trouble?.where === "url" && <p class="bad">{trouble.text}</p>}
      {trouble?.where !== "url" && read.ok && read.hint !== undefined && <p>Means <code>{read.hint}</code></p>}
      {trouble?.where !== "url" && !read.ok && url.trim() !== "" && <p class="bad">{read.error}</p>}
      {mixed && (near
        ? <p>This page came over https: Chromium and Firefox still allow ws:// to this machine, Safari does not.</p>
        : <p class="warn"><strong>The browser will block this.</strong> {MIXED_WHY} {MIXED_WAY}</p>)}
      <FromLink tester={tester} />
    </div>
  );
}
