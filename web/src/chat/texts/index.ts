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
  /** The time of a message, short and whole: made once, as making one is slow. */
  clock: Intl.DateTimeFormat;
  moment: Intl.DateTimeFormat;
}

const spoken = new Map<string, Language>();

/**
 * `de`, `de-CH`, `DE_ch`: German; what is not known, or no tag at all, is English. Always the same object for the same tag.
 * `visitor`: what the visitor's browser speaks; where the tag names no country, times are written as in the visitor's.
 */
export function languageOf(asked: string | null | undefined, visitor: readonly string[] = []): Language {
  const wanted = (asked ?? "").trim().replaceAll("_", "-");
  const short = wanted.split("-")[0]?.toLowerCase() ?? "";
  const t = Object.hasOwn(LANGUAGES, short) ? LANGUAGES[short] : undefined;
  const tag = t === undefined ? "en" : isTag(wanted) ? wanted : short;
  const local = tag.includes("-") ? tag : (visitor.find((one) => one.startsWith(`${tag}-`) && isTag(one)) ?? tag);
  const known = spoken.get(`${tag} ${local}`);
  if (known !== undefined) {
    return known;
  }
  const language: Language = {
    tag,
    dir: short === "ar" ? "rtl" : "ltr",
    t: t ?? en,
    clock: new Intl.DateTimeFormat(local, { timeStyle: "short" }),
    moment: new Intl.DateTimeFormat(local, { dateStyle: "full", timeStyle: "medium" }),
  };
  spoken.set(`${tag} ${local}`, language);
  return language;
}

function isTag(tag: string): boolean {
  try {
    return Intl.getCanonicalLocales(tag).length === 1;
  } catch {
    return false;
  }
}
