// The bar at the top when the page is a file: without the other pages, which are not there.
import type { ComponentChildren } from "preact";
import { ThemeSwitch } from "../ui/theme.tsx";

export function FileHeader({ children }: { children: ComponentChildren }) {
  return (
    <header class="site">
      <span class="brand grow">Tidewire tester</span>
      {children}
      <ThemeSwitch />
    </header>
  );
}
