// Around each demo: the bar at the top, a copy button at each block to copy, and the demo's own source below.
import { render } from "preact";
import { useEffect, useState } from "preact/hooks";
import { Code } from "../ui/code.tsx";
import { CopyButton } from "../ui/copy.tsx";
import { Header } from "../ui/header.tsx";
import "../ui/theme-first.ts";

interface File {
  name: string;
  text: string;
}

/** Reads a file as it is served; the sentence in its place if that fails. */
async function read(path: string, name: string): Promise<File> {
  try {
    const answer = await fetch(path);
    return { name, text: answer.ok ? await answer.text() : `The hub answered ${answer.status}.` };
  } catch {
    return { name, text: "The hub does not answer: load the page again." };
  }
}

function Source({ path }: { path: string }) {
  const name = path.slice(path.lastIndexOf("/") + 1);
  const [files, setFiles] = useState<File[]>([]);
  useEffect(() => {
    void Promise.all([read(`${path}.js`, `${name}.js`), read(path, `${name}.html`)]).then(setFiles);
  }, [path, name]);
  return (
    <section class="source" aria-labelledby="source">
      <h2 id="source">The source</h2>
      <p class="faint">This is all of it, as the browser got it: {files.reduce((sum, { text }) => sum + lines(text), 0)} lines.</p>
      {files.map((file) => <Code key={file.name} title={file.name} text={file.text} scrolls={file.name.endsWith(".js")} />)}
    </section>
  );
}

const lines = (text: string): number => text.trimEnd().split("\n").length;

/** A new element beside another, for a part of the page. */
function place(beside: Element, where: InsertPosition): HTMLElement {
  const made = document.createElement("div");
  beside.insertAdjacentElement(where, made);
  return made;
}

document.addEventListener("DOMContentLoaded", () => {
  const main = document.querySelector("main");
  if (main === null) {
    return;
  }
  render(<Header here="/demos" />, place(main, "beforebegin"));
  for (const block of main.querySelectorAll("pre[data-copy]")) {
    const row = place(block, "beforebegin");
    row.className = "over";
    // The sentence before the block goes into one line with the button.
    if (row.previousElementSibling?.tagName === "P") {
      row.append(row.previousElementSibling);
    }
    const button = row.appendChild(document.createElement("span"));
    render(<CopyButton text={() => block.textContent ?? ""} what={block.getAttribute("data-copy") ?? "text"} />, button);
  }
  render(<Source path={location.pathname.replace(/\/$/, "")} />, place(main, "beforeend"));
});
