/**
 * Sends wheel turns and touchpad gestures on the surface.
 *
 * A pinch becomes Ctrl + wheel, which zooms in the desktop's programs. Engines report a pinch as a wheel
 * event with the flag Ctrl although no key is down, so that a pinch without a held Ctrl on the desktop would
 * page through a stack. Enlarging the page's own view instead was rejected: a radiologist wants the program's
 * zoom, which shows more detail.
 */

import type { InputSink, Locate } from "./input_sink.ts";
import { KEYSYM } from "./keysym.ts";
import { mayBePinch, pinchPixels, WheelCore, type WheelInput, type WheelPlatform } from "./wheel_core.ts";

/** `code` of the Ctrl key that a pinch holds; it differs from all keys of a keyboard. */
export const PINCH_CODE = "PinchControl";

export interface WheelHooks {
  /** Receives the event's modifier flags, so that no modifier stays pressed by mistake. */
  syncModifiers(event: MouseEvent): void;
  /** Returns whether Ctrl is pressed on the desktop. */
  controlHeld(): boolean;
}

/** WebKit's gesture events, which Safari fires for a pinch on a touchpad. */
interface GestureEvent extends UIEvent {
  readonly scale: number;
  readonly clientX: number;
  readonly clientY: number;
}

export class WheelListener {
  readonly #sink: InputSink;
  readonly #locate: Locate;
  readonly #hooks: WheelHooks;
  readonly #core: WheelCore;
  /** Scale of the gesture so far; null while no gesture is active. */
  #gestureScale: number | null = null;

  constructor(
    target: HTMLElement,
    sink: InputSink,
    locate: Locate,
    hooks: WheelHooks,
    platform: WheelPlatform,
    signal: AbortSignal,
  ) {
    this.#sink = sink;
    this.#locate = locate;
    this.#hooks = hooks;
    this.#core = new WheelCore(platform);
    const options = { signal, passive: false };
    target.addEventListener("wheel", (event) => this.#turned(event), options);
    // On touch screens fingers fire gesture events as well; there pointer events are used.
    if (navigator.maxTouchPoints > 0) return;
    target.addEventListener("gesturestart", (event) => this.#gesture(event as GestureEvent, "start"), options);
    target.addEventListener("gesturechange", (event) => this.#gesture(event as GestureEvent, "change"), options);
    target.addEventListener("gestureend", (event) => this.#gesture(event as GestureEvent, "end"), options);
  }

  /** Forgets fractions of notches. */
  reset(): void {
    this.#core.reset();
    this.#gestureScale = null;
  }

  #turned(event: WheelEvent): void {
    event.preventDefault();
    const input = inputOf(event);
    if (event.ctrlKey && !this.#hooks.controlHeld()) {
      // The gesture events of the same pinch are used instead.
      if (this.#gestureScale !== null) return;
      if (mayBePinch(input)) this.#zoom(event.clientX, event.clientY, this.#core.pinch(input.deltaY));
      else this.#zoom(event.clientX, event.clientY, this.#core.turn(input, event.timeStamp).dy);
      return;
    }
    this.#hooks.syncModifiers(event);
    const { dx, dy } = this.#core.turn(input, event.timeStamp);
    if (dx !== 0 || dy !== 0) this.#sink.send({ type: "wheel", ...this.#locate(event.clientX, event.clientY), dx, dy });
  }

  #gesture(event: GestureEvent, phase: "start" | "change" | "end"): void {
    event.preventDefault();
    const before = this.#gestureScale ?? 1;
    this.#gestureScale = phase === "end" ? null : event.scale;
    if (phase === "change")
      this.#zoom(event.clientX, event.clientY, this.#core.pinch(pinchPixels(event.scale / before)));
  }

  /** Scrolls while Ctrl is held on the desktop. */
  #zoom(clientX: number, clientY: number, dy: number): void {
    if (dy === 0) return;
    const control = { type: "key", keysym: KEYSYM.control, code: PINCH_CODE } as const;
    this.#sink.send({ ...control, down: true });
    this.#sink.send({ type: "wheel", ...this.#locate(clientX, clientY), dx: 0, dy });
    this.#sink.send({ ...control, down: false });
  }
}

function inputOf(event: WheelEvent): WheelInput {
  // In Firefox, reading deltaMode before the deltas makes it report lines, which are exact notches, instead
  // of pixels.
  const deltaMode = event.deltaMode;
  const legacy = event as WheelEvent & { readonly wheelDeltaX?: number; readonly wheelDeltaY?: number };
  return {
    deltaMode,
    deltaX: event.deltaX,
    deltaY: event.deltaY,
    ...(legacy.wheelDeltaX === undefined ? {} : { wheelDeltaX: legacy.wheelDeltaX }),
    ...(legacy.wheelDeltaY === undefined ? {} : { wheelDeltaY: legacy.wheelDeltaY }),
  };
}
