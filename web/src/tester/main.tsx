// The page's script: fills the body.
import { render } from "preact";
import "../style/base.css";
import { Header } from "../ui/header.tsx";
import { Log, LogView } from "./log/index.ts";

const log = new Log();
const again = (rows: readonly { text?: string; bytes?: Uint8Array }[]) => {
  for (const { text, bytes } of rows) {
    log.add(bytes === undefined ? { way: "out", kind: "text", text: text ?? "" } : { way: "out", kind: "binary", bytes });
  }
};

render(
  <>
    <Header here="/tester" />
    <main id="main" style={{ padding: "12px" }}><h1>Log</h1><LogView log={log} onResend={(row) => again([row])} onReplay={again} /></main>
  </>,
  document.getElementById("app")!,
);
