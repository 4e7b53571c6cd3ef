// What is where, and what each namespace allows; rows become cards on a phone.
import type { ComponentChildren } from "preact";
import { addresses } from "./lines.ts";
import type { Namespace } from "./status.ts";
import { bytes, count, duration, slow, storage, who } from "./words.ts";

/** A table that keeps its roles where the style lays its rows out as blocks. */
function Table({ label, look = "", heads, rows }: { label: string; look?: string; heads: string[]; rows: ComponentChildren[][] }) {
  return (
    <table role="table" aria-labelledby={label} class={`stack ${look}`}>
      <thead role="rowgroup"><tr role="row">{heads.map((head) => <th role="columnheader" scope="col">{head}</th>)}</tr></thead>
      <tbody role="rowgroup">
        {rows.map(([first, ...cells]) => (
          <tr role="row">
            <th role="rowheader" scope="row">{first}</th>
            {cells.map((cell, at) => <td role="cell" data-head={heads[at + 1]}>{cell}</td>)}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

export function Endpoints() {
  const { http, ws } = addresses(location.origin);
  const rows = [
    [`${ws}/ws`, "WebSocket", "The native protocol: many channels, names, presence, history, coming back without a gap."],
    [`${ws}/c/NAMESPACE:NAME`, "WebSocket", "A plain channel: payloads as they are. ?history=20 first the last 20, ?echo=1 also to the sender."],
    [`${ws}/chat/ROOM`, "WebSocket", "The plain channel chat:ROOM; in a browser, the page of the room."],
    [`${ws}/echo`, "WebSocket", "What you send comes back."],
    [`${http}/sse?channel=…`, "GET", "The native objects as server-sent events."],
    [`${http}/poll?channel=…`, "GET", "The same, one answer a request."],
    [`${http}/uplink`, "POST", "Commands, for who reads by SSE or long poll."],
    [`${http}/healthz`, "GET", "200 once the hub is ready. For those who run it; so is /metrics, on the hub’s machine."],
  ].map(([address, how, what]) => [<code>{address}</code>, how, what]);
  return (
    <section class="card" aria-labelledby="endpoints">
      <h2 id="endpoints">Endpoints</h2>
      <Table label="endpoints" look="free" heads={["Address", "How", "What it does"]} rows={rows} />
    </section>
  );
}

const history = ({ history_size: size, history_age_ms: age }: Namespace): string =>
  size === 0 ? "none" : `${count(size)} ${size === 1 ? "message" : "messages"}${age > 0 ? `, ${duration(age)}` : ""}`;

export function Namespaces({ all }: { all: Namespace[] }) {
  const rows = all.map((namespace) => [
    <code>{namespace.name}:</code>,
    who(namespace.subscribe),
    who(namespace.publish),
    who(namespace.presence),
    storage(namespace.storage),
    history(namespace),
    bytes(namespace.max_message),
    slow(namespace.slow_consumer),
  ]);
  return (
    <section class="card" aria-labelledby="namespaces">
      <h2 id="namespaces">Namespaces</h2>
      <p class="faint">The part of a channel’s name before the colon says what holds for it. A name without a colon means <code>chat:</code>.</p>
      <Table label="namespaces" heads={["Channels", "May listen", "May publish", "May see who is there", "Kept", "History, at most", "Message, at most", "A slow reader"]} rows={rows} />
    </section>
  );
}
