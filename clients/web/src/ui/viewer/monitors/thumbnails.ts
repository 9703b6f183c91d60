/**
 * Small live pictures of a desktop's monitors. Windows of this browser make them of their own surfaces when one asks, and send them to each
 * other; what no window shows is looked at by a scout while somebody watches. Nothing is kept.
 */

import { Scout } from "./thumbnail_viewer.ts";

/** Width of a small picture, px. */
const WIDTH_PX = 240;
/** A window that did not answer for so long is closed, ms. */
const SILENCE_MS = 3_000;
const ASK_EVERY_MS = 1_000;
/** Windows have this long to answer before a scout goes out, ms. */
const ANSWER_MS = 300;

type Message =
  | { readonly kind: "ask" }
  | { readonly kind: "here"; readonly monitor: number; readonly picture: ImageData | null };

/** `picture` is null where there is none yet. */
export interface Seen {
  readonly picture: ImageData | null;
  /** Whether a window shows this monitor. */
  readonly open: boolean;
}

export class MonitorPictures {
  readonly #desktop: string;
  readonly #changed: () => void;
  readonly #channel: BroadcastChannel;
  /** Surfaces of this window, by monitor. */
  readonly #own = new Map<number, HTMLCanvasElement>();
  readonly #heardFrom = new Map<number, { readonly picture: ImageData | null; readonly atMs: number }>();
  readonly #scouts = new Map<number, Scout>();
  readonly #scouted = new Map<number, ImageData>();
  #monitors: readonly number[] = [];
  #mayScout = false;
  #ticker: ReturnType<typeof setInterval> | undefined;
  #scoutTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(desktop: string, monitor: number, surface: HTMLCanvasElement, changed: () => void) {
    this.#desktop = desktop;
    this.#changed = changed;
    this.#own.set(monitor, surface);
    this.#channel = new BroadcastChannel(`lightbox.monitors.${desktop}`);
    this.#channel.onmessage = (event: MessageEvent<Message>) => this.#heard(event.data);
  }

  of(monitor: number): Seen {
    const heard = this.#heardFrom.get(monitor);
    if (heard !== undefined && performance.now() - heard.atMs < SILENCE_MS)
      return { picture: heard.picture, open: true };
    return { picture: this.#scouted.get(monitor) ?? null, open: false };
  }

  /** This window shows another one, too; null: no longer. */
  shows(monitor: number, surface: HTMLCanvasElement | null): void {
    if (surface === null) {
      this.#own.delete(monitor);
      this.#heardFrom.delete(monitor);
    } else this.#own.set(monitor, surface);
    if (this.#ticker !== undefined) this.#tick();
  }

  /** The desktop has these. */
  monitors(numbers: readonly number[]): void {
    this.#monitors = numbers;
    if (this.#mayScout) this.#send();
  }

  /** Asks once a second while somebody looks. */
  watch(on: boolean): void {
    clearInterval(this.#ticker);
    clearTimeout(this.#scoutTimer);
    this.#ticker = undefined;
    this.#mayScout = false;
    if (!on) {
      for (const monitor of [...this.#scouts.keys()]) this.#recall(monitor);
      this.#scouted.clear();
      return;
    }
    this.#tick();
    this.#ticker = setInterval(() => this.#tick(), ASK_EVERY_MS);
    this.#scoutTimer = setTimeout(() => {
      this.#mayScout = true;
      this.#send();
    }, ANSWER_MS);
  }

  close(): void {
    this.watch(false);
    this.#channel.close();
  }

  #tick(): void {
    const atMs = performance.now();
    for (const [monitor, surface] of this.#own) this.#heardFrom.set(monitor, { picture: small(surface), atMs });
    for (const [monitor, scout] of this.#scouts) {
      const picture = scout.surface === null ? null : small(scout.surface);
      if (picture !== null) this.#scouted.set(monitor, picture);
    }
    this.#channel.postMessage({ kind: "ask" } satisfies Message);
    if (this.#mayScout) this.#send();
    this.#changed();
  }

  #heard(message: Message): void {
    if (message.kind === "ask") {
      for (const [monitor, surface] of this.#own)
        this.#channel.postMessage({ kind: "here", monitor, picture: small(surface) } satisfies Message);
      return;
    }
    this.#heardFrom.set(message.monitor, { picture: message.picture, atMs: performance.now() });
    this.#recall(message.monitor);
    if (this.#ticker !== undefined) this.#changed();
  }

  /** Scouts to all that nobody shows; none to those that are gone. */
  #send(): void {
    for (const monitor of [...this.#scouts.keys()]) if (!this.#monitors.includes(monitor)) this.#recall(monitor);
    for (const monitor of this.#monitors)
      if (!this.#scouts.has(monitor) && !this.of(monitor).open)
        this.#scouts.set(monitor, new Scout(this.#desktop, monitor));
  }

  #recall(monitor: number): void {
    this.#scouts.get(monitor)?.close();
    this.#scouts.delete(monitor);
  }
}

/** null where the surface has no picture yet. */
function small(surface: HTMLCanvasElement): ImageData | null {
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
