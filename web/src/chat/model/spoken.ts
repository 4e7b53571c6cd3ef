// What a message is in words: for screen readers, and for labels.
import type { Texts } from "../texts/index.ts";
import type { Content } from "./content.ts";

const LONGEST = 200;

export function contentText(content: Content, who: string, t: Texts): string {
  switch (content.kind) {
    case "text":
      return content.text.length > LONGEST ? `${content.text.slice(0, LONGEST)}…` : content.text;
    case "image":
      return t.imageFrom(who, content.info.width, content.info.height);
    case "bytes":
      return t.bytes(String(content.blob.size));
    case "json":
      return content.json.slice(0, LONGEST);
    case "removed":
      return t.removed;
    case "empty":
      return t.emptyMessage;
  }
}
