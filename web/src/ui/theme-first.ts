// Runs before the first paint: puts on the scheme that was chosen on this device.
import { KEY, asTheme } from "./theme-order.ts";

try {
  const chosen = asTheme(localStorage.getItem(KEY));
  if (chosen !== "auto") {
    document.documentElement.dataset["theme"] = chosen;
  }
} catch {
  // Storage is forbidden: the system's scheme it is.
}
