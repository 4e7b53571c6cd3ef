// What a link did to the form, and what is held back from a server that a link named.
import { useStore } from "../store.ts";
import type { Tester } from "../tester.ts";

const LEFT = {
  url: "A link named a URL of more than 8,192 characters: it was not taken.",
  message: "The link's message is longer than 65,536 characters: it was left out.",
} as const;

export function FromLink({ tester }: { tester: Tester }) {
  const link = useStore(tester.fromLink);
  useStore(tester.settings);
  useStore(tester.extra);
  useStore(tester.access);
  const { withheld } = tester;
  return (
    <>
      {link !== undefined && (link.url !== undefined || link.message !== undefined) &&
        <p class="warn">A link filled this form. Look at it; nothing is connected or sent before you press the button.</p>}
      {link?.left !== undefined && <p class="warn">{LEFT[link.left]}</p>}
      {withheld.length > 0 && (
        <p class="note"><span>Not for this server, as a link named it: {withheld.join(", ")}.</span>
          <button type="button" class="small start" onClick={() => tester.settings.patch({ linked: "" })}>Use them here, too</button></p>
      )}
    </>
  );
}
