/**
 * Views a monitor that no window shows, for its thumbnail: a viewer without input that exists only while the monitors
 * panel is open.
 */

import { h } from "../../dom.ts";
import { ViewerWorker } from "../viewer_worker.ts";

export class ThumbnailViewer {
  readonly #canvas = h("canvas", {});
  readonly #worker: ViewerWorker;
  readonly #abort = new AbortController();
  #painted = false;

  /** Throws when the browser has no 2D canvas or no workers. */
  constructor(desktop: string, monitor: number) {
    this.#worker = new ViewerWorker(desktop, monitor, this.#canvas);
    this.#worker.events.on((event) => {
      // The first verdict other than `unverified` means that the surface has been painted.
      if (event.kind === "verdict" && event.state !== "unverified") this.#painted = true;
    });
    const reportView = (): void =>
      this.#worker.setView(document.visibilityState === "visible", false, window.devicePixelRatio);
    document.addEventListener("visibilitychange", reportView, { signal: this.#abort.signal });
    reportView();
  }

  /** The monitor's surface; null until it has been painted. */
  get surface(): HTMLCanvasElement | null {
    return this.#painted ? this.#canvas : null;
  }

  close(): void {
    this.#abort.abort();
    this.#worker.close();
    // Browsers count the memory of a canvas against the page until it is collected; this frees it at once.
    this.#canvas.width = 0;
    this.#canvas.height = 0;
  }
}
