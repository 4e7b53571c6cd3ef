// Emoji by name, `:name:` in a text, and messages of emoji alone.
import { EMOJI, type Emoji } from "./emoji-names.ts";

const BY_CODE = new Map(EMOJI.map(({ code, sign }) => [code, sign]));
for (const { sign, words } of EMOJI) {
  for (const word of words.split(" ")) {
    if (!BY_CODE.has(word)) {
      BY_CODE.set(word, sign);
    }
  }
}

/** What is looked for, the names that begin so first. */
export function search(query: string): readonly Emoji[] {
  const wanted = query.trim().toLowerCase().replace(/^:|:$/g, "").replaceAll("_", " ");
  if (wanted === "") {
    return EMOJI;
  }
  const rank = ({ sign, words }: Emoji): number => {
    const at = sign === wanted ? 0 : words.indexOf(wanted);
    return at < 0 ? 3 : at === 0 ? 0 : words[at - 1] === " " ? 1 : 2;
  };
  return EMOJI.map((emoji) => [rank(emoji), emoji] as const).filter(([at]) => at < 3).sort(([a], [b]) => a - b).map(([, emoji]) => emoji);
}

/** `:smile:` becomes the emoji; what is no name of one stays. */
export const spelled = (text: string): string =>
  text.replace(/(?<![\p{L}\p{N}:]):([a-z0-9_+-]{1,30}):(?!\/)/gu, (whole, code: string) => BY_CODE.get(code) ?? whole);

const ONE = String.raw`(?:\p{RI}\p{RI}|[0-9#*]\uFE0F?\u20E3|\p{Extended_Pictographic}[\uFE0F\p{EMod}]*(?:\u200D\p{Extended_Pictographic}[\uFE0F\p{EMod}]*)*)`;
const FEW = new RegExp(String.raw`^\s*(?:${ONE}\s*){1,6}$`, "u");
/** © ® ™ and the like are letters unless they are asked to be pictures. */
const PLAIN = /^[\s©®™↔-↪〰〽㊗㊙‼⁉ℹ]*$/u;

/** Up to six emoji and nothing else: shown larger. */
export const isOnlyEmoji = (text: string): boolean => text.length <= 120 && FEW.test(text) && !PLAIN.test(text);
