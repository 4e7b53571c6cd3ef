// What is set more seldom: subprotocols, what the page does by itself, how it closes, earlier URLs.
import { useState } from "preact/hooks";
import { useStore } from "../store.ts";
import type { Tester } from "../tester.ts";
import { names } from "../url.ts";

export function Options({ tester, free }: { tester: Tester; free: boolean }) {
  const { protocols, reconnect, onConnect, keepalive } = useStore(tester.settings);
  const on = [...names(protocols), ...(reconnect ? ["reconnect"] : []), ...(onConnect.trim() !== "" ? ["first messages"] : []), ...(keepalive ? ["keepalive"] : [])];
  return (
    <details>
      <summary>Options <span class="faint">{on.length === 0 ? "subprotocols, reconnect …" : on.join(", ")}</span></summary>
      <div class="stack roomy">
        <label class="column"><span>Subprotocols <span class="faint">the preferred one first</span></span>
          <input id="protocols" class="mono" type="text" value={protocols} spellcheck={false} autocomplete="off" autocapitalize="off" readOnly={!free}
            placeholder="chat.v2, chat.v1" onInput={(event) => tester.settings.patch({ protocols: event.currentTarget.value })} /></label>
        <Habits tester={tester} />
        <CloseWith tester={tester} />
        <Recent tester={tester} free={free} />
      </div>
    </details>
  );
}

function Habits({ tester }: { tester: Tester }) {
  const { reconnect, onConnect, keepalive, keepaliveText, keepaliveSeconds } = useStore(tester.settings);
  return (
    <>
      <label class="check"><input type="checkbox" checked={reconnect} onChange={(event) => tester.settings.patch({ reconnect: event.currentTarget.checked })} />
        <span>Reconnect when it ends <span class="faint">after half a second, then longer, up to 30 s</span></span></label>
      <label class="column"><span>Send when it opens <span class="faint">one message per line</span></span>
        <textarea class="mono" rows={2} value={onConnect} spellcheck={false} onInput={(event) => tester.settings.patch({ onConnect: event.currentTarget.value })} /></label>
      <label class="check"><input type="checkbox" checked={keepalive} onChange={(event) => tester.settings.patch({ keepalive: event.currentTarget.checked })} />
        <span>Keepalive <span class="faint">a text, as pages cannot send pings</span></span></label>
      {keepalive && (
        <div class="line tight">
          <label class="column grow">Text<input class="mono" type="text" value={keepaliveText} onInput={(event) => tester.settings.patch({ keepaliveText: event.currentTarget.value })} /></label>
          <label class="column narrow">Every (s)<input type="number" min={1} max={3600} value={keepaliveSeconds}
            onChange={(event) => tester.settings.patch({ keepaliveSeconds: Math.min(3600, Math.max(1, event.currentTarget.valueAsNumber || 30)) })} /></label>
        </div>
      )}
    </>
  );
}

const isOwn = (code: number) => Number.isInteger(code) && code >= 3000 && code <= 4999;
/** By the standard; 1004 to 1006 and 1015 never go over the wire. */
const isSendable = (code: number) => isOwn(code) || (Number.isInteger(code) && code >= 1000 && code <= 1014 && !(code >= 1004 && code <= 1006));

/** A Close frame with a code of one's own. */
function CloseWith({ tester }: { tester: Tester }) {
  const { phase, agent } = useStore(tester.session.view);
  const [code, setCode] = useState("1000");
  const [reason, setReason] = useState("");
  const number = Number(code);
  const long = new TextEncoder().encode(reason).length > 123;
  const fault = !(agent ? isSendable(number) : number === 1000 || isOwn(number))
    ? (agent ? "Only 1000 to 1003, 1007 to 1014 and 3000 to 4999 may be sent." : "Browsers send 1000 and 3000 to 4999 only; the agent sends more.") : long ? "A reason is at most 123 bytes." : "";
  return (
    <fieldset class="stack bare">
      <legend>Close with a code</legend>
      <div class="line tight bottom">
        <label class="column narrow">Code<input type="text" inputMode="numeric" value={code} onInput={(event) => setCode(event.currentTarget.value.trim())} /></label>
        <label class="column grow">Reason<input type="text" value={reason} onInput={(event) => setReason(event.currentTarget.value)} /></label>
        <button type="button" disabled={phase !== "open" || fault !== ""} onClick={() => tester.session.disconnect(number, reason)}>Close</button>
      </div>
      {fault !== "" && <p class="bad" role="status">{fault}</p>}
    </fieldset>
  );
}

function Recent({ tester, free }: { tester: Tester; free: boolean }) {
  const { recent } = useStore(tester.settings);
  return (
    <>
      <datalist id="recent-urls">{recent.map((one) => <option key={one} value={one} />)}</datalist>
      {recent.length > 0 && (
        <fieldset class="stack bare">
          <legend>Recent URLs</legend>
          <ul class="plain">
            {recent.map((one) => (
              <li key={one}><button type="button" class="link mono" disabled={!free} onClick={() => tester.settings.patch({ url: one })}>{one}</button></li>
            ))}
          </ul>
          <button type="button" class="small start" onClick={() => tester.settings.patch({ recent: [] })}>Forget these</button>
        </fieldset>
      )}
    </>
  );
}
