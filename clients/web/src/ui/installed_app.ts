/**
 * What the client does as an installed app: a service worker shows a page of our own while the server cannot be reached,
 * because a window without the browser's controls has no button to load the page again.
 */

import { pathTo } from "../base.ts";

/** Windows without the browser's controls. */
const INSTALLED = "(display-mode: standalone), (display-mode: minimal-ui), (display-mode: window-controls-overlay)";

/** Prepares the offline page in an installed app, and when the person installs it. A tab in a browser stores nothing. */
export function prepareInstalledApp(): void {
  window.addEventListener("appinstalled", registerServiceWorker);
  if (matchMedia(INSTALLED).matches) registerServiceWorker();
}

function registerServiceWorker(): void {
  // Private windows have none, and a browser that distrusts the certificate refuses: then there is no offline page.
  void navigator.serviceWorker?.register(pathTo("service_worker.js"), { scope: pathTo("") }).catch((error: unknown) => {
    console.info("no offline page:", String(error));
  });
}
