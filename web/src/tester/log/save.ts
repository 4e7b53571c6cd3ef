// Gives a file to the person.
export function save(file: Blob, name: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(file);
  link.download = name;
  document.body.append(link);
  link.click();
  link.remove();
  // The browser has taken it over by then.
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

/** `tidewire-2026-01-31-09-05-02`: the name of a file of now. */
export const nameOfNow = (): string => `tidewire-${new Date().toISOString().slice(0, 19).replace(/[T:]/g, "-")}`;
