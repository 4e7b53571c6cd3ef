// The connection's card: where to, the button, the state, and what is set more seldom.
import { useRef, useState } from "preact/hooks";
import { useStore } from "../store.ts";
import type { Tester } from "../tester.ts";
import { guess, isLoopback } from "../url.ts";
import { MIXED_WAY, MIXED_WHY } from "./explain.ts";
import { Failure } from "./failure.tsx";
import { Habits } from "./habits.tsx";
import { State } from "./state.tsx";

const BUTTON = { idle: "Connect", closed: "Connect", connecting: "Cancel", open: "Disconnect", closing: "Give up", waiting: "Stop" } as const;

export function Connection({ tester }: { tester: Tester }) {
  const { phase } = useStore(tester.session.view);
  const { url, protocols } = useStore(tester.settings);
  const free = phase === "idle" || phase === "closed";
  const submit = (event: Event) => {
    event.preventDefault();
    if (free) {
      tester.connect();
    } else {
      tester.session.disconnect();
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
        <div class="line tight">
          <input id="url" class="grow mono" type="text" inputMode="url" value={url} list="recent-urls" spellcheck={false} autocomplete="off"
            autocapitalize="off" placeholder="wss://example.com/socket" aria-describedby="url-hint" readOnly={!free}
            onInput={(event) => typed(event.currentTarget.value)} />
          <button type="submit" class={free ? "main" : ""}>{BUTTON[phase]}</button>
        </div>
        <Hint tester={tester} />
        <div class="line chips" role="group" aria-label={tester.page.host === "" ? "A hub on this machine" : "This hub"}>
          <span class="faint" aria-hidden="true">{tester.page.host === "" ? "Local hub" : "This hub"}</span>
          {tester.presets.map((preset) => (
            <button key={preset.label} type="button" class="chip" disabled={!free} onClick={() => typed(preset.url)} title={preset.url}>{preset.label}</button>
          ))}
        </div>
        <label class="field" for="protocols">Subprotocols <span class="faint">(optional, the preferred one first)</span></label>
        <input id="protocols" class="mono" type="text" value={protocols} spellcheck={false} autocomplete="off" autocapitalize="off" readOnly={!free}
          placeholder="chat.v2, chat.v1" onInput={(event) => tester.settings.patch({ protocols: event.currentTarget.value })} />
      </form>
      <State tester={tester} />
      <Failure tester={tester} />
      <Recent tester={tester} free={free} />
      <Habits tester={tester} />
      <CloseWith tester={tester} />
    </section>
  );
}

/** What became of the URL, or what is wrong with it. */
function Hint({ tester }: { tester: Tester }) {
  const { url, throughAgent } = useStore(tester.settings);
  const access = useStore(tester.access);
  const trouble = useStore(tester.trouble);
  const fromLink = useStore(tester.fromLink);
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
      {fromLink && <p class="warn">A link filled this form. Look at it; nothing is connected or sent before you press the button.</p>}
    </div>
  );
}

function Recent({ tester, free }: { tester: Tester; free: boolean }) {
  const { recent } = useStore(tester.settings);
  return (
    <>
      <datalist id="recent-urls">{recent.map((one) => <option key={one} value={one} />)}</datalist>
      {recent.length > 0 && (
        <details>
          <summary>Recent <span class="faint">{recent.length}</span></summary>
          <ul class="plain recent">
            {recent.map((one) => (
              <li key={one}><button type="button" class="link mono" disabled={!free} onClick={() => tester.settings.patch({ url: one })}>{one}</button></li>
            ))}
          </ul>
          <button type="button" class="small" onClick={() => tester.settings.patch({ recent: [] })}>Forget these</button>
        </details>
      )}
    </>
  );
}

/** A Close frame with a code of one's own. */
function CloseWith({ tester }: { tester: Tester }) {
  const { phase } = useStore(tester.session.view);
  const [code, setCode] = useState("1000");
  const [reason, setReason] = useState("");
  const details = useRef<HTMLDetailsElement>(null);
  const number = Number(code);
  const long = new TextEncoder().encode(reason).length > 123;
  const fault = !(number === 1000 || (Number.isInteger(number) && number >= 3000 && number <= 4999))
    ? "Browsers send 1000 and 3000 to 4999 only." : long ? "A reason is at most 123 bytes." : "";
  return (
    <details ref={details}>
      <summary>Close with a code</summary>
      <div class="stack">
        <div class="line tight">
          <label class="column narrow">Code<input type="text" inputMode="numeric" value={code} onInput={(event) => setCode(event.currentTarget.value.trim())} /></label>
          <label class="column grow">Reason<input type="text" value={reason} onInput={(event) => setReason(event.currentTarget.value)} /></label>
        </div>
        {fault !== "" && <p class="bad" role="status">{fault}</p>}
        <button type="button" class="small start" disabled={phase !== "open" || fault !== ""} onClick={() => tester.session.disconnect(number, reason)}>Close</button>
      </div>
    </details>
  );
}
