// The page's keys, and the dialog that lists them.
import { useEffect, useRef } from "preact/hooks";
import { useStore } from "./store.ts";
import type { Tester } from "./tester.ts";

const LIST: readonly [keys: string[], about: string][] = [
  [["Enter"], "in the URL: connect"],
  [["Esc"], "in the connection: disconnect, or stop trying"],
  [["Ctrl", "Enter"], "in the message: send (⌘ on a Mac)"],
  [["↑"], "at the beginning of the message: an earlier one"],
  [["↓"], "at its end: a later one"],
  [["u"], "go to the URL"],
  [["m"], "go to the message"],
  [["l"], "go to the log"],
  [["/"], "search in the log"],
  [["p"], "show or hide the panels"],
  [["?"], "this list"],
];

const isTyping = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName) && !/^(checkbox|radio|button)$/.test((target as HTMLInputElement).type));

const PLACES = { u: "#url", m: "#message", l: ".log-list", "/": ".log-search input" } as const;

/** Where focus goes by a key. */
function go(where: keyof typeof PLACES): void {
  document.querySelector<HTMLElement>(PLACES[where])?.focus();
}

export function Keys({ tester }: { tester: Tester }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const { keys } = useStore(tester.settings);
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target) || dialog.current?.open === true || !tester.settings.value.keys) {
        return;
      }
      if (event.key === "?") {
        dialog.current?.showModal();
      } else if (event.key === "p") {
        tester.settings.patch({ panels: !tester.settings.value.panels });
      } else if (event.key === "u" || event.key === "m" || event.key === "l" || event.key === "/") {
        go(event.key);
      } else {
        return;
      }
      event.preventDefault();
    };
    document.addEventListener("keydown", press);
    return () => document.removeEventListener("keydown", press);
  }, []);
  return (
    <>
      <button type="button" class="small desktop" aria-haspopup="dialog" onClick={() => dialog.current?.showModal()}>Keys</button>
      <dialog ref={dialog} aria-labelledby="keys-title" class="keys">
        <h2 id="keys-title">Keys</h2>
        <dl>{LIST.map(([names, about]) => (
          <div key={about}><dt>{names.map((name, at) => <span key={name}>{at > 0 && " + "}<kbd>{name}</kbd></span>)}</dt><dd>{about}</dd></div>
        ))}</dl>
        <label class="check"><input type="checkbox" checked={keys} onChange={(event) => tester.settings.patch({ keys: event.currentTarget.checked })} />Single keys do something</label>
        <form method="dialog"><button type="submit" class="main">Close</button></form>
      </dialog>
    </>
  );
}
