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
  | "rest"
  | "glide"
  | "tapped"
  | "half"
  | "pull"
  /** Two fingers that may still be a tap; two that came apart in time and click nothing. */
  | "two"
  | "pair"
  | "scroll"
  | "view"
  /** One of two scrolling fingers is up; the picture rolls on; a finger stopped it, which is no tap. */
  | "parting"
  | "coast"
  | "calm"
  /** Whatever follows until all fingers are up means nothing. */
  | "spent";

export type Cause =
  | "first"
  /** A second finger, soon after the first or late; and any further one. */
  | "second"
  | "late"
  | "third"
  /** The finger went beyond the slop. */
  | "far"
  /** Time is up: of a hold, of the half tap, of the coast. */
  | "due"
  /** Two fingers moved alike, or against each other. */
  | "alike"
  | "apart"
  /** The last finger is up; it was up too soon or too late to be a tap; one of two is up. */
  | "lift"
  | "slow"
  | "part"
  | "cancel";

export type Effect =
  | "none"
  | "hover"
  | "press"
  | "release"
  /** Press, and release at the same place. */
  | "click"
  | "menu"
  /** The end of a tap's press, and another one. */
  | "again"
  | "roll";

type Row = Partial<Record<Cause, readonly [Gesture, Effect]>>;
export type Table = Readonly<Record<Gesture, Row>>;

const END: Row = { lift: ["idle", "none"], slow: ["idle", "none"], cancel: ["idle", "none"] };
const RELEASE: Row = { lift: ["idle", "release"], slow: ["idle", "release"], cancel: ["idle", "release"] };
const SPENT: Row = { second: ["spent", "none"], late: ["spent", "none"] };
/** A hand that comes down beside a drag must not end it. */
const APART: Row = {
  ...END,
  third: ["spent", "none"],
  part: ["spent", "none"],
  alike: ["scroll", "none"],
  apart: ["view", "none"],
};

const TWO_FINGERS = {
  two: { ...APART, part: ["spent", "menu"], slow: ["idle", "none"] },
  pair: APART,
  scroll: { ...END, third: ["spent", "none"], part: ["parting", "none"] },
  view: { ...END, third: ["spent", "none"], part: ["spent", "none"] },
  parting: { ...END, ...SPENT, lift: ["coast", "none"], slow: ["idle", "none"] },
  coast: { first: ["calm", "none"], due: ["coast", "roll"], cancel: ["idle", "none"] },
  spent: END,
} as const satisfies Partial<Table>;

export const TABLES: Readonly<Record<TouchMode, Table>> = {
  direct: {
    ...TWO_FINGERS,
    idle: { first: ["pending", "hover"] },
    pending: {
      ...END,
      second: ["two", "none"],
      late: ["pair", "none"],
      far: ["drag", "press"],
      due: ["held", "none"],
      lift: ["idle", "click"],
      slow: ["idle", "click"],
    },
    drag: RELEASE,
    held: { ...END, ...SPENT, far: ["aim", "hover"], lift: ["idle", "menu"], slow: ["idle", "menu"] },
    aim: { ...END, ...SPENT, lift: ["idle", "click"], slow: ["idle", "click"] },
    calm: { ...END, second: ["pair", "none"], late: ["pair", "none"], far: ["drag", "press"] },
    rest: {},
    glide: {},
    tapped: {},
    half: {},
    pull: {},
  },
  trackpad: {
    ...TWO_FINGERS,
    idle: { first: ["rest", "none"] },
    rest: {
      ...END,
      second: ["two", "none"],
      late: ["pair", "none"],
      far: ["glide", "none"],
      lift: ["tapped", "press"],
    },
    glide: { ...END, second: ["pair", "none"], late: ["pair", "none"] },
    tapped: { due: ["idle", "release"], first: ["half", "none"], cancel: ["idle", "release"] },
    half: {
      ...RELEASE,
      second: ["spent", "release"],
      late: ["spent", "release"],
      far: ["pull", "none"],
      lift: ["tapped", "again"],
    },
    pull: RELEASE,
    calm: { ...END, second: ["pair", "none"], late: ["pair", "none"], far: ["glide", "none"] },
    pending: {},
    drag: {},
    held: {},
    aim: {},
  },
};
