// What stands where no rows are: what comes there, or why nothing is shown.
import type { Sieve } from "./sieve.ts";
import type { Log } from "./store.ts";

export function Empty({ log, sieve, filtered }: { log: Log; sieve: Sieve; filtered: boolean }) {
  if (log.length > 0) {
    const why = sieve.busy ? "Filtering…" : filtered ? "No row fits the filter." : sieve.held ? "Paused. Newer rows wait." : "";
    return <p class="log-empty faint">{why}</p>;
  }
  return (
    <div class="log-empty faint">
      <p><strong>Nothing yet.</strong></p>
      <ul>
        <li>Connect: each message and event comes here, to the millisecond.</li>
        <li>Open a row to see it as a JSON tree, text or hex, to send it again, or to copy it as a command.</li>
        <li>Drop a file of messages here: NDJSON, or HAR from a browser's developer tools.</li>
        <li class="desktop"><kbd>?</kbd> lists the keys.</li>
      </ul>
    </div>
  );
}
