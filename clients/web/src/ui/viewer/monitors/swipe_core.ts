/**
 * A swipe to the side that means another monitor: of three fingers on the picture, where one drags and two scroll, or of one on the strip.
 * Pure; CSS px and ms.
 */

/** What comes from the right is the next one, as with pages. */
export type Swipe = "next" | "previous";

/** All fingers came within this time, or a hand came down by accident. */
const TOGETHER_MS = 250;
/** So far each finger goes, and so much more to the side than up or down. */
const FAR_PX = 40;
const STRAIGHT = 1.5;
/** Wider contacts are a palm: `PALM_PX` of touch_core.ts. */
const PALM_PX = 90;

interface Finger {
  readonly x: number;
  readonly y: number;
  dx: number;
  dy: number;
}

export class SwipeCore {
  readonly #count: number;
  readonly #fingers = new Map<number, Finger>();
  #startedAtMs = 0;
  /** Whatever follows until all fingers are up means nothing. */
  #spent = false;
  /** These fingers were never a swipe's. */
  #refused = false;

  /** `count` fingers, no more and no fewer. */
  constructor(count: number) {
    this.#count = count;
  }

  /** True when these are all fingers of a swipe, or even more: whatever else they might have meant, they mean it no longer. */
  down(id: number, x: number, y: number, sizePx: number, nowMs: number): boolean {
    if (this.#fingers.size === 0) {
      this.#startedAtMs = nowMs;
      this.#spent = false;
      this.#refused = false;
    }
    this.#fingers.set(id, { x, y, dx: 0, dy: 0 });
    if (nowMs - this.#startedAtMs > TOGETHER_MS || sizePx > PALM_PX) this.#refused = true;
    if (this.#refused || this.#fingers.size > this.#count) this.#spent = true;
    return !this.#refused && this.#fingers.size >= this.#count;
  }

  /** The swipe, once, as soon as all fingers went far enough. */
  move(id: number, x: number, y: number): Swipe | null {
    const finger = this.#fingers.get(id);
    if (finger === undefined) return null;
    finger.dx = x - finger.x;
    finger.dy = y - finger.y;
    if (this.#spent || this.#fingers.size !== this.#count) return null;
    const ways = [...this.#fingers.values()];
    const along = (sign: number): boolean =>
      ways.every(({ dx, dy }) => sign * dx >= FAR_PX && Math.abs(dx) > STRAIGHT * Math.abs(dy));
    const swipe = along(-1) ? "next" : along(1) ? "previous" : null;
    if (swipe !== null) this.#spent = true;
    return swipe;
  }

  up(id: number): void {
    this.#fingers.delete(id);
    // Two that are left of three are no swipe of two.
    this.#spent = true;
  }

  cancel(): void {
    this.#fingers.clear();
    this.#spent = true;
  }
}

/** Tells of swipes on an element. `heeds` is asked when all fingers are down, after whatever else listens to them. */
export function onSwipe(
  element: HTMLElement,
  count: number,
  signal: AbortSignal,
  heeds: () => boolean,
  swiped: (swipe: Swipe) => void,
): void {
  const core = new SwipeCore(count);
  const listen = (
    type: "pointerdown" | "pointermove" | "pointerup" | "pointercancel",
    act: (event: PointerEvent) => void,
  ): void => element.addEventListener(type, (event) => event.pointerType === "touch" && act(event), { signal });
  listen("pointerdown", (event) => {
    const { pointerId, clientX, clientY, width, height, timeStamp } = event;
    const all = core.down(pointerId, clientX, clientY, Math.max(width, height), timeStamp);
    if (all && !heeds()) core.cancel();
  });
  listen("pointermove", (event) => {
    const swipe = core.move(event.pointerId, event.clientX, event.clientY);
    if (swipe !== null) swiped(swipe);
  });
  listen("pointerup", (event) => core.up(event.pointerId));
  listen("pointercancel", () => core.cancel());
}
