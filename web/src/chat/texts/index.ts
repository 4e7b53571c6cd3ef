// Which language is spoken: the one that was asked for, or English.
import { ar } from "./ar.ts";
import { de } from "./de.ts";
import { type Texts, en } from "./en.ts";
import { es } from "./es.ts";
import { fr } from "./fr.ts";

export type { Texts } from "./en.ts";

const LANGUAGES: Readonly<Record<string, Texts>> = { en, de, fr, es, ar };

export interface Language {
  /** What dates and numbers are written in: `de-CH` writes them otherwise than `de`. */
  tag: string;
  dir: "ltr" | "rtl";
  t: Texts;
}

/** `de`, `de-CH`, `DE_ch`: German; what is not known, or no tag at all, is English. */
export function languageOf(asked: string | null | undefined): Language {
  const tag = (asked ?? "").trim().replaceAll("_", "-");
  const short = tag.split("-")[0]?.toLowerCase() ?? "";
  const known = Object.hasOwn(LANGUAGES, short) ? LANGUAGES[short] : undefined;
  if (known === undefined) {
    return { tag: "en", dir: "ltr", t: en };
  }
  return { tag: isTag(tag) ? tag : short, dir: short === "ar" ? "rtl" : "ltr", t: known };
}

function isTag(tag: string): boolean {
  try {
    return Intl.getCanonicalLocales(tag).length === 1;
  } catch {
    return false;
  }
}
