// A button that opens a few more; closed by Escape, and by going elsewhere.
import type { ComponentChildren } from "preact";
import { useRef } from "preact/hooks";

export function Menu({ label, children }: { label: string; children: ComponentChildren }) {
  const box = useRef<HTMLDetailsElement>(null);
  const close = () => box.current?.removeAttribute("open");
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === "Escape" && box.current?.open === true) {
      event.stopPropagation();
      close();
      box.current.querySelector("summary")?.focus();
    }
  };
  const onFocusOut = (event: FocusEvent) => {
    // Nothing has the focus after a click on a text: that closes only when it was outside.
    if (event.relatedTarget instanceof Node && box.current?.contains(event.relatedTarget) === false) {
      close();
    }
  };
  return (
    <details ref={box} class="log-menu" onKeyDown={onKeyDown} onFocusOut={onFocusOut}>
      <summary>{label}</summary>
      <div class="log-menu-box">{children}</div>
    </details>
  );
}
