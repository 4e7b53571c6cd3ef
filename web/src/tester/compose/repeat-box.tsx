// Repeating and replaying, their state, and the variables that make each message another.
import { useStore } from "../store.ts";
import type { Tester } from "../tester.ts";
import { VARIABLES } from "./variables.ts";

export function Repeat({ tester }: { tester: Tester }) {
  const { repeatEvery, repeatTimes } = useStore(tester.settings);
  const { phase } = useStore(tester.session.view);
  const repeating = useStore(tester.repeating);
  const replaying = useStore(tester.replaying);
  const insert = (name: string) => tester.draft.patch({ text: tester.draft.value.text + name });
  return (
    <>
      {repeating !== undefined && (
        <div class="line running">
          <span role="status">Repeating: {repeating.sent}{repeating.times > 0 ? ` of ${repeating.times}` : ""}</span>
          <button type="button" class="small" onClick={() => tester.repeater.stop()}>Stop</button>
        </div>
      )}
      {replaying !== undefined && (
        <div class="line running">
          <span role="status">Replaying: {replaying.sent} of {replaying.of}</span>
          <button type="button" class="small" onClick={() => tester.replayer.stop()}>Stop</button>
        </div>
      )}
      <details>
        <summary>Repeat and variables</summary>
        <div class="stack">
          <div class="line tight bottom">
            <label class="column grow">Every (ms)<input type="number" min={1} max={3_600_000} value={repeatEvery}
              onChange={(event) => tester.settings.patch({ repeatEvery: Math.min(3_600_000, Math.max(1, event.currentTarget.valueAsNumber || 1000)) })} /></label>
            <label class="column grow">Times <span class="sr">, 0 until stopped</span><input type="number" min={0} max={1_000_000} value={repeatTimes}
              onChange={(event) => tester.settings.patch({ repeatTimes: Math.max(0, Math.floor(event.currentTarget.valueAsNumber || 0)) })} /></label>
            <button type="button" disabled={phase !== "open" || repeating !== undefined} onClick={() => tester.repeater.start(repeatEvery, repeatTimes)}>Start</button>
          </div>
          <p class="faint">0 times: until you stop it. In a background tab browsers slow this down to once a second or less.</p>
          <dl class="variables">
            {VARIABLES.map(({ name, about }) => (
              <div key={name}><dt><button type="button" class="chip mono" onClick={() => insert(name)} aria-label={`Insert ${name}`}>{name}</button></dt><dd class="faint">{about}</dd></div>
            ))}
          </dl>
        </div>
      </details>
    </>
  );
}
