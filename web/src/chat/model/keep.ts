// Small things that the browser keeps; where storage is forbidden, they live as long as the page.

export interface Store {
  get(name: string): string | null;
  /** `null` takes it away. Gives whether it is kept. */
  set(name: string, value: string | null): boolean;
}

export function store(storage: () => Pick<Storage, "getItem" | "setItem" | "removeItem">): Store {
  const here = new Map<string, string>();
  return {
    get(name) {
      try {
        return storage().getItem(name) ?? here.get(name) ?? null;
      } catch {
        return here.get(name) ?? null;
      }
    },
    set(name, value) {
      here.delete(name);
      try {
        if (value === null) {
          storage().removeItem(name);
        } else {
          storage().setItem(name, value);
        }
        return true;
      } catch {
        try {
          // Full: what was there is not true any more.
          storage().removeItem(name);
        } catch {
          // Forbidden: nothing is there.
        }
        if (value !== null) {
          here.set(name, value);
        }
        return false;
      }
    },
  };
}

/** For all tabs, until it is cleared. */
export const lasting = store(() => localStorage);
/** For this tab, over reloads. */
export const ofTab = store(() => sessionStorage);
