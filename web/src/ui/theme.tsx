// The switch between light, dark and what the system says.
import { useState } from "preact/hooks";

type Theme = "auto" | "light" | "dark";
const NEXT: Record<Theme, Theme> = { auto: "light", light: "dark", dark: "auto" };
const KEY = "tidewire-theme";

const current = (): Theme => {
  const chosen = document.documentElement.dataset["theme"];
  return chosen === "light" || chosen === "dark" ? chosen : "auto";
};

function choose(theme: Theme) {
  if (theme === "auto") {
    delete document.documentElement.dataset["theme"];
  } else {
    document.documentElement.dataset["theme"] = theme;
  }
  try {
    localStorage.setItem(KEY, theme);
  } catch {
    // It holds for this page only.
  }
}

export function ThemeSwitch() {
  const [theme, setTheme] = useState(current);
  const turn = () => {
    const next = NEXT[theme];
    choose(next);
    setTheme(next);
  };
  return (
    <button type="button" class="small theme" onClick={turn} title="Light, dark, or as the system" aria-label={`Colours: ${theme}`}>
      {theme === "auto" ? "Auto" : theme === "light" ? "Light" : "Dark"}
    </button>
  );
}
