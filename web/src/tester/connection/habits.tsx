// What the page does by itself: reconnect, first messages, keepalive; and the echo's round trip.
import { useStore } from "../store.ts";
import type { Tester } from "../tester.ts";
import { RttMeter } from "./rtt-meter.tsx";

export function Habits({ tester }: { tester: Tester }) {
  const settings = useStore(tester.settings);
  const { reconnect, onConnect, keepalive, keepaliveText, keepaliveSeconds } = settings;
  const on = [reconnect && "reconnect", onConnect.trim() !== "" && "first messages", keepalive && "keepalive"].filter((part) => part !== false);
  return (
    <>
      <details>
        <summary>By itself <span class="faint">{on.length === 0 ? "nothing" : on.join(", ")}</span></summary>
        <div class="stack">
          <label class="check"><input type="checkbox" checked={reconnect} onChange={(event) => tester.settings.patch({ reconnect: event.currentTarget.checked })} />
            <span>Reconnect when it ends <span class="faint">after 0.5 s, then longer up to 30 s, with some chance in it</span></span></label>
          <label class="column">Send when it opens <span class="faint">one message per line</span>
            <textarea class="mono" rows={2} value={onConnect} spellcheck={false} onInput={(event) => tester.settings.patch({ onConnect: event.currentTarget.value })} /></label>
          <label class="check"><input type="checkbox" checked={keepalive} onChange={(event) => tester.settings.patch({ keepalive: event.currentTarget.checked })} />
            <span>Keepalive <span class="faint">a text, as pages cannot send pings</span></span></label>
          {keepalive && (
            <div class="line tight">
              <label class="column grow">Text<input class="mono" type="text" value={keepaliveText} onInput={(event) => tester.settings.patch({ keepaliveText: event.currentTarget.value })} /></label>
              <label class="column narrow">Every (s)<input type="number" min={1} max={3600} value={keepaliveSeconds}
                onInput={(event) => tester.settings.patch({ keepaliveSeconds: Math.min(3600, Math.max(1, event.currentTarget.valueAsNumber || 30)) })} /></label>
            </div>
          )}
        </div>
      </details>
      <RttMeter tester={tester} />
    </>
  );
}
