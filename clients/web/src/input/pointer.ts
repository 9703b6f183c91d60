/**
 * Sends mouse, pen and touch input on the surface. Each event is sent from its own handler, without waiting
 * for a frame.
 */

import { WHEEL_MAX } from "../protocol/generated/wire_facts.ts";
import type { InputSink, Locate } from "./input_sink.ts";
import { PointerCore, protocolButtons } from "./pointer_core.ts";
import { type Contact, type TouchAction, TouchCore } from "./touch_core.ts";
import type { Gesture, TouchMode } from "./touch_table.ts";
import { DEFAULT_FINGER, type FingerSettings, notchPx, windowGain } from "./touch_tools.ts";
import { WheelListener } from "./wheel.ts";
import { UNITS_PER_NOTCH, WheelCore } from "./wheel_core.ts";

/** Most notches in one message: its range is limited. */
const NOTCHES_PER_MESSAGE = Math.floor(WHEEL_MAX / UNITS_PER_NOTCH);

export interface PointerHooks {
  /** Called when the surface was pressed, so that it can take the keyboard focus. */
  pressed(event: PointerEvent): void;
  /** Receives the event's modifier flags, so that no modifier stays pressed by mistake. */
  syncModifiers(event: MouseEvent): void;
  /** Returns whether Ctrl is pressed on the desktop. */
  controlHeld(): boolean;
  /**
   * Called when touch moved the desktop's pointer, in monitor px; a finger has no cursor of its own, so the
   * page draws one.
   */
  touchCursorMoved(x: number, y: number): void;
  /** Called when a mouse or a pen was used, which have cursors of their own. */
  mouseOrPenMoved(): void;
  /** Called when the touch gesture changed. `finger` is the page position of the leading finger. */
  gestureChanged(gesture: Gesture, finger: { readonly x: number; readonly y: number } | null): void;
  /**
   * Returns whether a page position is on the surface. Gestures may start beside the surface, but press
   * nothing there.
   */
  isOnSurface(clientX: number, clientY: number): boolean;
  /** Pans the view by dxPx, dyPx and zooms it by `factor` around x, y, all in CSS px of the page. */
  panAndZoom(x: number, y: number, dxPx: number, dyPx: number, factor: number): void;
  /** Returns the monitor's size in px and how many monitor px one CSS px of the page covers. */
  monitorScale(): { readonly width: number; readonly height: number; readonly perCssPx: number };
}

export class PointerInput {
  readonly #target: HTMLElement;
  readonly #touchArea: HTMLElement;
  readonly #sink: InputSink;
  readonly #locate: Locate;
  readonly #hooks: PointerHooks;
  readonly #pointer = new PointerCore();
  /** Converts two-finger scrolls of a touch screen. */
  readonly #scroll = new WheelCore();
  readonly #wheel: WheelListener;
  readonly #touch: TouchCore;
  readonly #abort = new AbortController();
  #rawAtMs = Number.NEGATIVE_INFINITY;
  #finger: FingerSettings = DEFAULT_FINGER;
  #touchTimer: ReturnType<typeof setTimeout> | undefined;
  #shown: Gesture = "idle";
  /** Whether the current press began beside the surface. */
  #pressedOutside = false;
  /** Pointer position in monitor px, with fractions for slow movements in trackpad mode. */
  #cursor = { x: 0, y: 0 };

  /**
   * `target` is the surface, for mouse and pen; `touchArea` surrounds it and also receives touch gestures.
   */
  constructor(
    target: HTMLElement,
    touchArea: HTMLElement,
    sink: InputSink,
    locate: Locate,
    mode: TouchMode,
    hooks: PointerHooks,
  ) {
    this.#target = target;
    this.#touchArea = touchArea;
    this.#touch = new TouchCore(mode);
    this.#sink = sink;
    this.#locate = locate;
    this.#hooks = hooks;
    const { signal } = this.#abort;
    const on = <K extends keyof HTMLElementEventMap>(
      type: K,
      listen: (event: HTMLElementEventMap[K]) => void,
    ): void => {
      target.addEventListener(type, listen, { signal, passive: false });
    };
    const pointer = (
      type: "pointerdown" | "pointerup" | "pointermove" | "pointercancel",
      listen: (event: PointerEvent) => void,
    ): void => {
      const mine = (event: PointerEvent): void => {
        if (event.pointerType === "touch" || event.target === target) listen(event);
      };
      touchArea.addEventListener(type, mine, { signal, passive: false });
    };
    pointer("pointerdown", (event) => this.#down(event));
    pointer("pointerup", (event) => this.#up(event));
    pointer("pointermove", (event) => this.#moved(event));
    pointer("pointercancel", (event) => this.#cancelled(event));
    on("lostpointercapture", (event) => this.#lostCapture(event));
    on("contextmenu", (event) => event.preventDefault());
    on("dragstart", (event) => event.preventDefault());
    // The middle button would start the autoscroll of Firefox and Windows; the back and forward buttons would
    // leave the page.
    on("mousedown", (event) => event.preventDefault());
    on("mouseup", (event) => event.preventDefault());
    on("auxclick", (event) => event.preventDefault());
    const platform = { mac: /Mac/.test(navigator.userAgent), ratio: () => window.devicePixelRatio };
    this.#wheel = new WheelListener(target, sink, locate, hooks, platform, signal);
    // Raw events come at the mouse's own rate instead of once per frame. Browsers without them fire
    // pointermove.
    target.addEventListener("pointerrawupdate", (event) => this.#moved(event as PointerEvent), { signal });
  }

  /** The current touch gesture. */
  get gesture(): Gesture {
    return this.#touch.gesture;
  }

  get touchMode(): TouchMode {
    return this.#touch.mode;
  }

  set touchMode(mode: TouchMode) {
    this.#performAll(this.#touch.choose(mode), performance.now());
  }

  /** The button that taps and drags press, as in PROTOCOL.md. */
  set touchButton(button: number) {
    this.#touch.button = button;
  }

  /** What one moving finger does; a gesture that has begun goes on as it began. */
  set finger(settings: FingerSettings) {
    this.#finger = settings;
    this.#touch.tool = settings.tool;
    this.#touch.windowGain = windowGain(settings.window);
  }

  /** Whether two fingers pan the view instead of turning the wheel. */
  set pannable(pannable: boolean) {
    this.#touch.pannable = pannable;
  }

  /** Takes over the position to which the desktop itself moved the pointer, in monitor px. */
  setCursor(x: number, y: number): void {
    this.#cursor = { x, y };
  }

  /** Ignores the fingers that are down until all of them are lifted. */
  ignoreTouches(): void {
    this.#performAll(this.#touch.ignoreTouches(), performance.now());
  }

  /**
   * Marks all buttons as released without sending anything: the caller sends `release`. Returns whether one
   * was held.
   */
  forget(): boolean {
    clearTimeout(this.#touchTimer);
    this.#touch.cancel();
    this.#pressedOutside = false;
    this.#reportGesture();
    this.#scroll.reset();
    this.#wheel.reset();
    return this.#pointer.forget();
  }

  close(): void {
    clearTimeout(this.#touchTimer);
    this.#abort.abort();
  }

  #down(event: PointerEvent): void {
    event.preventDefault();
    this.#target.setPointerCapture(event.pointerId);
    if (event.pointerType === "touch") {
      this.#touch.notchPx = notchPx(this.#touchArea.offsetHeight, this.#finger.scroll);
      this.#performAll(this.#touch.down(contact(event), event.timeStamp), event.timeStamp);
    } else {
      this.#mouseOrPenUsed(event);
      this.#hooks.syncModifiers(event);
      this.#sendAtClient(event.clientX, event.clientY, protocolButtons(event.buttons));
    }
    this.#hooks.pressed(event);
  }

  #up(event: PointerEvent): void {
    event.preventDefault();
    if (event.pointerType === "touch") {
      this.#performAll(this.#touch.up(event.pointerId, event.timeStamp), event.timeStamp);
    } else {
      this.#sendAtClient(event.clientX, event.clientY, protocolButtons(event.buttons));
    }
  }

  #moved(event: PointerEvent): void {
    if (event.pointerType === "touch") {
      // The raw event is repeated as a frame-aligned event; only the latter is used.
      if (event.type === "pointermove") this.#fingerMoved(event);
      return;
    }
    this.#mouseOrPenUsed(event);
    // The frame-aligned event repeats the raw ones; its older points would move the pointer back.
    if (event.type === "pointerrawupdate") this.#rawAtMs = event.timeStamp;
    else if (event.timeStamp <= this.#rawAtMs && protocolButtons(event.buttons) === this.#pointer.buttons) return;
    // While something is dragged or drawn every point matters; otherwise only the latest position does.
    if (event.buttons !== 0) {
      for (const point of event.getCoalescedEvents?.() ?? []) {
        if (event.type === "pointermove" && point.timeStamp <= this.#rawAtMs) continue;
        this.#sendAtClient(point.clientX, point.clientY, protocolButtons(event.buttons));
      }
    }
    this.#sendAtClient(event.clientX, event.clientY, protocolButtons(event.buttons));
  }

  #cancelled(event: PointerEvent): void {
    if (event.pointerType === "touch") this.#performAll(this.#touch.cancel(), event.timeStamp);
    else this.#releaseButtons();
  }

  /**
   * Handles the loss of pointer capture without a `pointerup`: the browser gave the pointer to something
   * else.
   */
  #lostCapture(event: PointerEvent): void {
    if (event.pointerType !== "touch" && event.buttons === 0) this.#releaseButtons();
  }

  /** Releases all buttons at the last position. WebKit reports 0, 0 as the position of capture events. */
  #releaseButtons(): void {
    const { x, y } = this.#pointer.last;
    if (this.#pointer.forget()) this.#sink.send({ type: "pointer", x, y, buttons: 0 });
  }

  #sendAtClient(clientX: number, clientY: number, buttons: number): void {
    const { x, y } = this.#locate(clientX, clientY);
    this.#sendAt(x, y, buttons);
  }

  #sendAt(x: number, y: number, buttons: number): void {
    this.#cursor = { x: x + 0.5, y: y + 0.5 };
    this.#sendPosition(x, y, buttons);
  }

  #sendPosition(x: number, y: number, buttons: number): void {
    const change = this.#pointer.update({ x, y, buttons });
    if (change === "motion") this.#sink.sendMotion(x, y, buttons);
    else if (change === "press") this.#sink.send({ type: "pointer", x, y, buttons });
  }

  // ── touch ────────────────────────────────────────────────────────────────────────────────────────────────

  /** While a pen is near the screen, touches come from the hand that holds it, so they are ignored. */
  #mouseOrPenUsed(event: PointerEvent): void {
    if (event.pointerType === "pen") this.#performAll(this.#touch.pen(event.timeStamp), event.timeStamp);
    this.#hooks.mouseOrPenMoved();
  }

  #fingerMoved(event: PointerEvent): void {
    // While something is dragged every point matters.
    const points = this.#touch.gesture === "drag" ? (event.getCoalescedEvents?.() ?? []) : [];
    const actions = points.flatMap((point) => this.#touch.move(contact(point), point.timeStamp));
    this.#performAll([...actions, ...this.#touch.move(contact(event), event.timeStamp)], event.timeStamp);
  }

  /** Performs the actions of the touch core and schedules its next timer. */
  #performAll(actions: readonly TouchAction[], nowMs: number): void {
    for (const action of actions) this.#perform(action);
    this.#reportGesture();
    clearTimeout(this.#touchTimer);
    const waitMs = this.#touch.timerDelay(nowMs);
    if (waitMs === null) return;
    this.#touchTimer = setTimeout(() => {
      const laterMs = performance.now();
      this.#performAll(this.#touch.handleTimer(laterMs), laterMs);
    }, waitMs + 1);
  }

  #perform(action: TouchAction): void {
    if (action.kind === "view") {
      this.#hooks.panAndZoom(action.x, action.y, action.dxPx, action.dyPx, action.factor);
      return;
    }
    if (action.kind === "move-by") {
      const { width, height, perCssPx } = this.#hooks.monitorScale();
      this.#cursor = {
        x: Math.max(0, Math.min(width - 0.01, this.#cursor.x + action.dxPx * perCssPx)),
        y: Math.max(0, Math.min(height - 0.01, this.#cursor.y + action.dyPx * perCssPx)),
      };
      const x = Math.floor(this.#cursor.x);
      const y = Math.floor(this.#cursor.y);
      this.#hooks.touchCursorMoved(x, y);
      this.#sendPosition(x, y, this.#pointer.buttons);
      return;
    }
    const current = { x: Math.floor(this.#cursor.x), y: Math.floor(this.#cursor.y) };
    const { x, y } = action.at === null ? current : this.#locate(action.at.x, action.at.y);
    if (action.kind === "buttons") {
      if (action.at !== null && action.buttons !== 0 && this.#pointer.buttons === 0 && !this.#pressedOutside)
        this.#pressedOutside = !this.#hooks.isOnSurface(action.at.x, action.at.y);
      if (this.#pressedOutside) {
        this.#pressedOutside = action.buttons !== 0;
        return;
      }
      this.#hooks.touchCursorMoved(x, y);
      this.#sendAt(x, y, action.buttons);
      return;
    }
    this.#hooks.touchCursorMoved(x, y);
    if (action.kind === "notches") {
      this.#turn(x, y, action.notches);
      return;
    }
    const { dx, dy } = this.#scroll.drag(action.dxPx, action.dyPx);
    if (dx !== 0 || dy !== 0) this.#sink.send({ type: "wheel", x, y, dx, dy });
  }

  /** Turns the wheel at a position of the monitor by whole notches; positive is down. */
  #turn(x: number, y: number, notches: number): void {
    for (let left = Math.abs(notches); left > 0; left -= NOTCHES_PER_MESSAGE) {
      const dy = Math.sign(notches) * Math.min(left, NOTCHES_PER_MESSAGE) * UNITS_PER_NOTCH;
      this.#sink.send({ type: "wheel", x, y, dx: 0, dy });
    }
  }

  #reportGesture(): void {
    const { gesture, finger } = this.#touch;
    if (gesture === this.#shown && gesture !== "held" && gesture !== "aim") return;
    this.#shown = gesture;
    this.#hooks.gestureChanged(gesture, finger);
  }
}

function contact(event: PointerEvent): Contact {
  return { id: event.pointerId, x: event.clientX, y: event.clientY, sizePx: Math.max(event.width, event.height) };
}
