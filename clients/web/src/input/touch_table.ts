/**
 * What fingers do, as a table: state × cause → next state and effect. A cause that a state's row lacks changes nothing.
 *
 * Direct, as Windows does it: tap = click · move = drag · hold, then lift = right click · hold, then move = aim with the loupe, lift = click
 * there. A drag does not wait for a hold: reading pictures is dragging (window, zoom, pan) more than anything else.
 * Trackpad, as libinput does it: a tap presses, and lets go only when no half tap followed.
 * Two fingers, both modes: move = scroll (of a picture larger than its stage: pan) · pinch = zoom · tap = right click.
 */

export type TouchMode = "direct" | "trackpad";

export type Gesture =
  | "idle"
  /** Direct: one finger that has neither moved nor stayed. */
  | "pending"
  | "drag"
  | "held"
  | "aim"
  /** Trackpad: one finger that has not moved; the pointer under way; after a tap; the finger after it; the drag of both. */
  | "touching"
  | "cursor-move"
  | "tapped"
  | "second-touch"
  | "tap-drag"
  /** Two fingers that may still be a tap; two that came apart in time and click nothing. */
  | "two"
  | "two-late"
  | "scroll"
  | "view"
  /** One of two scrolling fingers is up; the picture rolls on; a finger stopped it, which is no tap. */
  | "parting"
  | "coast"
  | "coast-stopped"
  /** Whatever follows until all fingers are up means nothing. */
  | "ignored";

export type Cause =
  | "first"
  /** A second finger, soon after the first or late; and any further one. */
  | "second"
  | "late-second"
  | "third"
  /** The finger went beyond the slop. */
  | "moved"
  /** Time is up: of a hold, of the half tap, of the coast. */
  | "timeout"
  /** Two fingers moved alike, or against each other. */
  | "parallel"
  | "pinch"
  /** The last finger is up; it was up too soon or too late to be a tap; one of two is up. */
  | "lift"
  | "late-lift"
  | "one-lifted"
  | "cancel";

export type Effect =
  | "none"
  | "hover"
  | "press"
  | "release"
  /** Press, and release at the same place. */
  | "click"
  | "right-click"
  /** The end of a tap's press, and another one. */
  | "release-press"
  | "coast";

type Row = Partial<Record<Cause, readonly [Gesture, Effect]>>;
export type Table = Readonly<Record<Gesture, Row>>;

const END: Row = { lift: ["idle", "none"], "late-lift": ["idle", "none"], cancel: ["idle", "none"] };
const RELEASE: Row = { lift: ["idle", "release"], "late-lift": ["idle", "release"], cancel: ["idle", "release"] };
const SPENT: Row = { second: ["ignored", "none"], "late-second": ["ignored", "none"] };
/** A hand that comes down beside a drag must not end it. */
const APART: Row = {
  ...END,
  third: ["ignored", "none"],
  "one-lifted": ["ignored", "none"],
  parallel: ["scroll", "none"],
  pinch: ["view", "none"],
};

const TWO_FINGERS = {
  two: { ...APART, "one-lifted": ["ignored", "right-click"], "late-lift": ["idle", "none"] },
  "two-late": APART,
  scroll: { ...END, third: ["ignored", "none"], "one-lifted": ["parting", "none"] },
  view: { ...END, third: ["ignored", "none"], "one-lifted": ["ignored", "none"] },
  parting: { ...END, ...SPENT, lift: ["coast", "none"], "late-lift": ["idle", "none"] },
  coast: { first: ["coast-stopped", "none"], timeout: ["coast", "coast"], cancel: ["idle", "none"] },
  ignored: END,
} as const satisfies Partial<Table>;

export const TABLES: Readonly<Record<TouchMode, Table>> = {
  direct: {
    ...TWO_FINGERS,
    idle: { first: ["pending", "hover"] },
    pending: {
      ...END,
      second: ["two", "none"],
      "late-second": ["two-late", "none"],
      moved: ["drag", "press"],
      timeout: ["held", "none"],
      lift: ["idle", "click"],
      "late-lift": ["idle", "click"],
    },
    drag: RELEASE,
    held: {
      ...END,
      ...SPENT,
      moved: ["aim", "hover"],
      lift: ["idle", "right-click"],
      "late-lift": ["idle", "right-click"],
    },
    aim: { ...END, ...SPENT, lift: ["idle", "click"], "late-lift": ["idle", "click"] },
    "coast-stopped": {
      ...END,
      second: ["two-late", "none"],
      "late-second": ["two-late", "none"],
      moved: ["drag", "press"],
    },
    touching: {},
    "cursor-move": {},
    tapped: {},
    "second-touch": {},
    "tap-drag": {},
  },
  trackpad: {
    ...TWO_FINGERS,
    idle: { first: ["touching", "none"] },
    touching: {
      ...END,
      second: ["two", "none"],
      "late-second": ["two-late", "none"],
      moved: ["cursor-move", "none"],
      lift: ["tapped", "press"],
    },
    "cursor-move": { ...END, second: ["two-late", "none"], "late-second": ["two-late", "none"] },
    tapped: { timeout: ["idle", "release"], first: ["second-touch", "none"], cancel: ["idle", "release"] },
    "second-touch": {
      ...RELEASE,
      second: ["ignored", "release"],
      "late-second": ["ignored", "release"],
      moved: ["tap-drag", "none"],
      lift: ["tapped", "release-press"],
    },
    "tap-drag": RELEASE,
    "coast-stopped": {
      ...END,
      second: ["two-late", "none"],
      "late-second": ["two-late", "none"],
      moved: ["cursor-move", "none"],
    },
    pending: {},
    drag: {},
    held: {},
    aim: {},
  },
};
