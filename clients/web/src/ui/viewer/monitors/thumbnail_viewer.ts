/** Looks at a monitor that no window shows, for its small picture: a viewer without hands, as long as somebody looks at the overview. */

import { h } from "../../dom.ts";
import { ViewerLink } from "../viewer_worker.ts";

export class Scout {
  readonly #surface = h("canvas", {});
  readonly #link: ViewerLink;
  #shows = false;

  /** Throws when there is no 2D canvas or no worker. */
  constructor(desktop: string, monitor: number) {
    this.#link = new ViewerLink(desktop, monitor, this.#surface, (news) => {
      // From the first word about the picture on there is one.
      if (news.kind === "verdict" && news.state !== "unverified") this.#shows = true;
    });
    this.#link.view(true, false, window.devicePixelRatio);
  }

  /** What it sees; null until there is a picture. */
  get surface(): HTMLCanvasElement | null {
    return this.#shows ? this.#surface : null;
  }

  close(): void {
    this.#link.close();
    // Its pixels are given back at once: canvases are counted against a page's memory until they are collected.
    this.#surface.width = 0;
    this.#surface.height = 0;
  }
}
