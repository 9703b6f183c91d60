/**
 * Converts touches to pointer actions by the transition table in `touch_table.ts`. Pure: time is an argument,
 * and `timerDelay` tells when `handleTimer` must be called.
 *
 * Positions are CSS px on the page. Accidental contacts (a palm, a third finger, a late second finger) never
 * click.
 */

import { Momentum } from "./momentum.ts";
import { type Cause, type Effect, type Gesture, TABLES, type TouchMode } from "./touch_table.ts";
import { type FingerTool, NotchCounter } from "./touch_tools.ts";

/** A movement up to this distance is unintentional, CSS px. */
const SLOP_PX = 8;
/** A finger held still for this long means a right click, ms. */
const HOLD_MS = 550;
/**
 * A drag waits this long for a second finger, because two fingers never touch at exactly the same time, ms.
 */
const SECOND_FINGER_GRACE_MS = 60;
/** In a two-finger tap, the second finger follows within this time and both are lifted soon after, ms. */
const TWO_FINGER_TAP_MS = 250;
/** A finger lifted within this time has tapped, in trackpad mode, ms. */
const TAP_MS = 220;
/**
 * In trackpad mode the button stays pressed this long after a tap, so that a drag can follow, ms: libinput's
 * value.
 */
const TAP_DRAG_MS = 180;
/**
 * The second tap of a double tap follows within this time, ms, and then clicks at the position of the first
 * one.
 */
const DOUBLE_TAP_MS = 400;
/** Greatest distance between the two taps of a double tap, CSS px. */
const DOUBLE_TAP_PX = 28;
/** Wider contacts are palms, CSS px: 17 mm on an iPad, one and a half times the width of a thumb. */
const PALM_PX = 90;
/**
 * Touches are ignored for this long after a pen was seen, ms, because the hand that holds the pen rests on
 * the screen.
 */
const PEN_MS = 600;
/** Scroll and pinch are distinguished when both fingers have moved this far, CSS px. */
const DECIDED_PX = 8;
/** If only one of two fingers moves, it must move this far before scroll and pinch are distinguished, CSS px. */
const DECIDED_ALONE_PX = 40;
/** Momentum starts only if both scrolling fingers were lifted within this time, ms. */
const LIFT_TOGETHER_MS = 120;
/**
 * In trackpad mode fast movements are multiplied by up to this factor, so that long distances need few
 * strokes.
 */
const GAIN_MAX = 2.6;
/** Finger speed up to which the pointer moves 1:1, CSS px per ms. */
const GAIN_FROM_PX_PER_MS = 0.15;
/** Finger speed from which the pointer moves with the full gain, CSS px per ms. */
const GAIN_TO_PX_PER_MS = 1.6;

/** Gestures of one finger that turn the wheel with the tool `scroll`, or may still do so. */
const MAY_SWIPE: ReadonlySet<Gesture> = new Set(["pending", "touching", "coast-stopped", "swipe"]);

export const LEFT = 1;
export const MIDDLE = 2;
export const RIGHT = 4;

/** A page position in CSS px; null means the pointer's current position. */
export type Position = { readonly x: number; readonly y: number } | null;

export type TouchAction =
  | { readonly kind: "buttons"; readonly at: Position; readonly buttons: number }
  | { readonly kind: "move-by"; readonly dxPx: number; readonly dyPx: number }
  | { readonly kind: "scroll"; readonly at: Position; readonly dxPx: number; readonly dyPx: number }
  /** Turn the wheel by whole notches; positive is down. */
  | { readonly kind: "notches"; readonly at: Position; readonly notches: number }
  /** Pan by dxPx, dyPx and zoom by `factor` around x, y. */
  | {
      readonly kind: "view";
      readonly x: number;
      readonly y: number;
      readonly dxPx: number;
      readonly dyPx: number;
      readonly factor: number;
    };

export interface Contact {
  readonly id: number;
  readonly x: number;
  readonly y: number;
  /** Diameter of the contact, CSS px; 0 or 1 where the browser does not know it. */
  readonly sizePx: number;
}

interface Finger {
  startX: number;
  startY: number;
  x: number;
  y: number;
  moved: boolean;
}

export class TouchCore {
  /** The button that a tap and a drag press. */
  button = LEFT;
  /**
   * Whether the surface is larger than the viewport, so that two fingers pan it instead of turning the wheel.
   */
  pannable = false;
  /** What one moving finger does; a gesture that has begun goes on. */
  tool: FingerTool = "pointer";
  /** Distance of one finger per wheel notch, CSS px. */
  notchPx = 10;
  /** Distance that the pointer moves per CSS px of a finger with the tool `window`. */
  windowGain = 1;
  readonly #fingers = new Map<number, Finger>();
  readonly #momentum = new Momentum();
  #mode: TouchMode;
  #gesture: Gesture = "idle";
  #lead = 0;
  #startedAtMs = 0;
  #movedAtMs = 0;
  #penAtMs = Number.NEGATIVE_INFINITY;
  #pressed = 0;
  /**
   * Position of a tap's click: where the finger first touched, or where the first tap of a double tap did.
   */
  #anchor: { x: number; y: number } | null = null;
  #lastTap: { x: number; y: number; atMs: number } | null = null;
  #scrollAt: Position = null;
  #notches = new NotchCounter(1);
  /** Whether the momentum is that of one finger, which turns whole notches. */
  #coastsByNotch = false;
  /** Distance that the pointer moves per CSS px of the finger in the gesture `adjust`. */
  #adjustGain = 1;
  /** Position up to which one finger has panned the view. */
  #slidTo = { x: 0, y: 0 };
  #span = { x: 0, y: 0, spread: 0 };

  constructor(mode: TouchMode) {
    this.#mode = mode;
  }

  get gesture(): Gesture {
    return this.#gesture;
  }

  get mode(): TouchMode {
    return this.#mode;
  }

  /** Position of the leading finger, beside which the page shows the magnifier. */
  get finger(): { readonly x: number; readonly y: number } | null {
    return this.#fingers.get(this.#lead) ?? null;
  }

  /** Switches the mode at once and cancels the current gesture. */
  choose(mode: TouchMode): TouchAction[] {
    const actions = this.cancel();
    this.#mode = mode;
    return actions;
  }

  /** Handles a pen that touches or hovers: cancels the current gesture and ignores touches for a while. */
  pen(nowMs: number): TouchAction[] {
    this.#penAtMs = nowMs;
    return this.#gesture === "idle" ? [] : this.cancel();
  }

  down(contact: Contact, nowMs: number): TouchAction[] {
    const { id, x, y, sizePx } = contact;
    if (sizePx > PALM_PX || nowMs - this.#penAtMs < PEN_MS) return [];
    this.#fingers.set(id, { startX: x, startY: y, x, y, moved: false });
    this.#momentum.clear();
    const count = this.#fingers.size;
    if (count === 1) {
      this.#lead = id;
      this.#startedAtMs = nowMs;
      this.#movedAtMs = nowMs;
      const last = this.#lastTap;
      const again =
        last !== null && nowMs - last.atMs < DOUBLE_TAP_MS && Math.hypot(x - last.x, y - last.y) < DOUBLE_TAP_PX
          ? last
          : null;
      this.#anchor = again ?? { x, y };
      this.#scrollAt = this.#mode === "direct" ? this.#anchor : null;
      this.#notches = new NotchCounter(this.notchPx);
      this.#slidTo = { x, y };
      return this.#apply("first", nowMs);
    }
    this.#measureSpan();
    if (count > 2) return this.#apply("third", nowMs);
    this.#scrollAt = this.#mode === "direct" ? { x: this.#span.x, y: this.#span.y } : null;
    return this.#apply(nowMs - this.#startedAtMs <= TWO_FINGER_TAP_MS ? "second" : "late-second", nowMs);
  }

  move(contact: Contact, nowMs: number): TouchAction[] {
    const { id, x, y } = contact;
    const finger = this.#fingers.get(id);
    if (finger === undefined) return [];
    const dxPx = x - finger.x;
    const dyPx = y - finger.y;
    if (dxPx === 0 && dyPx === 0) return [];
    // A contact that grows to a palm before it did anything is not a finger.
    if (contact.sizePx > PALM_PX && (this.#gesture === "pending" || this.#gesture === "touching")) return this.cancel();
    finger.x = x;
    finger.y = y;
    finger.moved = true;
    if (this.tool === "scroll" && id === this.#lead && MAY_SWIPE.has(this.#gesture))
      this.#momentum.add(0, -dyPx, nowMs);
    switch (this.#gesture) {
      case "pending":
      case "coast-stopped":
      case "held":
      case "touching":
      case "second-touch": {
        if (id !== this.#lead || !isFar(finger)) return [];
        if (this.#gesture === "pending" && nowMs - this.#startedAtMs < SECOND_FINGER_GRACE_MS) return [];
        return this.#begin(finger, dxPx, dyPx, nowMs);
      }
      case "swipe":
      case "adjust":
      case "slide":
      case "drag":
      case "aim":
      case "cursor-move":
      case "tap-drag":
        return id === this.#lead ? this.#follow(finger, dxPx, dyPx, nowMs) : [];
      case "two":
      case "two-late":
        return this.#decide(nowMs);
      case "scroll":
        this.#momentum.add(-dxPx / 2, -dyPx / 2, nowMs);
        // The two fingers report their movements one by one, so each contributes half of the scroll distance.
        return [{ kind: "scroll", at: this.#scrollAt, dxPx: -dxPx / 2, dyPx: -dyPx / 2 }];
      case "view": {
        const before = this.#span;
        this.#measureSpan();
        const { x: atX, y: atY, spread } = this.#span;
        const factor = before.spread > 0 && spread > 0 ? spread / before.spread : 1;
        return [{ kind: "view", x: atX, y: atY, dxPx: atX - before.x, dyPx: atY - before.y, factor }];
      }
      default:
        return [];
    }
  }

  up(id: number, nowMs: number): TouchAction[] {
    const finger = this.#fingers.get(id);
    if (finger === undefined) return [];
    const actions: TouchAction[] = [];
    // A short drag that ended within the grace period still counts.
    if (this.#gesture === "pending" && id === this.#lead && isFar(finger))
      actions.push(...this.#begin(finger, 0, 0, nowMs));
    const leads = id === this.#lead;
    if (this.#fingers.size > 1) {
      this.#fingers.delete(id);
      if (this.#gesture === "two" && nowMs - this.#startedAtMs > 2 * TWO_FINGER_TAP_MS) this.#gesture = "two-late";
      // In a one-finger gesture only the leading finger counts; when it is lifted, the gesture is over.
      const single = this.#pressed !== 0 || this.#gesture === "cursor-move" || this.#gesture === "tap-drag";
      if (single && !leads) return actions;
      actions.push(...this.#apply(single ? "lift" : "one-lifted", nowMs, finger));
      if (this.#gesture === "idle") this.#gesture = "ignored";
      if (this.#gesture === "parting") this.#movedAtMs = nowMs;
      return actions;
    }
    const quick =
      this.#gesture === "parting" ? nowMs - this.#movedAtMs <= LIFT_TOGETHER_MS : nowMs - this.#startedAtMs < TAP_MS;
    this.#coastsByNotch = this.#gesture === "swipe";
    actions.push(...this.#apply(quick ? "lift" : "late-lift", nowMs, finger));
    this.#fingers.delete(id);
    if (this.#gesture === "coast" && !this.#momentum.start(nowMs)) this.#gesture = "idle";
    if (this.#gesture !== "coast") this.#momentum.clear();
    return actions;
  }

  /** Cancels the gesture, because the browser took the touches away or the page changed. */
  cancel(): TouchAction[] {
    const finger = this.#fingers.get(this.#lead);
    const actions = this.#apply("cancel", this.#movedAtMs, finger);
    if (this.#pressed !== 0) actions.push(this.#buttons(0, finger));
    this.#fingers.clear();
    this.#momentum.clear();
    this.#gesture = "idle";
    return actions;
  }

  /** Ignores the fingers that are down, and any that join them, until all are lifted. */
  ignoreTouches(): TouchAction[] {
    if (this.#fingers.size === 0) return [];
    const finger = this.#fingers.get(this.#lead);
    const actions = this.#pressed === 0 ? [] : [this.#buttons(0, finger && this.#pointerAt(finger))];
    this.#momentum.clear();
    this.#gesture = "ignored";
    return actions;
  }

  /** Returns the time until `handleTimer` must be called, ms; null when no timer is needed. */
  timerDelay(nowMs: number): number | null {
    const due = this.#dueMs();
    return due === null ? null : Math.max(0, due - nowMs);
  }

  /** Handles the gesture's timer if it has expired. */
  handleTimer(nowMs: number): TouchAction[] {
    const due = this.#dueMs();
    if (due === null || nowMs < due) return [];
    const finger = this.#fingers.get(this.#lead);
    if (this.#gesture === "pending" && finger !== undefined && isFar(finger)) return this.#begin(finger, 0, 0, nowMs);
    return this.#apply("timeout", nowMs, finger);
  }

  #dueMs(): number | null {
    const finger = this.#fingers.get(this.#lead);
    switch (this.#gesture) {
      case "pending":
        return this.#startedAtMs + (finger !== undefined && isFar(finger) ? SECOND_FINGER_GRACE_MS : HOLD_MS);
      case "tapped":
        return this.#movedAtMs + TAP_DRAG_MS;
      case "coast":
        return this.#momentum.nextMs;
      default:
        return null;
    }
  }

  #apply(cause: Cause, nowMs: number, finger = this.#fingers.get(this.#lead)): TouchAction[] {
    const found = TABLES[this.#mode][this.#gesture][cause];
    if (found === undefined) return [];
    const [next, effect] = found;
    const before = this.#gesture;
    this.#gesture = next;
    return this.#effect(effect, before, nowMs, finger);
  }

  #effect(effect: Effect, before: Gesture, nowMs: number, finger: Finger | undefined): TouchAction[] {
    switch (effect) {
      case "hover":
        return [this.#buttons(0, before === "held" ? finger : this.#anchor)];
      case "press":
        this.#movedAtMs = nowMs;
        return [this.#buttons(this.#dragButton(), this.#anchor)];
      case "release-press":
        this.#movedAtMs = nowMs;
        return [this.#buttons(0), this.#buttons(this.button)];
      case "release":
        return [this.#buttons(0, finger && this.#pointerAt(finger, before))];
      case "click": {
        const at = before === "aim" && finger !== undefined ? { x: finger.x, y: finger.y } : this.#anchor;
        if (at !== null && before !== "aim") this.#lastTap = { ...at, atMs: nowMs };
        return [this.#buttons(this.button, at), this.#buttons(0, at)];
      }
      case "right-click":
        return [this.#buttons(RIGHT, this.#anchor), this.#buttons(0, this.#anchor)];
      case "coast": {
        const rolled = this.#momentum.step(nowMs);
        if (rolled === null) {
          this.#gesture = "idle";
          return [];
        }
        return this.#coastsByNotch
          ? this.#turn(this.#notches.moveBy(rolled.dyPx))
          : [{ kind: "scroll", at: this.#scrollAt, ...rolled }];
      }
      case "none":
        return [];
    }
  }

  #buttons(buttons: number, at?: { x: number; y: number } | null): TouchAction {
    this.#pressed = buttons;
    return {
      kind: "buttons",
      at: this.#mode === "direct" && at !== undefined && at !== null ? { x: at.x, y: at.y } : null,
      buttons,
    };
  }

  /** Begins what a moving finger does, and makes up for the distance that it has moved already. */
  #begin(finger: Finger, dxPx: number, dyPx: number, nowMs: number): TouchAction[] {
    this.#adjustGain = this.tool === "window" ? this.windowGain : 1;
    return [...this.#apply(this.#movedCause(), nowMs, finger), ...this.#follow(finger, dxPx, dyPx, nowMs)];
  }

  #movedCause(): Cause {
    // After a hold a finger aims, and after a tap it drags, whatever the tool is.
    if (this.#gesture === "held" || this.#gesture === "second-touch" || this.tool === "pointer") return "moved";
    if (this.tool === "scroll") return "swiped";
    return this.tool === "pan" && this.pannable ? "slid" : "adjusted";
  }

  /** The middle button pans in most image viewers; a button that the person chose takes precedence. */
  #dragButton(): number {
    return this.#gesture === "adjust" && this.tool === "pan" && this.button === LEFT ? MIDDLE : this.button;
  }

  #turn(notches: number): TouchAction[] {
    return notches === 0 ? [] : [{ kind: "notches", at: this.#scrollAt, notches }];
  }

  /** Returns where the pointer is while this finger drags: under it, or behind it in a slow drag. */
  #pointerAt(finger: Finger, gesture = this.#gesture): { x: number; y: number } {
    const { x, y, startX, startY } = finger;
    if (gesture !== "adjust" || this.#anchor === null) return { x, y };
    return { x: this.#anchor.x + (x - startX) * this.#adjustGain, y: this.#anchor.y + (y - startY) * this.#adjustGain };
  }

  /**
   * Moves the pointer with the finger: to its position in direct mode, by its movement times the gain in
   * trackpad mode. Or turns the wheel or pans the view.
   */
  #follow(finger: Finger, dxPx: number, dyPx: number, nowMs: number): TouchAction[] {
    if (this.#gesture === "swipe") return this.#turn(this.#notches.moveTo(finger.startY - finger.y));
    if (this.#gesture === "slide") {
      const { x, y } = finger;
      const moved = { dxPx: x - this.#slidTo.x, dyPx: y - this.#slidTo.y };
      this.#slidTo = { x, y };
      return [{ kind: "view", x, y, ...moved, factor: 1 }];
    }
    if (this.#mode === "direct") return [this.#buttons(this.#pressed, this.#pointerAt(finger))];
    const speed = Math.hypot(dxPx, dyPx) / Math.max(1, nowMs - this.#movedAtMs);
    const gain = this.#gesture === "adjust" ? this.#adjustGain : pointerGain(speed);
    this.#movedAtMs = nowMs;
    return [{ kind: "move-by", dxPx: dxPx * gain, dyPx: dyPx * gain }];
  }

  /**
   * Decides whether two fingers scroll or pinch. Their events come one by one, and the step of one finger
   * alone looks like a pinch.
   */
  #decide(nowMs: number): TouchAction[] {
    const [first, second] = [...this.#fingers.values()];
    if (first === undefined || second === undefined) return [];
    const alone = Math.max(travel(first), travel(second)) > DECIDED_ALONE_PX;
    if (!(first.moved && second.moved) && !alone) return [];
    const before = this.#span;
    this.#measureSpan();
    const now = this.#span;
    this.#span = before;
    first.moved = false;
    second.moved = false;
    const distance = Math.hypot(now.x - before.x, now.y - before.y);
    const spread = Math.abs(now.spread - before.spread);
    if (Math.max(distance, spread) < DECIDED_PX) return [];
    this.#span = now;
    return this.#apply(spread > distance || this.pannable ? "pinch" : "parallel", nowMs);
  }

  #measureSpan(): void {
    const [first, second] = [...this.#fingers.values()];
    if (first === undefined || second === undefined) return;
    this.#span = {
      x: (first.x + second.x) / 2,
      y: (first.y + second.y) / 2,
      spread: Math.hypot(first.x - second.x, first.y - second.y),
    };
  }
}

function travel(finger: Finger): number {
  return Math.hypot(finger.x - finger.startX, finger.y - finger.startY);
}

function isFar(finger: Finger): boolean {
  return travel(finger) > SLOP_PX;
}

/** Returns the factor by which the pointer moves farther than the finger in trackpad mode. */
export function pointerGain(pxPerMs: number): number {
  const fraction = (pxPerMs - GAIN_FROM_PX_PER_MS) / (GAIN_TO_PX_PER_MS - GAIN_FROM_PX_PER_MS);
  return 1 + (GAIN_MAX - 1) * Math.max(0, Math.min(1, fraction));
}
