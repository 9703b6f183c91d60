/**
 * Fingers to a mouse, after the table in `touch_table.ts`. Pure: time is an argument, and `wait` asks for `tick`.
 *
 * Positions are CSS px on the page. What a hand does beside its finger (a palm, a third finger, one that comes late) never clicks.
 */

import { Momentum } from "./momentum.ts";
import { type Cause, type Effect, type Gesture, TABLES, type TouchMode } from "./touch_table.ts";

/** Farther than this a finger moves on purpose, CSS px. */
const SLOP_PX = 8;
/** A finger that stays this long means the other button. */
const HOLD_MS = 550;
/** So long a drag waits for a second finger: two never touch at the same time. */
const GRACE_MS = 60;
/** A second finger later than this is no two-finger tap; nor is one that stays longer. */
const TOGETHER_MS = 250;
/** A finger on a trackpad that is up sooner has tapped. */
const TAP_MS = 220;
/** After a tap on a trackpad, the button stays down so long for a drag to follow: libinput's time. */
const HALF_TAP_MS = 180;
/** The second tap of a double one: within this time and distance it hits the very pixel of the first. */
const DOUBLE_MS = 400;
const DOUBLE_PX = 28;
/** Wider contacts are a palm, CSS px: 17 mm on an iPad, half as much again as a thumb. */
const PALM_PX = 90;
/** Fingers are ignored for so long after a pen was seen: the hand that holds it rests on the glass. */
const PEN_MS = 600;
/** Two fingers have decided when both went this far, or one alone went farther, CSS px. */
const DECIDED_PX = 8;
const DECIDED_ALONE_PX = 40;
/** The picture rolls on only if the fingers left the glass together. */
const PARTING_MS = 120;
/** A trackpad's pointer goes 1:1 when slow, for pixels, and up to this much farther when quick, for ways. */
const GAIN_MAX = 2.6;
const GAIN_FROM_PX_PER_MS = 0.15;
const GAIN_TO_PX_PER_MS = 1.6;

export const LEFT = 1;
export const RIGHT = 4;

/** Where something happens; null is where the pointer is. */
export type Place = { readonly x: number; readonly y: number } | null;

export type TouchAct =
  | { readonly kind: "buttons"; readonly at: Place; readonly buttons: number }
  | { readonly kind: "nudge"; readonly dxPx: number; readonly dyPx: number }
  | { readonly kind: "scroll"; readonly at: Place; readonly dxPx: number; readonly dyPx: number }
  /** Pan by dx, dy and enlarge by `factor` around x, y. */
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
  /** Width of what touches, CSS px; 0 or 1 where the browser does not know. */
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
  /** Which button a tap and a drag press. */
  button = LEFT;
  /** The picture is larger than its stage: two fingers pan it instead of turning the wheel. */
  pannable = false;
  readonly #fingers = new Map<number, Finger>();
  readonly #momentum = new Momentum();
  #mode: TouchMode;
  #gesture: Gesture = "idle";
  #lead = 0;
  #startedAtMs = 0;
  #movedAtMs = 0;
  #penAtMs = Number.NEGATIVE_INFINITY;
  #pressed = 0;
  /** Where a tap hits: the finger's first place, or that of the tap before it. */
  #anchor: { x: number; y: number } | null = null;
  #lastTap: { x: number; y: number; atMs: number } | null = null;
  #scrollAt: Place = null;
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

  /** The finger that leads, for what is shown beside it. */
  get finger(): { readonly x: number; readonly y: number } | null {
    return this.#fingers.get(this.#lead) ?? null;
  }

  /** Takes effect at once; what is under way is cancelled first. */
  choose(mode: TouchMode): TouchAct[] {
    const acts = this.cancel();
    this.#mode = mode;
    return acts;
  }

  /** A pen touches or hovers. */
  pen(nowMs: number): TouchAct[] {
    this.#penAtMs = nowMs;
    return this.#gesture === "idle" ? [] : this.cancel();
  }

  down(contact: Contact, nowMs: number): TouchAct[] {
    const { id, x, y, sizePx } = contact;
    if (sizePx > PALM_PX || nowMs - this.#penAtMs < PEN_MS) return [];
    this.#fingers.set(id, { startX: x, startY: y, x, y, moved: false });
    const count = this.#fingers.size;
    if (count === 1) {
      this.#lead = id;
      this.#startedAtMs = nowMs;
      this.#movedAtMs = nowMs;
      const last = this.#lastTap;
      const again =
        last !== null && nowMs - last.atMs < DOUBLE_MS && Math.hypot(x - last.x, y - last.y) < DOUBLE_PX ? last : null;
      this.#anchor = again ?? { x, y };
      return this.#cause("first", nowMs);
    }
    this.#measure();
    if (count > 2) return this.#cause("third", nowMs);
    this.#scrollAt = this.#mode === "direct" ? { x: this.#span.x, y: this.#span.y } : null;
    return this.#cause(nowMs - this.#startedAtMs <= TOGETHER_MS ? "second" : "late-second", nowMs);
  }

  move(contact: Contact, nowMs: number): TouchAct[] {
    const { id, x, y } = contact;
    const finger = this.#fingers.get(id);
    if (finger === undefined) return [];
    const dxPx = x - finger.x;
    const dyPx = y - finger.y;
    if (dxPx === 0 && dyPx === 0) return [];
    // A finger that flattens into a palm before it did anything is none.
    if (contact.sizePx > PALM_PX && (this.#gesture === "pending" || this.#gesture === "touching")) return this.cancel();
    finger.x = x;
    finger.y = y;
    finger.moved = true;
    switch (this.#gesture) {
      case "pending":
      case "coast-stopped":
      case "held":
      case "touching":
      case "second-touch": {
        if (id !== this.#lead || !isFar(finger)) return [];
        if (this.#gesture === "pending" && nowMs - this.#startedAtMs < GRACE_MS) return [];
        return [...this.#cause("moved", nowMs), ...this.#follow(finger, dxPx, dyPx, nowMs)];
      }
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
        // Each of two fingers tells its own way; together they are one.
        return [{ kind: "scroll", at: this.#scrollAt, dxPx: -dxPx / 2, dyPx: -dyPx / 2 }];
      case "view": {
        const before = this.#span;
        this.#measure();
        const { x: atX, y: atY, spread } = this.#span;
        const factor = before.spread > 0 && spread > 0 ? spread / before.spread : 1;
        return [{ kind: "view", x: atX, y: atY, dxPx: atX - before.x, dyPx: atY - before.y, factor }];
      }
      default:
        return [];
    }
  }

  up(id: number, nowMs: number): TouchAct[] {
    const finger = this.#fingers.get(id);
    if (finger === undefined) return [];
    const acts: TouchAct[] = [];
    // Quicker than the grace: a short drag all the same.
    if (this.#gesture === "pending" && id === this.#lead && isFar(finger)) acts.push(...this.#dragNow(finger, nowMs));
    const leads = id === this.#lead;
    if (this.#fingers.size > 1) {
      this.#fingers.delete(id);
      if (this.#gesture === "two" && nowMs - this.#startedAtMs > 2 * TOGETHER_MS) this.#gesture = "two-late";
      // Beside one that leads, others do not count; without it, what it did is over.
      const single = this.#pressed !== 0 || this.#gesture === "cursor-move" || this.#gesture === "tap-drag";
      if (single && !leads) return acts;
      acts.push(...this.#cause(single ? "lift" : "one-lifted", nowMs, finger));
      if (this.#gesture === "idle") this.#gesture = "ignored";
      if (this.#gesture === "parting") this.#movedAtMs = nowMs;
      return acts;
    }
    const quick =
      this.#gesture === "parting" ? nowMs - this.#movedAtMs <= PARTING_MS : nowMs - this.#startedAtMs < TAP_MS;
    acts.push(...this.#cause(quick ? "lift" : "late-lift", nowMs, finger));
    this.#fingers.delete(id);
    if (this.#gesture === "coast" && !this.#momentum.start(nowMs)) this.#gesture = "idle";
    if (this.#gesture !== "coast") this.#momentum.clear();
    return acts;
  }

  /** The browser took the fingers away, or the person turned to something else. */
  cancel(): TouchAct[] {
    const finger = this.#fingers.get(this.#lead);
    const acts = this.#cause("cancel", this.#movedAtMs, finger);
    if (this.#pressed !== 0) acts.push(this.#buttons(0, finger));
    this.#fingers.clear();
    this.#momentum.clear();
    this.#gesture = "idle";
    return acts;
  }

  /** What the fingers that are down do means nothing until all are up, nor does one that joins them. */
  ignoreTouches(): TouchAct[] {
    if (this.#fingers.size === 0) return [];
    const acts = this.#pressed === 0 ? [] : [this.#buttons(0, this.#fingers.get(this.#lead))];
    this.#momentum.clear();
    this.#gesture = "ignored";
    return acts;
  }

  /** Ms until `tick` is due; null when nothing waits. */
  wait(nowMs: number): number | null {
    const due = this.#dueMs();
    return due === null ? null : Math.max(0, due - nowMs);
  }

  tick(nowMs: number): TouchAct[] {
    const due = this.#dueMs();
    if (due === null || nowMs < due) return [];
    const finger = this.#fingers.get(this.#lead);
    if (this.#gesture === "pending" && finger !== undefined && isFar(finger)) return this.#dragNow(finger, nowMs);
    return this.#cause("timeout", nowMs, finger);
  }

  #dueMs(): number | null {
    const finger = this.#fingers.get(this.#lead);
    switch (this.#gesture) {
      case "pending":
        return this.#startedAtMs + (finger !== undefined && isFar(finger) ? GRACE_MS : HOLD_MS);
      case "tapped":
        return this.#movedAtMs + HALF_TAP_MS;
      case "coast":
        return this.#momentum.nextMs;
      default:
        return null;
    }
  }

  #cause(cause: Cause, nowMs: number, finger = this.#fingers.get(this.#lead)): TouchAct[] {
    const found = TABLES[this.#mode][this.#gesture][cause];
    if (found === undefined) return [];
    const [next, effect] = found;
    const before = this.#gesture;
    this.#gesture = next;
    return this.#effect(effect, before, nowMs, finger);
  }

  #effect(effect: Effect, before: Gesture, nowMs: number, finger: Finger | undefined): TouchAct[] {
    switch (effect) {
      case "hover":
        return [this.#buttons(0, before === "held" ? finger : this.#anchor)];
      case "press":
        this.#movedAtMs = nowMs;
        return [this.#buttons(this.button, this.#anchor)];
      case "release-press":
        this.#movedAtMs = nowMs;
        return [this.#buttons(0), this.#buttons(this.button)];
      case "release":
        return [this.#buttons(0, finger)];
      case "click": {
        const at = before === "aim" && finger !== undefined ? { x: finger.x, y: finger.y } : this.#anchor;
        if (at !== null && before !== "aim") this.#lastTap = { ...at, atMs: nowMs };
        return [this.#buttons(this.button, at), this.#buttons(0, at)];
      }
      case "right-click":
        return [this.#buttons(RIGHT, this.#anchor), this.#buttons(0, this.#anchor)];
      case "coast": {
        const rolled = this.#momentum.roll(nowMs);
        if (rolled === null) {
          this.#gesture = "idle";
          return [];
        }
        return [{ kind: "scroll", at: this.#scrollAt, ...rolled }];
      }
      case "none":
        return [];
    }
  }

  #buttons(buttons: number, at?: { x: number; y: number } | null): TouchAct {
    this.#pressed = buttons;
    return {
      kind: "buttons",
      at: this.#mode === "direct" && at !== undefined && at !== null ? { x: at.x, y: at.y } : null,
      buttons,
    };
  }

  #dragNow(finger: Finger, nowMs: number): TouchAct[] {
    return [...this.#cause("moved", nowMs, finger), this.#buttons(this.#pressed, finger)];
  }

  /** The pointer goes with the finger: to it, or as far as it went. */
  #follow(finger: Finger, dxPx: number, dyPx: number, nowMs: number): TouchAct[] {
    if (this.#mode === "direct") return [this.#buttons(this.#pressed, finger)];
    const gain = pointerGain(Math.hypot(dxPx, dyPx) / Math.max(1, nowMs - this.#movedAtMs));
    this.#movedAtMs = nowMs;
    return [{ kind: "nudge", dxPx: dxPx * gain, dyPx: dyPx * gain }];
  }

  /** Whether two fingers scroll or pinch. Their events come one by one: each step of one alone looks like a pinch. */
  #decide(nowMs: number): TouchAct[] {
    const [first, second] = [...this.#fingers.values()];
    if (first === undefined || second === undefined) return [];
    const alone = Math.max(travel(first), travel(second)) > DECIDED_ALONE_PX;
    if (!(first.moved && second.moved) && !alone) return [];
    const before = this.#span;
    this.#measure();
    const now = this.#span;
    this.#span = before;
    first.moved = false;
    second.moved = false;
    const way = Math.hypot(now.x - before.x, now.y - before.y);
    const spread = Math.abs(now.spread - before.spread);
    if (Math.max(way, spread) < DECIDED_PX) return [];
    this.#span = now;
    return this.#cause(spread > way || this.pannable ? "pinch" : "parallel", nowMs);
  }

  #measure(): void {
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

/** How much farther than the finger a trackpad's pointer goes. */
export function pointerGain(pxPerMs: number): number {
  const share = (pxPerMs - GAIN_FROM_PX_PER_MS) / (GAIN_TO_PX_PER_MS - GAIN_FROM_PX_PER_MS);
  return 1 + (GAIN_MAX - 1) * Math.max(0, Math.min(1, share));
}
