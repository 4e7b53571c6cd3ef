// What the connection is doing: the pill, for how long, and what was agreed on.
import type { Phase } from "../model.ts";
import { useClock, useStore } from "../store.ts";
import type { Tester } from "../tester.ts";

const WORDS: Record<Phase, string> = {
  idle: "Not connected", connecting: "Connecting", open: "Open", closing: "Closing", closed: "Closed", waiting: "Waiting to try again",
};
const LOOKS: Record<Phase, string> = { idle: "idle", connecting: "wait", open: "open", closing: "wait", closed: "closed", waiting: "wait" };

/** "7 s", "3 min 05 s", "2 h 10 min". */
export function span(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 60) {
    return `${seconds} s`;
  }
  const minutes = Math.floor(seconds / 60);
  const two = (value: number) => String(value).padStart(2, "0");
  return minutes < 60 ? `${minutes} min ${two(seconds % 60)} s` : `${Math.floor(minutes / 60)} h ${two(minutes % 60)} min`;
}

export function Pill({ tester }: { tester: Tester }) {
  const { phase, since, retryAt, attempt } = useStore(tester.session.view);
  const now = useClock(phase === "waiting" ? 250 : 1000, phase !== "idle");
  const time = phase === "idle" || phase === "closed" ? "" : phase === "waiting" ? `in ${span(retryAt - now + 999)}` : span(now - since);
  const spoken = `${WORDS[phase]}${phase === "waiting" ? `, try ${attempt}` : ""}`;
  return (
    <>
      <span class="pill" data-state={LOOKS[phase]} data-phase={phase}>
        <span role="status">{spoken}</span>
        {time !== "" && <span class="elapsed" aria-hidden="true"> {time}</span>}
      </span>
      {phase === "waiting" && <button type="button" class="small" onClick={() => tester.session.retryNow()}>Try now</button>}
    </>
  );
}

/** What both sides agreed on in the handshake. */
export function Agreed({ tester }: { tester: Tester }) {
  const { phase, protocol, extensions, agent } = useStore(tester.session.view);
  if (phase !== "open" && phase !== "closing") {
    return null;
  }
  return (
    <dl class="agreed">
      <dt>Subprotocol</dt><dd>{protocol === "" ? <span class="faint">none</span> : <code>{protocol}</code>}</dd>
      <dt>Extensions</dt><dd>{extensions === "" ? <span class="faint">none</span> : <code>{extensions}</code>}</dd>
      {agent && <><dt>Way</dt><dd>through this machine's agent</dd></>}
    </dl>
  );
}
