// A button that copies a text, and says so.
import { useEffect, useState } from "preact/hooks";

/** Puts a text into the clipboard; where the page may not (plain http on another host), by a selection. */
export async function copy(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const field = document.createElement("textarea");
    field.value = text;
    field.className = "sr";
    document.body.append(field);
    field.select();
    const done = document.execCommand("copy");
    field.remove();
    return done;
  }
}

export function CopyButton({ text, label = "Copy", what }: { text: string | (() => string); label?: string; what?: string }) {
  const [said, setSaid] = useState("");
  useEffect(() => {
    if (said !== "") {
      const timer = setTimeout(() => setSaid(""), 1500);
      return () => clearTimeout(timer);
    }
    return undefined;
  }, [said]);
  const run = async () => setSaid((await copy(typeof text === "string" ? text : text())) ? "Copied" : "Not allowed");
  return (
    <button type="button" class="small" onClick={run} aria-label={what === undefined ? undefined : `${label}: ${what}`}>
      <span aria-live="polite">{said === "" ? label : said}</span>
    </button>
  );
}
