// The page's script: fills the body.
import { render } from "preact";
import "../style/base.css";
import "./tester.css";
import { App } from "./app.tsx";
import { KEY } from "./settings.ts";
import { Tester } from "./tester.ts";

const tester = new Tester();
// The token of the agent leaves the address before anything is drawn.
void tester.access.begin();

addEventListener("hashchange", () => {
  const token = tester.access.takeToken();
  if (token !== undefined) {
    void tester.access.redeem(token);
  }
  if (/(^#|&)url=/.test(location.hash) && tester.session.phase !== "open") {
    tester.takeLink();
  }
});

addEventListener("storage", ({ key, newValue }) => {
  if (key === KEY) {
    tester.settings.adopt(newValue);
  }
});

// A file that misses its place must not take this page's.
for (const kind of ["dragover", "drop"] as const) {
  addEventListener(kind, (event) => {
    if (!event.defaultPrevented && event.dataTransfer?.types.includes("Files") === true) {
      event.preventDefault();
      event.dataTransfer.dropEffect = "none";
    }
  });
}

// Back on the net: what waits need not wait longer.
addEventListener("online", () => tester.session.retryNow());

render(<App tester={tester} />, document.getElementById("app")!);
