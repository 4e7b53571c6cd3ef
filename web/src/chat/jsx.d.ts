// The component as an element of JSX.
import type { JSX } from "preact";

declare module "preact" {
  namespace JSX {
    interface IntrinsicElements {
      "tidewire-chat": JSX.HTMLAttributes<HTMLElement> & { room?: string; server?: string };
    }
  }
}
