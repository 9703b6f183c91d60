/**
 * Thumbnails of a desktop's monitors, for the monitors panel.
 *
 * While the panel is open, every window of this browser that shows the desktop is asked once per second, and answers
 * with a thumbnail of its own surface. A monitor that no visible window shows gets a `ThumbnailViewer`. Nothing is
 * kept when the panel is closed.
 */

import { Emitter } from "../../emitter.ts";
import type { ShownMonitors } from "./shown_monitors.ts";
import { ThumbnailViewer } from "./thumbnail_viewer.ts";

/** Width of a thumbnail, px. */
const WIDTH_PX = 240;
/** A window that has not answered for this long, ms, is closed. */
const SILENCE_MS = 3_000;
/** Interval at which windows are asked, ms. */
const ASK_EVERY_MS = 1_000;
/** Time that windows have for their first answer before thumbnail viewers are started, ms. */
const ANSWER_WITHIN_MS = 300;

/** What windows of one browser send each other. */
type Message =
  | { readonly kind: "ask" }
  /** `live` is false while the window is hidden: the agent then sends it no frames. */
  | {
      readonly kind: "shown";
      readonly monitor: number;
      readonly live: boolean;
      readonly thumbnail: ImageData | null;
    };

export interface Thumbnail {
  /** Null until there is an image. */
  readonly image: ImageData | null;
  /** Whether a window shows this monitor. */
  readonly open: boolean;
}

interface Answer {
  readonly live: boolean;
  readonly image: ImageData | null;
  readonly atMs: number;
}

export class MonitorThumbnails {
  /** Announces that thumbnails may have changed. */
  readonly changed = new Emitter<void>();
  readonly #desktop: string;
  readonly #shown: ShownMonitors;
  readonly #channel: BroadcastChannel;
  /** The last answer for each monitor, from this window or another one. */
  readonly #answers = new Map<number, Answer>();
  /** Monitors whose answer is from this window. */
  #own: readonly number[] = [];
  readonly #viewers = new Map<number, ThumbnailViewer>();
  readonly #viewerImages = new Map<number, ImageData>();
  #monitors: readonly number[] = [];
  #mayStartViewers = false;
  #ticker: ReturnType<typeof setInterval> | undefined;
  #viewerTimer: ReturnType<typeof setTimeout> | undefined;

  /** `shown` are the monitors of this window. */
  constructor(desktop: string, shown: ShownMonitors) {
    this.#desktop = desktop;
    this.#shown = shown;
    this.#channel = new BroadcastChannel(`lightbox.monitors.${desktop}`);
    this.#channel.onmessage = (event: MessageEvent<Message>) => this.#onMessage(event.data);
  }

  get(monitor: number): Thumbnail {
    const answer = this.#recentAnswer(monitor);
    const fromViewer = this.#viewerImages.get(monitor) ?? null;
    if (answer === null) return { image: fromViewer, open: false };
    return { image: answer.live ? answer.image : (fromViewer ?? answer.image), open: true };
  }

  /** Sets the numbers of the desktop's monitors. */
  setMonitors(numbers: readonly number[]): void {
    this.#monitors = numbers;
    if (this.#mayStartViewers) this.#updateViewers();
  }

  /** This window shows other monitors than before. */
  shownChanged(): void {
    const { numbers } = this.#shown;
    for (const monitor of this.#own) if (!numbers.includes(monitor)) this.#answers.delete(monitor);
    if (this.#ticker !== undefined) this.#tick();
  }

  /** Keeps the thumbnails up to date while `on`. */
  setActive(on: boolean): void {
    clearInterval(this.#ticker);
    clearTimeout(this.#viewerTimer);
    this.#ticker = undefined;
    this.#mayStartViewers = false;
    if (!on) {
      for (const monitor of [...this.#viewers.keys()]) this.#closeViewer(monitor);
      this.#viewerImages.clear();
      this.#answers.clear();
      return;
    }
    this.#tick();
    this.#ticker = setInterval(() => this.#tick(), ASK_EVERY_MS);
    this.#viewerTimer = setTimeout(() => {
      this.#mayStartViewers = true;
      this.#updateViewers();
    }, ANSWER_WITHIN_MS);
  }

  close(): void {
    this.setActive(false);
    this.#channel.close();
  }

  #tick(): void {
    for (const answer of this.#ownAnswers()) this.#store(answer);
    this.#own = this.#shown.numbers;
    for (const [monitor, viewer] of this.#viewers) {
      const image = viewer.surface === null ? null : makeThumbnail(viewer.surface);
      if (image !== null) this.#viewerImages.set(monitor, image);
    }
    this.#channel.postMessage({ kind: "ask" } satisfies Message);
    if (this.#mayStartViewers) this.#updateViewers();
    this.changed.emit();
  }

  #onMessage(message: Message): void {
    if (message.kind === "ask") {
      for (const answer of this.#ownAnswers()) this.#channel.postMessage(answer);
      return;
    }
    if (this.#ticker === undefined) return;
    this.#store(message);
    if (message.live) this.#closeViewer(message.monitor);
    this.changed.emit();
  }

  #ownAnswers(): Extract<Message, { kind: "shown" }>[] {
    const live = document.visibilityState === "visible";
    return this.#shown.views.map(({ monitor, viewport }) => ({
      kind: "shown",
      monitor,
      live,
      thumbnail: makeThumbnail(viewport.canvas),
    }));
  }

  #store({ monitor, live, thumbnail }: Extract<Message, { kind: "shown" }>): void {
    this.#answers.set(monitor, { live, image: thumbnail, atMs: performance.now() });
  }

  #recentAnswer(monitor: number): Answer | null {
    const answer = this.#answers.get(monitor);
    return answer !== undefined && performance.now() - answer.atMs < SILENCE_MS ? answer : null;
  }

  /** Starts a viewer for each monitor that no visible window shows, and closes those of monitors that were removed. */
  #updateViewers(): void {
    for (const monitor of [...this.#viewers.keys()]) if (!this.#monitors.includes(monitor)) this.#closeViewer(monitor);
    for (const monitor of this.#monitors)
      if (!this.#viewers.has(monitor) && this.#recentAnswer(monitor)?.live !== true)
        this.#viewers.set(monitor, new ThumbnailViewer(this.#desktop, monitor));
  }

  #closeViewer(monitor: number): void {
    this.#viewers.get(monitor)?.close();
    this.#viewers.delete(monitor);
  }
}

/** Scales a surface down; null while the surface has no size. */
function makeThumbnail(surface: HTMLCanvasElement): ImageData | null {
  const { width, height } = surface;
  if (width === 0 || height === 0) return null;
  const canvas = document.createElement("canvas");
  canvas.width = Math.min(WIDTH_PX, width);
  canvas.height = Math.max(1, Math.round((height / width) * canvas.width));
  const context = canvas.getContext("2d", { alpha: false, willReadFrequently: true });
  if (context === null) return null;
  context.imageSmoothingQuality = "high";
  context.drawImage(surface, 0, 0, canvas.width, canvas.height);
  return context.getImageData(0, 0, canvas.width, canvas.height);
}
