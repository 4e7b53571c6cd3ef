// The switch between light, dark and what the system says.
import { useEffect, useState } from "preact/hooks";
import { KEY, type Theme, afterPress, asTheme, nameOf } from "./theme-order.ts";

const current = (): Theme => asTheme(document.documentElement.dataset["theme"]);
const systemIsDark = () => matchMedia("(prefers-color-scheme: dark)").matches;

function show(theme: Theme) {
  if (theme === "auto") {
    delete document.documentElement.dataset["theme"];
  } else {
    document.documentElement.dataset["theme"] = theme;
  }
}

function keep(theme: Theme) {
  try {
    localStorage.setItem(KEY, theme);
  } catch {
    // It holds for this page only.
  }
}

/** The scheme chosen here, or in another tab; and whether the system is dark. */
function useTheme() {
  const [theme, setTheme] = useState(current);
  const [dark, setDark] = useState(systemIsDark);
  useEffect(() => {
    const system = matchMedia("(prefers-color-scheme: dark)");
    const turned = () => setDark(system.matches);
    const elsewhere = ({ key, newValue }: StorageEvent) => {
      if (key === KEY) {
        show(asTheme(newValue));
        setTheme(current());
      }
    };
    system.addEventListener("change", turned);
    addEventListener("storage", elsewhere);
    return () => {
      system.removeEventListener("change", turned);
      removeEventListener("storage", elsewhere);
    };
  }, []);
  const choose = (next: Theme) => {
    show(next);
    keep(next);
    setTheme(next);
  };
  return { theme, dark, choose };
}

const ICONS = {
  light: <><circle cx="12" cy="12" r="4" /><path d="M12 3v1.5M12 19.5V21M3 12h1.5M19.5 12H21M5.6 5.6l1.1 1.1M17.3 17.3l1.1 1.1M5.6 18.4l1.1-1.1M17.3 6.7l1.1-1.1" /></>,
  dark: <path d="M20 14.5A8.5 8.5 0 0 1 9.5 4a8.5 8.5 0 1 0 10.5 10.5z" />,
  auto: <><circle cx="12" cy="12" r="8.5" /><path class="full" d="M12 3.5a8.5 8.5 0 0 1 0 17z" /></>,
};

export function ThemeSwitch() {
  const { theme, dark, choose } = useTheme();
  const next = afterPress(theme, dark);
  const name = nameOf(theme, next);
  return (
    <button type="button" class="theme" onClick={() => choose(next)} title={name} aria-label={name}>
      <svg viewBox="0 0 24 24" aria-hidden="true">{ICONS[theme]}</svg>
    </button>
  );
}
