// The bar at the top of every page.
import type { ComponentChildren } from "preact";
import { ThemeSwitch } from "./theme.tsx";

const PLACES = [
  { href: "/tester", label: "Tester" },
  { href: "/chat/lobby", label: "Chat" },
  { href: "/demos", label: "Demos" },
] as const;

/** The focus goes along, and the address stays: pages keep things of their own in the fragment. */
function toMain(event: Event) {
  const main = document.getElementById("main");
  if (main !== null) {
    event.preventDefault();
    main.tabIndex = -1;
    main.focus();
  }
}

/** `here`: the page's own address, marked as the current one. `children`: what the page adds at the right. */
export function Header({ here, children }: { here: string; children?: ComponentChildren }) {
  return (
    <>
      <a class="skip" href="#main" onClick={toMain}>Skip to the content</a>
      <header class="site">
        <a class="brand" href="/" aria-label="Tidewire: what runs here">
          <svg viewBox="0 0 24 24" aria-hidden="true"><path d="M2 8c3.3-3.5 6.7-3.5 10 0s6.7 3.5 10 0M2 16c3.3-3.5 6.7-3.5 10 0s6.7 3.5 10 0" /></svg>
          <span>Tidewire</span>
        </a>
        <nav aria-label="Pages">
          {PLACES.map(({ href, label }) => <a href={href} aria-current={href === here ? "page" : undefined}>{label}</a>)}
        </nav>
        {children}
        <ThemeSwitch />
      </header>
    </>
  );
}
