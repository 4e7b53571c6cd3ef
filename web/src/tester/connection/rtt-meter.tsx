// Round trips, measured by texts that an echo sends back.
import { useEffect, useRef, useState } from "preact/hooks";
import { useStore } from "../store.ts";
import type { Tester } from "../tester.ts";
import { EchoMeter, type Figures, LATE_MS, milliseconds } from "./rtt.ts";

const EVERY_MS = 500;

interface Shown extends Figures {
  silent: boolean;
}

export function RttMeter({ tester }: { tester: Tester }) {
  const { phase } = useStore(tester.session.view);
  const [running, setRunning] = useState(false);
  const [shown, setShown] = useState<Shown>();
  const meter = useRef<EchoMeter>(undefined);
  const open = phase === "open";
  useEffect(() => {
    if (!running || !open) {
      setRunning(false);
      return undefined;
    }
    const mine = new EchoMeter(Math.random().toString(36).slice(2, 10));
    meter.current = mine;
    const show = () => setShown({ ...mine.figures(), silent: mine.silent });
    const heard = (text: string) => mine.heard(text, performance.now()) && show();
    const step = () => {
      mine.sweep(performance.now());
      // One at a time: texts that queue up behind each other would measure the queue.
      if (mine.waiting === 0) {
        tester.session.send(mine.mark(performance.now()));
      }
      show();
    };
    tester.session.heard.add(heard);
    step();
    const timer = setInterval(step, EVERY_MS);
    return () => {
      clearInterval(timer);
      tester.session.heard.delete(heard);
    };
  }, [running, open]);
  return (
    <details>
      <summary>Round trip <span class="faint">{shown === undefined || shown.count === 0 ? "by echo" : `p50 ${milliseconds(shown.p50)}`}</span></summary>
      <div class="stack">
        <p class="faint">Sends a marked text twice a second and waits for it to come back. It needs a server that echoes.</p>
        {shown !== undefined && (
          <dl class="figures">
            {(["p50", "p95", "min", "max"] as const).map((name) => <div key={name}><dt>{name}</dt><dd>{milliseconds(shown[name])}</dd></div>)}
            <div><dt>of the last</dt><dd>{shown.count}</dd></div>
          </dl>
        )}
        {shown?.silent === true && <p class="bad" role="status">Nothing came back within {LATE_MS / 1000} s: this server does not echo.</p>}
        {shown !== undefined && shown.count > 0 && shown.lost > 0 && <p class="bad">{shown.lost} did not come back.</p>}
        <button type="button" class="small start" disabled={!open} onClick={() => setRunning(!running)}>{running ? "Stop" : "Measure"}</button>
        {!open && <p class="faint">Connect first.</p>}
      </div>
    </details>
  );
}
