// What runs here: numbers of this node, as they change.
import type { ComponentChildren } from "preact";
import { Spark } from "../ui/spark.tsx";
import { KEPT, type Numbers, type Rates, type Status } from "./status.ts";
import type { Seen } from "./use-status.ts";
import { count, duration, rate } from "./words.ts";

export function Live({ seen: { status, rates, problem } }: { seen: Seen }) {
  const state = problem !== undefined ? "closed" : status === undefined ? "wait" : "open";
  return (
    <section class="card" aria-labelledby="live">
      <div class="line">
        <h2 id="live" class="grow">What is running</h2>
        <span class="pill" data-state={state}>{state === "open" ? "Answering" : state === "wait" ? "Asking…" : "No answer"}</span>
      </div>
      {problem !== undefined && <p role="status">{problem} {status === undefined ? "What stands below holds all the same." : "These are the last numbers; it is asked again by and by."}</p>}
      {status !== undefined && <Tiles status={status} rates={rates} />}
      {status !== undefined && status.numbers === null && <p class="faint">How much goes on is told to browsers on the hub’s own machine alone; you come from elsewhere, or through a proxy.</p>}
      {status?.development === true && <p class="faint"><strong>Development mode:</strong> programs and pages of this machine may do everything here. With a configuration file a hub starts from deny.</p>}
    </section>
  );
}

function Tiles({ status, rates }: { status: Status; rates: Rates }) {
  return (
    <dl class="tiles">
      {status.numbers !== null && <Counts numbers={status.numbers} rates={rates} />}
      <Tile name="Up for" value={duration(status.now - status.started, true)}>{status.listening.join(", ")}</Tile>
      <Tile name="Version" value={status.version}>{status.tls ? "with TLS" : "without TLS"}</Tile>
    </dl>
  );
}

function Counts({ numbers, rates }: { numbers: Numbers; rates: Rates }) {
  const ways = [[numbers.websocket, "WebSocket"], [numbers.sse, "SSE"], [numbers.poll, "long poll"]] as const;
  const open = ways.filter(([many]) => many > 0).map(([many, name]) => `${count(many)} ${name}`);
  return (
    <>
      <Tile name="Connections" value={count(numbers.connections)}>{open.length === 0 ? "no sessions" : open.join(", ")}</Tile>
      <Tile name="Channels" value={count(numbers.channels)}>{count(numbers.subscriptions)} {numbers.subscriptions === 1 ? "subscription" : "subscriptions"}</Tile>
      <Flow name="Messages in" values={rates.in} total={numbers.published} />
      <Flow name="Messages out" values={rates.out} total={numbers.delivered} />
    </>
  );
}

function Flow({ name, values, total }: { name: string; values: number[]; total: number }) {
  const now = values.at(-1);
  const label = `${name} in the last two minutes: at most ${rate(Math.max(0, ...values))} a second`;
  return (
    <Tile name={name} value={now === undefined ? "…" : rate(now)} unit="/s" picture={<Spark values={values} room={KEPT} label={label} />}>{count(total)} since the start</Tile>
  );
}

function Tile({ name, value, unit, picture, children }: { name: string; value: string; unit?: string; picture?: ComponentChildren; children?: ComponentChildren }) {
  return (
    <div class="tile">
      <dt>{name}</dt>
      <dd class="value">{value}{unit !== undefined && <small> {unit}</small>}</dd>
      {picture !== undefined && <dd>{picture}</dd>}
      <dd class="faint">{children}</dd>
    </div>
  );
}
