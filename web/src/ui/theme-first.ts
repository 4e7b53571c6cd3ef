// Runs before the first paint: puts on the scheme that was chosen on this device.
try {
  const chosen = localStorage.getItem("tidewire-theme");
  if (chosen === "light" || chosen === "dark") {
    document.documentElement.dataset["theme"] = chosen;
  }
} catch {
  // Storage is forbidden: the system's scheme it is.
}
