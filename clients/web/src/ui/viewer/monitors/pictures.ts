/**
 * Small live pictures of a desktop's monitors: each window makes one of its own surface when another asks, and sends it to the windows of
 * this browser. Nothing crosses the network, and nothing is kept.
 */

/** Width of a small picture, px. */
const WIDTH_PX = 240;
/** A window that did not answer for so long is closed, ms. */
const SILENCE_MS = 3_000;
const ASK_EVERY_MS = 1_000;

type Message =
  | { readonly kind: "ask" }
  | { readonly kind: "here"; readonly monitor: number; readonly picture: ImageData | null };

interface Seen {
  readonly picture: ImageData | null;
  readonly atMs: number;
}

export class MonitorPictures {
  readonly #monitor: number;
  readonly #surface: HTMLCanvasElement;
  readonly #changed: () => void;
  readonly #channel: BroadcastChannel;
  readonly #seen = new Map<number, Seen>();
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor(desktop: string, monitor: number, surface: HTMLCanvasElement, changed: () => void) {
    this.#monitor = monitor;
    this.#surface = surface;
    this.#changed = changed;
    this.#channel = new BroadcastChannel(`lightbox.monitors.${desktop}`);
    this.#channel.onmessage = (event: MessageEvent<Message>) => this.#heard(event.data);
  }

  /** The picture of a monitor; null when it is open but shows nothing yet, undefined when no window shows it. */
  of(monitor: number): ImageData | null | undefined {
    const seen = this.#seen.get(monitor);
    return seen !== undefined && performance.now() - seen.atMs < SILENCE_MS ? seen.picture : undefined;
  }

  /** Asks once a second while somebody looks. */
  watch(on: boolean): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    if (!on) return;
    this.#ask();
    this.#timer = setInterval(() => this.#ask(), ASK_EVERY_MS);
  }

  close(): void {
    this.watch(false);
    this.#channel.close();
  }

  #ask(): void {
    this.#heard({ kind: "here", monitor: this.#monitor, picture: this.#small() });
    this.#channel.postMessage({ kind: "ask" } satisfies Message);
  }

  #heard(message: Message): void {
    if (message.kind === "ask") {
      this.#channel.postMessage({ kind: "here", monitor: this.#monitor, picture: this.#small() } satisfies Message);
      return;
    }
    this.#seen.set(message.monitor, { picture: message.picture, atMs: performance.now() });
    if (this.#timer !== undefined) this.#changed();
  }

  #small(): ImageData | null {
    const { width, height } = this.#surface;
    if (width === 0 || height === 0) return null;
    const small = document.createElement("canvas");
    small.width = Math.min(WIDTH_PX, width);
    small.height = Math.max(1, Math.round((height / width) * small.width));
    const context = small.getContext("2d", { alpha: false, willReadFrequently: true });
    if (context === null) return null;
    context.imageSmoothingQuality = "high";
    context.drawImage(this.#surface, 0, 0, small.width, small.height);
    return context.getImageData(0, 0, small.width, small.height);
  }
}
