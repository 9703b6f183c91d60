/** Reports what happens to the page's window and to the device's network. */

export interface PageLifecycleListener {
  /** Called when key and button releases may go unnoticed from now on: what is held must be released. */
  inputInterrupted(): void;
  /** Called when the connection may be broken or possible again: the network changed, or the page became visible. */
  networkMayHaveChanged(): void;
  windowFocused(): void;
}

/** Calls the listener until `signal` aborts. */
export function watchPageLifecycle(listener: PageLifecycleListener, signal: AbortSignal): void {
  const interrupted = (): void => listener.inputInterrupted();
  const network = (): void => listener.networkMayHaveChanged();
  window.addEventListener("blur", interrupted, { signal });
  window.addEventListener("pagehide", interrupted, { signal });
  // Turning a tablet ends touches and key presses without an event.
  screen.orientation?.addEventListener?.("change", interrupted, { signal });
  document.addEventListener(
    "visibilitychange",
    () => (document.visibilityState === "hidden" ? interrupted() : network()),
    { signal },
  );
  window.addEventListener("online", network, { signal });
  // From one Wi-Fi network to another, or to the mobile network: the old connection breaks without a message.
  const { connection } = navigator as Navigator & { readonly connection?: EventTarget };
  connection?.addEventListener("change", network, { signal });
  window.addEventListener("focus", () => listener.windowFocused(), { signal });
}

/**
 * Lets the browser ask before the window is closed or shows another address while `shown` returns true, until `signal`
 * aborts.
 *
 * Browsers ask with a text of their own, and only people who have used the page. Safari on iPadOS never asks.
 */
export function askBeforeUnload(shown: () => boolean, signal: AbortSignal): void {
  window.addEventListener(
    "beforeunload",
    (event) => {
      if (shown()) event.preventDefault();
    },
    { signal },
  );
}
