/** Mouse, pen, fingers and wheel on the surface. Every event is sent from its own handler: no frame is waited for. */

import type { InputSink, Locate } from "./input_sink.ts";
import { PointerCore, protocolButtons } from "./pointer_core.ts";
import { type Contact, type TouchAct, TouchCore } from "./touch_core.ts";
import type { Gesture, TouchMode } from "./touch_table.ts";
import { WheelCore } from "./wheel_core.ts";

export interface PointerHooks {
  /** The surface was pressed: the keyboard belongs to it now. */
  pressed(event: PointerEvent): void;
  /** Modifiers as of now, so that none sticks. */
  syncModifiers(event: MouseEvent): void;
  /** Where the pointer of a finger is, in px of the monitor: it has no cursor of its own. */
  touchCursorMoved(x: number, y: number): void;
  /** A mouse or a pen, which brings its own cursor. */
  mouseOrPenMoved(): void;
  /** What the fingers are doing, and where the leading one is on the page. */
  gestureChanged(gesture: Gesture, finger: { readonly x: number; readonly y: number } | null): void;
  /** Whether a place on the page is on the picture. Fingers work beside it, too, but press nothing there. */
  isOnSurface(clientX: number, clientY: number): boolean;
  /** The person's own view: pan by dx, dy and enlarge by `factor` around x, y, all on the page. */
  panAndZoom(x: number, y: number, dxPx: number, dyPx: number, factor: number): void;
  /** The monitor's size in px, and how many of them a CSS px of the page covers. */
  monitorScale(): { readonly width: number; readonly height: number; readonly perCssPx: number };
}

export class PointerInput {
  readonly #target: HTMLElement;
  readonly #sink: InputSink;
  readonly #locate: Locate;
  readonly #hooks: PointerHooks;
  readonly #pointer = new PointerCore();
  readonly #wheel = new WheelCore();
  readonly #touch: TouchCore;
  readonly #abort = new AbortController();
  #rawAtMs = Number.NEGATIVE_INFINITY;
  #touchTimer: ReturnType<typeof setTimeout> | undefined;
  #shown: Gesture = "idle";
  /** A press that began beside the picture. */
  #beside = false;
  /** A trackpad's pointer keeps the parts of a pixel. */
  #cursor = { x: 0, y: 0 };

  /** `ground` is what fingers may touch, `target` within it the picture, which alone a mouse or a pen means. */
  constructor(
    target: HTMLElement,
    ground: HTMLElement,
    sink: InputSink,
    locate: Locate,
    mode: TouchMode,
    hooks: PointerHooks,
  ) {
    this.#target = target;
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
      ground.addEventListener(type, mine, { signal, passive: false });
    };
    pointer("pointerdown", (event) => this.#down(event));
    pointer("pointerup", (event) => this.#up(event));
    pointer("pointermove", (event) => this.#moved(event));
    pointer("pointercancel", (event) => this.#cancelled(event));
    on("lostpointercapture", (event) => this.#lostCapture(event));
    on("wheel", (event) => this.#turned(event));
    on("contextmenu", (event) => event.preventDefault());
    on("dragstart", (event) => event.preventDefault());
    // A press of the middle button would start Firefox's and Windows' own scrolling; back and forward would leave the page.
    on("mousedown", (event) => event.preventDefault());
    on("mouseup", (event) => event.preventDefault());
    on("auxclick", (event) => event.preventDefault());
    // Motion as the mouse tells it, not once a frame. Browsers that lack it have pointermove.
    target.addEventListener("pointerrawupdate", (event) => this.#moved(event as PointerEvent), { signal });
  }

  /** What the fingers are doing. */
  get gesture(): Gesture {
    return this.#touch.gesture;
  }

  get touchMode(): TouchMode {
    return this.#touch.mode;
  }

  set touchMode(mode: TouchMode) {
    this.#touched(this.#touch.choose(mode), performance.now());
  }

  /** The button of taps and drags, as in PROTOCOL.md. */
  set touchButton(button: number) {
    this.#touch.button = button;
  }

  /** Whether two fingers pan the picture instead of turning the wheel. */
  set pannable(pannable: boolean) {
    this.#touch.pannable = pannable;
  }

  /** The desktop moved the pointer itself. Px of the monitor. */
  setCursor(x: number, y: number): void {
    this.#cursor = { x, y };
  }

  /** What the fingers that are down do means nothing until they are up. */
  ignoreTouches(): void {
    this.#touched(this.#touch.ignoreTouches(), performance.now());
  }

  /** Everything is up; said by whoever sends `release`. True when a button was held. */
  forget(): boolean {
    clearTimeout(this.#touchTimer);
    this.#touch.cancel();
    this.#beside = false;
    this.#tellGesture();
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
      this.#touched(this.#touch.down(contact(event), event.timeStamp), event.timeStamp);
    } else {
      this.#seen(event);
      this.#hooks.syncModifiers(event);
      this.#tell(event.clientX, event.clientY, protocolButtons(event.buttons));
    }
    this.#hooks.pressed(event);
  }

  #up(event: PointerEvent): void {
    event.preventDefault();
    if (event.pointerType === "touch") {
      this.#touched(this.#touch.up(event.pointerId, event.timeStamp), event.timeStamp);
    } else {
      this.#tell(event.clientX, event.clientY, protocolButtons(event.buttons));
    }
  }

  #moved(event: PointerEvent): void {
    if (event.pointerType === "touch") {
      // The raw event comes once more, in step with the frame.
      if (event.type === "pointermove") this.#fingerMoved(event);
      return;
    }
    this.#seen(event);
    // The frame-aligned event repeats what the raw ones told: its older points would lead the pointer back.
    if (event.type === "pointerrawupdate") this.#rawAtMs = event.timeStamp;
    else if (event.timeStamp <= this.#rawAtMs && protocolButtons(event.buttons) === this.#pointer.buttons) return;
    // While something is dragged or drawn every point counts; otherwise only where the pointer is now.
    if (event.buttons !== 0) {
      for (const point of event.getCoalescedEvents?.() ?? []) {
        if (event.type === "pointermove" && point.timeStamp <= this.#rawAtMs) continue;
        this.#tell(point.clientX, point.clientY, protocolButtons(event.buttons));
      }
    }
    this.#tell(event.clientX, event.clientY, protocolButtons(event.buttons));
  }

  #cancelled(event: PointerEvent): void {
    if (event.pointerType === "touch") this.#touched(this.#touch.cancel(), event.timeStamp);
    else this.#letGo();
  }

  /** The capture went without an `up`: the browser gave the pointer to something else. */
  #lostCapture(event: PointerEvent): void {
    if (event.pointerType !== "touch" && event.buttons === 0) this.#letGo();
  }

  /** Buttons up where the pointer is: WebKit says 0, 0 as the place of events about capture. */
  #letGo(): void {
    const { x, y } = this.#pointer.last;
    if (this.#pointer.forget()) this.#sink.send({ type: "pointer", x, y, buttons: 0 });
  }

  #turned(event: WheelEvent): void {
    event.preventDefault();
    this.#hooks.syncModifiers(event);
    // Firefox decides by the first field read whether it speaks of lines or pixels: lines are exact notches.
    const deltaMode = event.deltaMode;
    const old = event as WheelEvent & { readonly wheelDeltaX?: number; readonly wheelDeltaY?: number };
    const { dx, dy } = this.#wheel.turn({
      deltaMode,
      deltaX: event.deltaX,
      deltaY: event.deltaY,
      ...(old.wheelDeltaX === undefined ? {} : { wheelDeltaX: old.wheelDeltaX }),
      ...(old.wheelDeltaY === undefined ? {} : { wheelDeltaY: old.wheelDeltaY }),
    });
    if (dx !== 0 || dy !== 0) this.#sink.send({ type: "wheel", ...this.#locate(event.clientX, event.clientY), dx, dy });
  }

  #tell(clientX: number, clientY: number, buttons: number): void {
    const { x, y } = this.#locate(clientX, clientY);
    this.#tellAt(x, y, buttons);
  }

  #tellAt(x: number, y: number, buttons: number): void {
    this.#cursor = { x: x + 0.5, y: y + 0.5 };
    this.#tellPixel(x, y, buttons);
  }

  #tellPixel(x: number, y: number, buttons: number): void {
    const news = this.#pointer.news({ x, y, buttons });
    if (news === "motion") this.#sink.sendMotion(x, y, buttons);
    else if (news === "press") this.#sink.send({ type: "pointer", x, y, buttons });
  }

  // ── fingers ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** A pen near the glass means that fingers are a hand at rest; a mouse only takes the drawn cursor away. */
  #seen(event: PointerEvent): void {
    if (event.pointerType === "pen") this.#touched(this.#touch.pen(event.timeStamp), event.timeStamp);
    this.#hooks.mouseOrPenMoved();
  }

  #fingerMoved(event: PointerEvent): void {
    // While something is drawn every point counts.
    const points = this.#touch.gesture === "drag" ? (event.getCoalescedEvents?.() ?? []) : [];
    const acts = points.flatMap((point) => this.#touch.move(contact(point), point.timeStamp));
    this.#touched([...acts, ...this.#touch.move(contact(event), event.timeStamp)], event.timeStamp);
  }

  #touched(acts: readonly TouchAct[], nowMs: number): void {
    for (const act of acts) this.#perform(act);
    this.#tellGesture();
    clearTimeout(this.#touchTimer);
    const waitMs = this.#touch.wait(nowMs);
    if (waitMs === null) return;
    this.#touchTimer = setTimeout(() => {
      const laterMs = performance.now();
      this.#touched(this.#touch.tick(laterMs), laterMs);
    }, waitMs + 1);
  }

  #perform(act: TouchAct): void {
    if (act.kind === "view") {
      this.#hooks.panAndZoom(act.x, act.y, act.dxPx, act.dyPx, act.factor);
      return;
    }
    if (act.kind === "nudge") {
      const { width, height, perCssPx } = this.#hooks.monitorScale();
      this.#cursor = {
        x: Math.max(0, Math.min(width - 0.01, this.#cursor.x + act.dxPx * perCssPx)),
        y: Math.max(0, Math.min(height - 0.01, this.#cursor.y + act.dyPx * perCssPx)),
      };
      const x = Math.floor(this.#cursor.x);
      const y = Math.floor(this.#cursor.y);
      this.#hooks.touchCursorMoved(x, y);
      this.#tellPixel(x, y, this.#pointer.buttons);
      return;
    }
    const here = { x: Math.floor(this.#cursor.x), y: Math.floor(this.#cursor.y) };
    const { x, y } = act.at === null ? here : this.#locate(act.at.x, act.at.y);
    if (act.kind === "buttons") {
      if (act.at !== null && act.buttons !== 0 && this.#pointer.buttons === 0 && !this.#beside)
        this.#beside = !this.#hooks.isOnSurface(act.at.x, act.at.y);
      if (this.#beside) {
        this.#beside = act.buttons !== 0;
        return;
      }
      this.#hooks.touchCursorMoved(x, y);
      this.#tellAt(x, y, act.buttons);
      return;
    }
    this.#hooks.touchCursorMoved(x, y);
    const { dx, dy } = this.#wheel.drag(act.dxPx, act.dyPx);
    if (dx !== 0 || dy !== 0) this.#sink.send({ type: "wheel", x, y, dx, dy });
  }

  #tellGesture(): void {
    const { gesture, finger } = this.#touch;
    if (gesture === this.#shown && gesture !== "held" && gesture !== "aim") return;
    this.#shown = gesture;
    this.#hooks.gestureChanged(gesture, finger);
  }
}

function contact(event: PointerEvent): Contact {
  return { id: event.pointerId, x: event.clientX, y: event.clientY, sizePx: Math.max(event.width, event.height) };
}
