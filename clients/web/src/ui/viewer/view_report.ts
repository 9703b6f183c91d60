/** Reports to the agent how a surface is displayed. */

import type { Viewport } from "./viewport.ts";

/** Receives whether the page is visible, whether the surface is displayed 1:1, and the device px per CSS px. */
export interface ViewReceiver {
  setView(visible: boolean, oneToOne: boolean, ratio: number): void;
}

/**
 * Reports the view now and whenever it changes, until `signal` aborts.
 *
 * The agent sends no frames to a viewer whose page is hidden, and does not call a scaled surface exact.
 */
export function reportView(viewport: Viewport, receiver: ViewReceiver, signal: AbortSignal): void {
  const report = (): void => {
    const { oneToOne, ratio } = viewport.state;
    receiver.setView(document.visibilityState === "visible", oneToOne, ratio);
  };
  viewport.changes.on(report);
  document.addEventListener("visibilitychange", report, { signal });
  report();
}
