// A text as it was written, with its links; a long one opens on demand. Never HTML.
import { useState } from "preact/hooks";
import { shortOf } from "../model/content.ts";
import { isOnlyEmoji } from "../model/emoji.ts";
import { parts } from "../model/links.ts";
import type { Texts } from "../texts/index.ts";

export function Words({ text: whole, t }: { text: string; t: Texts }) {
  // Empty lines around it would only push the others away.
  const text = whole.replace(/^\s*\n/, "").trimEnd();
  const [isOpen, setOpen] = useState(false);
  const short = shortOf(text);
  const shown = short === undefined || isOpen ? text : `${short}…`;
  return (
    <>
      <div class={isOnlyEmoji(text) ? "text big" : "text"} dir="auto">
        {parts(shown).map((part) => ("href" in part ? <Link {...part} t={t} /> : part.text))}
      </div>
      {short !== undefined && <button type="button" class="link" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>{isOpen ? t.less : t.more}</button>}
    </>
  );
}

/** Where it leads is told if the text does not say so itself. */
function Link({ text, href, host, t }: { text: string; href: string; host?: string; t: Texts }) {
  return (
    <bdi>
      <a href={href} target="_blank" rel="noopener noreferrer nofollow" title={href}>{text}</a>
      {host !== undefined && <span class="host"> ({t.link(host)})</span>}
    </bdi>
  );
}
