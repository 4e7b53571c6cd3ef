// The first page: what this is, what runs here, and how to use it.
import { render } from "preact";
import "../style/base.css";
import "./landing.css";
import { Header } from "../ui/header.tsx";
import { Docs, Hero } from "./front.tsx";
import { Lines } from "./lines-view.tsx";
import { Live } from "./live.tsx";
import { Endpoints, Namespaces } from "./tables.tsx";
import { useStatus } from "./use-status.ts";

function Landing() {
  const seen = useStatus();
  return (
    <>
      <Header here="/" />
      <main id="main" class="reading">
        <Hero />
        <Live seen={seen} />
        <Lines development={seen.status?.development === true} />
        <Endpoints />
        {seen.status !== undefined && seen.status.namespaces.length > 0 && <Namespaces all={seen.status.namespaces} />}
        <Docs />
      </main>
    </>
  );
}

render(<Landing />, document.getElementById("app")!);
