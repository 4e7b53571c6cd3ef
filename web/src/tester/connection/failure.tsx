// Why the last connection did not come about, as far as anyone here can know.
import { useStore } from "../store.ts";
import type { Tester } from "../tester.ts";
import { explain } from "./explain.ts";

export function Failure({ tester }: { tester: Tester }) {
  const { phase, ended, target, agent } = useStore(tester.session.view);
  const { state } = useStore(tester.access);
  if (ended === undefined || ended.opened || ended.byUser || target === undefined || (phase !== "closed" && phase !== "waiting")) {
    return null;
  }
  const { sentence, causes } = explain({
    url: target.url, protocols: target.protocols, page: tester.page, tookMs: ended.tookMs, online: navigator.onLine, agent, why: ended.why,
  });
  return (
    <div class="failure" role="alert">
      <p>{sentence}</p>
      {causes.length > 0 && <ul>{causes.map((cause) => <li key={cause}>{cause}</li>)}</ul>}
      {!agent && (
        <p>{state === "ready"
          ? "The local agent sees the real reason: switch it on under Agent."
          : "The local agent sees the real reason: how to get it is under Agent."}{" "}
          <button type="button" class="small" onClick={() => tester.settings.patch({ panels: true, tab: "agent" })}>Show Agent</button>
        </p>
      )}
    </div>
  );
}
