/** Mouse, pen, fingers and wheel on the surface. Every event is sent from its own handler: no frame is waited for. */

import type { Hands, Locate } from "./hands.ts";
import { PointerCore, protocolButtons } from "./pointer_core.ts";
import { type TouchAct, TouchCore } from "./touch_core.ts";
import { WheelCore } from "./wheel_core.ts";

export interface PointerHooks {
  /** The surface was pressed: the keyboard belongs to it now. */
  pressed(event: PointerEvent): void;
  /** Modifiers as of now, so that none sticks. */
  modifiers(event: MouseEvent): void;
  /** Where the pointer of a finger is, in px of the monitor: it has no cursor of its own. */
  touched(x: number, y: number): void;
}

export class PointerInput {
  readonly #target: HTMLElement;
  readonly #hands: Hands;
  readonly #locate: Locate;
  readonly #hooks: PointerHooks;
  readonly #pointer = new PointerCore();
  readonly #wheel = new WheelCore();
  readonly #touch = new TouchCore();
  readonly #abort = new AbortController();
  #rawAtMs = Number.NEGATIVE_INFINITY;
  #holdTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(target: HTMLElement, hands: Hands, locate: Locate, hooks: PointerHooks) {
    this.#target = target;
    this.#hands = hands;
    this.#locate = locate;
    this.#hooks = hooks;
    const { signal } = this.#abort;
    const on = <K extends keyof HTMLElementEventMap>(
      type: K,
      listen: (event: HTMLElementEventMap[K]) => void,
    ): void => {
      target.addEventListener(type, listen, { signal, passive: false });
    };
    on("pointerdown", (event) => this.#down(event));
    on("pointerup", (event) => this.#up(event));
    on("pointermove", (event) => this.#moved(event));
    on("pointercancel", (event) => this.#cancelled(event));
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

  /** Everything is up; said by whoever sends `release`. True when a button was held. */
  forget(): boolean {
    clearTimeout(this.#holdTimer);
    this.#touch.cancel();
    this.#wheel.reset();
    return this.#pointer.forget();
  }

  close(): void {
    clearTimeout(this.#holdTimer);
    this.#abort.abort();
  }

  #down(event: PointerEvent): void {
    event.preventDefault();
    this.#target.setPointerCapture(event.pointerId);
    if (event.pointerType === "touch") {
      this.#perform(this.#touch.down(event.pointerId, event.clientX, event.clientY, event.timeStamp));
      this.#awaitHold(event.timeStamp);
    } else {
      this.#hooks.modifiers(event);
      this.#tell(event.clientX, event.clientY, protocolButtons(event.buttons));
    }
    this.#hooks.pressed(event);
  }

  #up(event: PointerEvent): void {
    event.preventDefault();
    if (event.pointerType === "touch") {
      this.#perform(this.#touch.up(event.pointerId));
      this.#awaitHold(event.timeStamp);
    } else {
      this.#tell(event.clientX, event.clientY, protocolButtons(event.buttons));
    }
  }

  #moved(event: PointerEvent): void {
    if (event.pointerType === "touch") {
      this.#perform(this.#touch.move(event.pointerId, event.clientX, event.clientY));
      this.#awaitHold(event.timeStamp);
      return;
    }
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
    if (event.pointerType === "touch") this.#perform(this.#touch.cancel());
    else this.#letGo();
  }

  /** The capture went without an `up`: the browser gave the pointer to something else. */
  #lostCapture(event: PointerEvent): void {
    if (event.pointerType !== "touch" && event.buttons === 0) this.#letGo();
  }

  /** Buttons up where the pointer is: WebKit says 0, 0 as the place of events about capture. */
  #letGo(): void {
    const { x, y } = this.#pointer.last;
    if (this.#pointer.forget()) this.#hands.act({ type: "pointer", x, y, buttons: 0 });
  }

  #turned(event: WheelEvent): void {
    event.preventDefault();
    this.#hooks.modifiers(event);
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
    if (dx !== 0 || dy !== 0) this.#hands.act({ type: "wheel", ...this.#locate(event.clientX, event.clientY), dx, dy });
  }

  #tell(clientX: number, clientY: number, buttons: number): void {
    const { x, y } = this.#locate(clientX, clientY);
    const news = this.#pointer.news({ x, y, buttons });
    if (news === "motion") this.#hands.motion(x, y, buttons);
    else if (news === "press") this.#hands.act({ type: "pointer", x, y, buttons });
  }

  #perform(acts: readonly TouchAct[]): void {
    for (const act of acts) {
      const { x, y } = this.#locate(act.x, act.y);
      this.#hooks.touched(x, y);
      if (act.kind === "scroll") {
        const { dx, dy } = this.#wheel.turn({ deltaX: act.dxPx, deltaY: act.dyPx, deltaMode: 0 });
        if (dx !== 0 || dy !== 0) this.#hands.act({ type: "wheel", x, y, dx, dy });
      } else {
        this.#tell(act.x, act.y, act.kind === "move" ? 0 : act.buttons);
      }
    }
  }

  #awaitHold(nowMs: number): void {
    clearTimeout(this.#holdTimer);
    const waitMs = this.#touch.wait(nowMs);
    if (waitMs === null) return;
    this.#holdTimer = setTimeout(() => {
      this.#perform(this.#touch.held(performance.now()));
    }, waitMs + 1);
  }
}
