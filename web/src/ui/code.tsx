// A text to copy: its name, what is to know about it, and a button.
import type { ComponentChildren } from "preact";
import { CopyButton } from "./copy.tsx";

export function Code({ title, text, children }: { title: string; text: string; children?: ComponentChildren }) {
  return (
    <figure class="code">
      <figcaption><h3>{title}</h3><CopyButton text={text} what={title} /></figcaption>
      {children !== undefined && <p class="faint">{children}</p>}
      <pre><code translate={false}>{text}</code></pre>
    </figure>
  );
}
