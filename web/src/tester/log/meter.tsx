// Messages and bytes per second, with a line of the last minute.
import { useEffect, useState } from "preact/hooks";
import { bytesText, rate } from "./format.ts";
import { SECONDS, mean } from "./rates.ts";
import type { Log } from "./store.ts";
import { now as present } from "./wall-clock.ts";

const WIDTH = 96;
const HEIGHT = 20;

/** Points of a line: the highest value reaches the top, none at all lies on the ground. */
export function points(values: readonly number[]): string {
  const peak = Math.max(1, ...values);
  return values.map((value, index) => `${((index / (SECONDS - 1)) * WIDTH).toFixed(1)},${(HEIGHT - 1 - (value / peak) * (HEIGHT - 2)).toFixed(1)}`).join(" ");
}

export function Meter({ log }: { log: Log }) {
  const [now, setNow] = useState(present);
  useEffect(() => {
    const timer = setInterval(() => setNow(present()), 1000);
    return () => clearInterval(timer);
  }, []);
  const seconds = log.rates.last(now);
  const { messages, bytes } = mean(seconds);
  const peak = Math.max(...seconds.map((second) => second.messages));
  const label = `Last 60 seconds: now ${rate(messages)} messages per second, at most ${rate(peak)}`;
  return (
    <div class="log-meter">
      <span class="log-rate">{rate(messages)} msg/s</span>
      <span class="log-rate">{bytesText(bytes)}/s</span>
      <svg role="img" aria-label={label} viewBox={`0 0 ${WIDTH} ${HEIGHT}`} width={WIDTH} height={HEIGHT}>
        <title>{label}</title>
        <polyline class="log-spark-bytes" points={points(seconds.map((second) => second.bytes))} />
        <polyline class="log-spark" points={points(seconds.map((second) => second.messages))} />
      </svg>
    </div>
  );
}
