// What both pages share: making elements, copying to the clipboard, and small things that the browser keeps.

/** The element with that id. */
export const $ = (id) => document.getElementById(id);

/** An element with a class and a text. What others wrote gets into the page only this way: as text. */
export function make(tag, className = "", text = "") {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text) element.textContent = text;
  return element;
}

/** A number of bytes for people. */
export function bytes(n) {
  if (n < 1024) return `${n} B`;
  return n < 1 << 20 ? `${(n / 1024).toFixed(1)} KiB` : `${(n / (1 << 20)).toFixed(1)} MiB`;
}

/** Copies a text; `false` if the browser does not let us. */
export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // No clipboard on pages that came over plain http from another machine: the old way.
    const field = make("textarea", "sr");
    field.value = text;
    document.body.append(field);
    field.select();
    const done = document.execCommand("copy");
    field.remove();
    return done;
  }
}

/** Makes a button copy what `text()` gives, and say so for a moment. */
export function copies(button, text) {
  const label = button.textContent;
  let timer;
  button.addEventListener("click", async () => {
    button.textContent = (await copy(text())) ? "Copied" : "Press Ctrl+C";
    clearTimeout(timer);
    timer = setTimeout(() => (button.textContent = label), 1500);
  });
}

/** A storage of the browser that may be switched off: then nothing is kept, and nothing fails. */
function keeper(storage) {
  return {
    get(name) {
      try {
        return storage().getItem(name);
      } catch {
        return null;
      }
    },
    set(name, value) {
      try {
        if (value === null) storage().removeItem(name);
        else storage().setItem(name, value);
      } catch {
        // It lives as long as the page.
      }
    },
  };
}

/** Kept for all tabs, until it is cleared. */
export const lasting = keeper(() => localStorage);
/** Kept for this tab, over reloads. */
export const ofTab = keeper(() => sessionStorage);
