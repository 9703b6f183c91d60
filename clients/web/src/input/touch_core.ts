/**
 * Fingers to a mouse. Pure: time is an argument, and `wait` asks to be called again.
 *
 *     one finger: tap = click · move = drag · hold = right click     two fingers: move = wheel · tap = right click
 */

/** Farther than this a finger moves on purpose, CSS px. */
const SLOP_PX = 8;
/** A finger that stays this long means the other button. */
const HOLD_MS = 550;

export type TouchAct =
  | { readonly kind: "move"; readonly x: number; readonly y: number }
  | { readonly kind: "buttons"; readonly x: number; readonly y: number; readonly buttons: number }
  | { readonly kind: "scroll"; readonly x: number; readonly y: number; readonly dxPx: number; readonly dyPx: number };

type Gesture = "idle" | "pending" | "drag" | "held" | "two" | "scroll" | "spent";

interface Finger {
  startX: number;
  startY: number;
  x: number;
  y: number;
}

const LEFT = 1;
const RIGHT = 4;

/** Positions are CSS px on the page. */
export class TouchCore {
  readonly #fingers = new Map<number, Finger>();
  #gesture: Gesture = "idle";
  #startedAtMs = 0;

  down(id: number, x: number, y: number, nowMs: number): TouchAct[] {
    this.#fingers.set(id, { startX: x, startY: y, x, y });
    if (this.#fingers.size === 1) {
      this.#gesture = "pending";
      this.#startedAtMs = nowMs;
      return [{ kind: "move", x, y }];
    }
    const acts: TouchAct[] = this.#gesture === "drag" ? [{ kind: "buttons", x, y, buttons: 0 }] : [];
    this.#gesture = this.#fingers.size === 2 && this.#gesture === "pending" ? "two" : "spent";
    return acts;
  }

  move(id: number, x: number, y: number): TouchAct[] {
    const finger = this.#fingers.get(id);
    if (finger === undefined) return [];
    const dxPx = finger.x - x;
    const dyPx = finger.y - y;
    finger.x = x;
    finger.y = y;
    const far = Math.hypot(x - finger.startX, y - finger.startY) > SLOP_PX;
    switch (this.#gesture) {
      case "pending":
        if (!far) return [];
        this.#gesture = "drag";
        return [
          { kind: "buttons", x: finger.startX, y: finger.startY, buttons: LEFT },
          { kind: "buttons", x, y, buttons: LEFT },
        ];
      case "drag":
        return [{ kind: "buttons", x, y, buttons: LEFT }];
      case "held":
        return [{ kind: "buttons", x, y, buttons: RIGHT }];
      case "two":
        if (!far) return [];
        this.#gesture = "scroll";
        return [];
      case "scroll":
        // Each of two fingers tells its own way; together they are one.
        return [{ kind: "scroll", x, y, dxPx: dxPx / 2, dyPx: dyPx / 2 }];
      default:
        return [];
    }
  }

  up(id: number): TouchAct[] {
    const finger = this.#fingers.get(id);
    if (finger === undefined) return [];
    this.#fingers.delete(id);
    const { x, y, startX, startY } = finger;
    const gesture = this.#gesture;
    this.#gesture = this.#fingers.size === 0 ? "idle" : "spent";
    switch (gesture) {
      case "pending":
        return click(startX, startY, LEFT);
      case "two":
        return click(startX, startY, RIGHT);
      case "drag":
      case "held":
        return [{ kind: "buttons", x, y, buttons: 0 }];
      default:
        return [];
    }
  }

  /** The browser took the fingers away. */
  cancel(): TouchAct[] {
    const [finger] = this.#fingers.values();
    const pressed = this.#gesture === "drag" || this.#gesture === "held";
    this.#fingers.clear();
    this.#gesture = "idle";
    return finger !== undefined && pressed ? [{ kind: "buttons", x: finger.x, y: finger.y, buttons: 0 }] : [];
  }

  /** Ms until `held` is due; null when no finger waits. */
  wait(nowMs: number): number | null {
    return this.#gesture === "pending" ? Math.max(0, this.#startedAtMs + HOLD_MS - nowMs) : null;
  }

  held(nowMs: number): TouchAct[] {
    const [finger] = this.#fingers.values();
    if (finger === undefined || this.wait(nowMs) !== 0) return [];
    this.#gesture = "held";
    return [{ kind: "buttons", x: finger.startX, y: finger.startY, buttons: RIGHT }];
  }
}

function click(x: number, y: number, buttons: number): TouchAct[] {
  return [
    { kind: "buttons", x, y, buttons },
    { kind: "buttons", x, y, buttons: 0 },
  ];
}
