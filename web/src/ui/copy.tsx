// A button that copies a text, and says so.
import { useEffect, useState } from "preact/hooks";

/** Puts a text into the clipboard; where the page may not (plain http on another host), by a selection. */
export async function copy(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const before = document.activeElement;
    const field = document.createElement("textarea");
    field.value = text;
    field.className = "sr";
    document.body.append(field);
    field.select();
    const done = document.execCommand("copy");
    field.remove();
    (before as HTMLElement | null)?.focus?.({ preventScroll: true });
    return done;
  }
}

/** `what`: what is copied, for those who do not see what stands beside the button. */
export function CopyButton({ text, label = "Copy", what }: { text: string | (() => string); label?: string; what?: string }) {
  const [said, setSaid] = useState<"" | "yes" | "no">("");
  useEffect(() => {
    if (said !== "") {
      const timer = setTimeout(() => setSaid(""), 1800);
      return () => clearTimeout(timer);
    }
    return undefined;
  }, [said]);
  const run = async () => setSaid((await copy(typeof text === "string" ? text : text())) ? "yes" : "no");
  const word = said === "" ? label : said === "yes" ? "Copied" : "Not allowed";
  return (
    <span class="copy">
      <button type="button" class="small" onClick={run} data-said={said} aria-label={what === undefined ? undefined : `${word}: ${what}`}>{word}</button>
      <span class="sr" role="status">{said === "" ? "" : word}</span>
    </span>
  );
}
