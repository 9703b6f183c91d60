/**
 * Recognises the sideways swipe that switches monitors: with three fingers on the surface, where one finger drags
 * and two scroll, or with one finger on the monitor strip. Pure; CSS px and ms.
 */

/** A swipe to the left shows the next monitor, as with pages. */
export type Swipe = "next" | "previous";

/** All fingers touch within this time, ms; otherwise the hand came down by accident. */
const TOGETHER_MS = 250;
/** Distance that each finger moves sideways at least, CSS px. */
const MIN_DISTANCE_PX = 40;
/** Sideways distance per vertical distance that each finger keeps at least. */
const MIN_STRAIGHTNESS = 1.5;
/** Contacts wider than this are a palm, CSS px; the same as `PALM_PX` in touch_core.ts. */
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
  /** No swipe can come any more before all fingers are lifted. */
  #spent = false;
  /** These contacts cannot be a swipe: a palm, or fingers that came down one after the other. */
  #refused = false;

  /** Recognises swipes of exactly `count` fingers. */
  constructor(count: number) {
    this.#count = count;
  }

  /**
   * Handles a finger that comes down.
   *
   * Returns true when at least `count` fingers are down together: other gestures must then ignore these fingers.
   */
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

  /** Handles a finger that moves. Returns the swipe once, as soon as all fingers have moved far enough. */
  move(id: number, x: number, y: number): Swipe | null {
    const finger = this.#fingers.get(id);
    if (finger === undefined) return null;
    finger.dx = x - finger.x;
    finger.dy = y - finger.y;
    if (this.#spent || this.#fingers.size !== this.#count) return null;
    const fingers = [...this.#fingers.values()];
    const allMoved = (sign: number): boolean =>
      fingers.every(({ dx, dy }) => sign * dx >= MIN_DISTANCE_PX && Math.abs(dx) > MIN_STRAIGHTNESS * Math.abs(dy));
    const swipe = allMoved(-1) ? "next" : allMoved(1) ? "previous" : null;
    if (swipe !== null) this.#spent = true;
    return swipe;
  }

  up(id: number): void {
    this.#fingers.delete(id);
    // Two fingers that remain of three must not become a two-finger swipe.
    this.#spent = true;
  }

  cancel(): void {
    this.#fingers.clear();
    this.#spent = true;
  }
}

/**
 * Calls `onSwipe` for each swipe with `count` fingers on an element, until `signal` aborts.
 *
 * `mayStart` is called when all fingers are down, after the other listeners of the element; the swipe is dropped
 * when it returns false.
 */
export function listenForSwipes(
  element: HTMLElement,
  count: number,
  signal: AbortSignal,
  mayStart: () => boolean,
  onSwipe: (swipe: Swipe) => void,
): void {
  const core = new SwipeCore(count);
  const listen = (
    type: "pointerdown" | "pointermove" | "pointerup" | "pointercancel",
    handle: (event: PointerEvent) => void,
  ): void => element.addEventListener(type, (event) => event.pointerType === "touch" && handle(event), { signal });
  listen("pointerdown", (event) => {
    const { pointerId, clientX, clientY, width, height, timeStamp } = event;
    const complete = core.down(pointerId, clientX, clientY, Math.max(width, height), timeStamp);
    if (complete && !mayStart()) core.cancel();
  });
  listen("pointermove", (event) => {
    const swipe = core.move(event.pointerId, event.clientX, event.clientY);
    if (swipe !== null) onSwipe(swipe);
  });
  listen("pointerup", (event) => core.up(event.pointerId));
  listen("pointercancel", () => core.cancel());
}
