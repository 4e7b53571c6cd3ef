// A text to copy: its name, what is to know about it, and a button.
import type { ComponentChildren } from "preact";
import { CopyButton } from "./copy.tsx";

/** `scrolls`: long lines are not broken, as in a program's source. */
export function Code({ title, text, scrolls = false, children }: { title: string; text: string; scrolls?: boolean; children?: ComponentChildren }) {
  return (
    <figure class="code">
      <figcaption><h3>{title}</h3><CopyButton text={text} what={title} /></figcaption>
      {children !== undefined && <p class="faint">{children}</p>}
      <pre {...(scrolls ? { class: "scrolls", tabIndex: 0, role: "region", "aria-label": title } : {})}><code translate={false}>{text}</code></pre>
    </figure>
  );
}
