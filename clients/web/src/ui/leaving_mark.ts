/**
 * Remembers in this browser that the person signs out or locks the screen, and the server has not confirmed it: other
 * windows, and a page that is loaded again, must not show that person's desktops meanwhile.
 */

export type Leaving = "sign-out" | "lock";

const NAME = "lightbox.leaving";

/** Used where the browser's storage is forbidden or full: then only this window knows. */
let memory: Leaving | null = null;

export function markLeaving(leaving: Leaving | null): void {
  memory = leaving;
  try {
    if (leaving !== null) localStorage.setItem(NAME, leaving);
    else localStorage.removeItem(NAME);
  } catch {
    return; // `memory` has the value.
  }
}

export function leavingMark(): Leaving | null {
  try {
    return known(localStorage.getItem(NAME)) ?? memory;
  } catch {
    return memory;
  }
}

/** Calls the listener when the mark was set or removed in another window. */
export function watchLeaving(changed: (leaving: Leaving | null) => void): void {
  window.addEventListener("storage", (event) => {
    if (event.key === NAME) changed(known(event.newValue));
  });
}

function known(value: string | null): Leaving | null {
  return value === "sign-out" || value === "lock" ? value : null;
}
