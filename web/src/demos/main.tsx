// The list of the demos.
import { render } from "preact";
import "../style/base.css";
import "./demos.css";
import { Header } from "../ui/header.tsx";
import { DEMOS } from "./list.ts";

const Card = ({ name, title, about, wire, people }: (typeof DEMOS)[number]) => (
  <article class="card" aria-labelledby={name}>
    <h2 id={name}><a href={`/demos/${name}`}>{title}</a></h2>
    <p>{about}</p>
    <dl>
      <div><dt>On the wire</dt><dd>{wire}</dd></div>
      <div><dt>To try it</dt><dd>{people}</dd></div>
    </dl>
  </article>
);

render(
  <>
    <Header here="/demos" />
    <main id="main" class="reading">
      <h1>Demos</h1>
      <p class="lead">Small programs on this hub. Each is at most 60 lines of HTML and JavaScript, without a build step, and shows its own source.</p>
      <div class="demos">{DEMOS.map((demo) => <Card key={demo.name} {...demo} />)}</div>
      <p class="faint">To see what happens on the wire, open the <a href="/tester">tester</a> on the same channel, or the network panel of your browser.</p>
    </main>
  </>,
  document.getElementById("app")!,
);
