// What a press on the theme switch does, and how the switch is called.

export type Theme = "auto" | "light" | "dark";

/** Where the choice is kept. */
export const KEY = "tidewire-theme";

/** What is kept, or anything else, as a theme. */
export const asTheme = (kept: string | null | undefined): Theme => (kept === "light" || kept === "dark" ? kept : "auto");

/** From the system's scheme to the other one first: a press that changes nothing would look broken. */
export function afterPress(theme: Theme, systemIsDark: boolean): Theme {
  const [other, same] = systemIsDark ? (["light", "dark"] as const) : (["dark", "light"] as const);
  return theme === "auto" ? other : theme === other ? same : "auto";
}

const WORDS: Record<Theme, string> = { auto: "as the system", light: "light", dark: "dark" };

/** Says what is, and what a press does. */
export const nameOf = (theme: Theme, next: Theme): string => `Colours: ${WORDS[theme]}. Press for ${WORDS[next]}`;
