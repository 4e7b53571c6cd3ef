// What a publication looks like: its text with links, JSON in short, binary by its size. Never as HTML.

import { bytes, make } from "./common.js";

const LONG = 3_000;
const LINK = /\bhttps?:\/\/[^\s<>"'`]+/gi;
const AFTER_LINK = /[.,;:!?*_~)\]}'"]+$/;

/** The text of a chat message or of a plain client; `null`: it is something else. */
export function textOf({ data, text }) {
  if (typeof text === "string") return text;
  return typeof data?.text === "string" ? data.text : null;
}

/** The inside of a message. */
export function content(message) {
  const text = textOf(message);
  if (message.redacted) return make("em", "faint", "This message was removed.");
  if (text !== null) return words(text);
  if (message.data !== undefined) return code(JSON.stringify(message.data));
  if (typeof message.base64 === "string") return make("em", "faint", `binary, ${bytes(sizeOf(message.base64))}`);
  return make("em", "faint", "a message without content");
}

function sizeOf(base64) {
  return Math.floor((base64.length * 3) / 4) - (base64.match(/=+$/)?.[0].length ?? 0);
}

function code(json) {
  return make("code", "json", json.length > 500 ? `${json.slice(0, 500)}… (${json.length} characters)` : json);
}

/** A text; a very long one is opened on demand. */
function words(text) {
  const span = make("span", "text");
  span.dir = "auto";
  if (text === "") {
    span.append(make("em", "faint", "an empty message"));
  } else if (text.length <= LONG) {
    linked(span, text);
  } else {
    linked(span, text.slice(0, LONG));
    const more = make("button", "link", `… show all ${text.length.toLocaleString()} characters`);
    more.type = "button";
    more.addEventListener("click", () => {
      span.replaceChildren();
      linked(span, text);
    });
    span.append(more);
  }
  return span;
}

/** Appends a text; addresses of the web in it become links. */
function linked(span, text) {
  let done = 0;
  for (const { 0: found, index } of text.matchAll(LINK)) {
    const address = trimmed(found);
    let url;
    try {
      url = new URL(address);
    } catch {
      continue;
    }
    if (url.protocol !== "https:" && url.protocol !== "http:") continue;
    const link = make("a", "", address);
    link.href = url.href;
    link.target = "_blank";
    link.rel = "noopener noreferrer nofollow";
    span.append(text.slice(done, index), link);
    done = index + address.length;
  }
  span.append(text.slice(done));
}

/** Without the sentence's own punctuation, but with a bracket that was opened inside. */
function trimmed(address) {
  const end = address.match(AFTER_LINK)?.[0] ?? "";
  const count = (letter) => address.split(letter).length - 1;
  const keep = end.startsWith(")") && count("(") >= count(")") ? 1 : 0;
  return address.slice(0, address.length - end.length + keep);
}
