// The top of the first page, with the ways in, and its end: where to read on.
import { useState } from "preact/hooks";

export const Hero = () => (
  <section class="hero" aria-labelledby="what">
    <h1 id="what">A Tidewire hub runs here</h1>
    <p class="lead">
      It passes messages between browsers and programs: what one client sends into a channel, everyone in it gets, in order, with history, and
      with nothing lost when a connection breaks.
    </p>
    <div class="ways">
      <a class="button main" href="/tester">Open the tester</a>
      <a class="button" href="/demos">See the demos</a>
      <OpenRoom />
    </div>
  </section>
);

/** The address of a room's page; the name as it was typed, without the spaces around it. */
export const roomPage = (name: string): string => `/chat/${encodeURIComponent(name.trim())}`;

function OpenRoom() {
  const [name, setName] = useState("lobby");
  const open = (event: Event) => {
    event.preventDefault();
    if (name.trim() !== "") {
      location.assign(roomPage(name));
    }
  };
  return (
    <form class="room" onSubmit={open}>
      <label for="room">Chat room</label>
      <input id="room" value={name} onInput={(event) => setName(event.currentTarget.value)} maxLength={200} required autocomplete="off" autocapitalize="off" spellcheck={false} />
      <button type="submit">Open</button>
    </form>
  );
}

const DOCS = [
  ["docs/tutorial/", "From an empty folder to a chat: server, client, handshake, frames."],
  ["docs/hub.md", "Run a hub: namespaces, durability, proxies, backups, limits."],
  ["docs/reference/protocol.md", "Every message on the wire: enough to write a client from."],
  ["docs/reference/configuration.md", "How options, file and environment go together."],
  ["sdk/js/", "The JavaScript SDK, npm package tidewire."],
] as const;

export const Docs = () => (
  <section class="card" aria-labelledby="docs">
    <h2 id="docs">Read on</h2>
    <p class="faint">These are files of the Tidewire repository, beside the source that this hub was built from.</p>
    <dl class="docs">
      {DOCS.map(([file, about]) => <div><dt><code>{file}</code></dt><dd>{about}</dd></div>)}
    </dl>
  </section>
);
