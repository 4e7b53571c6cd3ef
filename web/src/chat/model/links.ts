// Which parts of a text are links, and whether a link shows where it leads.

export type Part = { text: string } | { text: string; href: string; host?: string };

/** Characters that cannot be in a link: spaces, quotes, brackets, and those that are not seen or turn the text around. */
const OUT = String.raw`\s<>"'\x60\u0000-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff`;
const LINK = new RegExp(String.raw`(?<![\p{L}\p{N}_])(?:https?://|mailto:)[^${OUT}]+`, "giu");
/** What ends a sentence, not an address. */
const AFTER = /[.,;:!?*_~)\]}|…。，、！？；：）】」』»”’]/u;
/** Longer addresses are for deceiving, or for data. */
const LONGEST = 2_000;

/** The text in parts; all of them together are the text again. */
export function parts(text: string): Part[] {
  const found: Part[] = [];
  let done = 0;
  for (const { 0: raw, index } of text.matchAll(LINK)) {
    const address = trimmed(raw);
    const target = targetOf(address);
    if (target === undefined) {
      continue;
    }
    if (index > done) {
      found.push({ text: text.slice(done, index) });
    }
    found.push({ text: address, ...target });
    done = index + address.length;
  }
  if (done < text.length) {
    found.push({ text: text.slice(done) });
  }
  return found;
}

/** Without the sentence's own punctuation, but with a bracket that was opened inside. */
function trimmed(address: string): string {
  const count = (sign: string) => address.split(sign).length - 1;
  let surplus = count(")") - count("(");
  let end = address.length;
  while (end > 0 && AFTER.test(address.charAt(end - 1))) {
    if (address.charAt(end - 1) === ")") {
      if (surplus <= 0) {
        break;
      }
      surplus -= 1;
    }
    end -= 1;
  }
  return address.slice(0, end);
}

/** Where an address leads; `host` if the text does not say so itself. */
function targetOf(address: string): { href: string; host?: string } | undefined {
  if (address.length > LONGEST) {
    return undefined;
  }
  let url: URL;
  try {
    url = new URL(address);
  } catch {
    return undefined;
  }
  if (url.protocol === "mailto:") {
    return /^[^@?]+@[^@?]+/.test(url.pathname) ? { href: url.href } : undefined;
  }
  if ((url.protocol !== "https:" && url.protocol !== "http:") || url.hostname === "") {
    return undefined;
  }
  return saysItsHost(address, url) ? { href: url.href } : { href: url.href, host: url.host };
}

/** `https://example.com/…` does; letters of other scripts (punycode) and `user@host` do not. */
function saysItsHost(address: string, url: URL): boolean {
  const written = address.slice(address.indexOf("//") + 2).toLowerCase();
  return url.username === "" && url.password === "" && (written === url.hostname || (written.startsWith(url.hostname) && /[:/?#]/.test(written.charAt(url.hostname.length))));
}
