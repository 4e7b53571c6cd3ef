// The page: connection and composer, the log, and the panels beside it.
import { Header } from "../ui/header.tsx";
import { Composer } from "./compose/composer.tsx";
import { Connection } from "./connection/connection.tsx";
import { lazily } from "./copy-as.ts";
import { FileHeader } from "./file-header.tsx";
import { Keys } from "./keys.tsx";
import { LogView } from "./log/index.ts";
import type { Row } from "./model.ts";
import { AgentPanel } from "./panels/agent-panel.tsx";
import { CopyPanel } from "./panels/copy-panel.tsx";
import { HandshakePanel } from "./panels/handshake.tsx";
import { SnippetsPanel } from "./panels/snippets-panel.tsx";
import { Tabs } from "./panels/tabs.tsx";
import { useStore } from "./store.ts";
import type { Tester } from "./tester.ts";
import { EXAMPLE_KEY } from "./wire/accept.ts";

export function App({ tester }: { tester: Tester }) {
  const { panels, tab } = useStore(tester.settings);
  const copyAs = (row: Row) => {
    const target = tester.session.view.value.target ?? tester.target();
    const message = row.kind === "binary" ? row.bytes : row.kind === "text" ? row.text : undefined;
    return target === undefined ? [] : lazily(target, message, EXAMPLE_KEY);
  };
  const tabs = [
    { id: "handshake", label: "Handshake", body: () => <HandshakePanel tester={tester} /> },
    { id: "agent", label: "Agent", body: () => <AgentPanel tester={tester} /> },
    { id: "snippets", label: "Snippets", body: () => <SnippetsPanel tester={tester} /> },
    { id: "copy", label: "Copy as", body: () => <CopyPanel tester={tester} /> },
  ];
  return (
    <>
      {tester.page.host === "" ? <FileHeader><Keys tester={tester} /></FileHeader> : <Header here="/tester"><Keys tester={tester} /></Header>}
      <main id="main" tabIndex={-1}>
        <h1 class="sr">WebSocket tester</h1>
        <div class="left">
          <Connection tester={tester} />
          <Composer tester={tester} />
        </div>
        <div class="card log-card">
          <LogView log={tester.log} onResend={(row) => tester.resend(row)} onReplay={(rows) => tester.replay(rows)} copyAs={copyAs} />
        </div>
        <section class="card side" aria-label="Panels">
          <Tabs tabs={tabs} chosen={tab} choose={(id) => tester.settings.patch({ tab: id, panels: true })} label="Panels"
            open={panels} setOpen={(open) => tester.settings.patch({ panels: open })} />
        </section>
      </main>
    </>
  );
}
