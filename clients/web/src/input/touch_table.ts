/**
 * The transition table of touch gestures: state and cause → next state and effect. A cause that is missing in
 * a state's row changes nothing.
 *
 * Direct mode works as on Windows: tap = click · move = drag · hold and lift = right click · hold and move =
 * aim with the magnifier, then lift = click there. A drag needs no hold first, because radiologists mostly
 * drag (window, zoom, pan). Trackpad mode works as in libinput: a tap presses the button and releases it
 * unless a second touch follows at once. Two fingers, in both modes: move = scroll (or pan, when the surface
 * is larger than the viewport) · pinch = zoom · tap = right click.
 *
 * With another tool than the pointer (`touch_tools.ts`) one finger that moves scrolls, drags slowly or pans, in both
 * modes. A tap, a hold and two fingers keep their meaning.
 */

export type TouchMode = "direct" | "trackpad";

/** State of the touch gesture. */
export type Gesture =
  /** No finger is down. */
  | "idle"
  /** Direct mode: one finger is down and has neither moved nor been held long enough. */
  | "pending"
  /** Direct mode: one finger drags with the button pressed. */
  | "drag"
  /** Direct mode: one finger was held still; lifting it gives a right click. */
  | "held"
  /** Direct mode: after a hold, the finger aims with the magnifier; lifting it clicks. */
  | "aim"
  /** Trackpad mode: one finger is down and has not moved. */
  | "touching"
  /** Trackpad mode: one finger moves the pointer without a button. */
  | "cursor-move"
  /** Trackpad mode: a tap pressed the button; its release waits for a second touch. */
  | "tapped"
  /** Trackpad mode: a second touch follows a tap; the button is still pressed. */
  | "second-touch"
  /** Trackpad mode: the second touch moves, which drags. */
  | "tap-drag"
  /** One finger turns the wheel, notch by notch. */
  | "swipe"
  /** One finger drags with the button pressed, at a speed of its own. */
  | "adjust"
  /** One finger pans the view. */
  | "slide"
  /** Two fingers that came down together and may still be a two-finger tap. */
  | "two"
  /** Two fingers that came down one after the other and cannot be a tap. */
  | "two-late"
  /** Two fingers scroll. */
  | "scroll"
  /** Two fingers pan and zoom the view. */
  | "view"
  /** One of two scrolling fingers was lifted. */
  | "parting"
  /** All fingers are lifted and momentum continues the scroll. */
  | "coast"
  /** A finger stopped the momentum; lifting it is not a tap. */
  | "coast-stopped"
  /** Everything is ignored until all fingers are lifted. */
  | "ignored";

/** Event that can change the gesture. */
export type Cause =
  /** The first finger came down. */
  | "first"
  /** A second finger came down in time for a two-finger tap. */
  | "second"
  /** A second finger came down too late for a two-finger tap. */
  | "late-second"
  /** A third or further finger came down. */
  | "third"
  /** The finger moved farther than it would unintentionally. */
  | "moved"
  /** The same, while one finger scrolls. */
  | "swiped"
  /** The same, while one finger drags at a speed of its own. */
  | "adjusted"
  /** The same, while one finger pans the view. */
  | "slid"
  /** The timer of a hold, of a tap or of the momentum expired. */
  | "timeout"
  /** Two fingers moved in the same direction. */
  | "parallel"
  /** Two fingers moved apart or towards each other. */
  | "pinch"
  /** The last finger was lifted in time for a tap. */
  | "lift"
  /** The last finger was lifted too late for a tap. */
  | "late-lift"
  /** One of two fingers was lifted. */
  | "one-lifted"
  /** The gesture was cancelled. */
  | "cancel";

/** What a transition does to the pointer. */
export type Effect =
  | "none"
  /** Move the pointer without a button. */
  | "hover"
  | "press"
  | "release"
  /** Press and release at the same position. */
  | "click"
  | "right-click"
  /** Release the button and press it again, for a double click. */
  | "release-press"
  /** Scroll one step further by momentum. */
  | "coast";

type Row = Partial<Record<Cause, readonly [Gesture, Effect]>>;
export type Table = Readonly<Record<Gesture, Row>>;

/** Ends the gesture without an effect. */
const END: Row = { lift: ["idle", "none"], "late-lift": ["idle", "none"], cancel: ["idle", "none"] };
/** Ends the gesture and releases the button. */
const RELEASE: Row = { lift: ["idle", "release"], "late-lift": ["idle", "release"], cancel: ["idle", "release"] };
/** Further fingers turn the gesture into an ignored one. */
const IGNORE_MORE: Row = { second: ["ignored", "none"], "late-second": ["ignored", "none"] };
/** Two fingers whose movement decides between scroll and pinch. */
const TWO_UNDECIDED: Row = {
  ...END,
  third: ["ignored", "none"],
  "one-lifted": ["ignored", "none"],
  parallel: ["scroll", "none"],
  pinch: ["view", "none"],
};

/** A second finger may still pinch, but no longer tap. */
const PINCH_NEXT: Row = { second: ["two-late", "none"], "late-second": ["two-late", "none"] };
/** What a moving finger does with a tool other than the pointer. */
const BY_TOOL: Row = { swiped: ["swipe", "none"], adjusted: ["adjust", "press"], slid: ["slide", "none"] };

const ONE_FINGER = {
  swipe: { ...PINCH_NEXT, lift: ["coast", "none"], "late-lift": ["coast", "none"], cancel: ["idle", "none"] },
  adjust: RELEASE,
  slide: { ...END, ...PINCH_NEXT },
} as const satisfies Partial<Table>;

const TWO_FINGERS = {
  two: { ...TWO_UNDECIDED, "one-lifted": ["ignored", "right-click"], "late-lift": ["idle", "none"] },
  "two-late": TWO_UNDECIDED,
  scroll: { ...END, third: ["ignored", "none"], "one-lifted": ["parting", "none"] },
  view: { ...END, third: ["ignored", "none"], "one-lifted": ["ignored", "none"] },
  parting: { ...END, ...IGNORE_MORE, lift: ["coast", "none"], "late-lift": ["idle", "none"] },
  coast: { first: ["coast-stopped", "none"], timeout: ["coast", "coast"], cancel: ["idle", "none"] },
  ignored: END,
} as const satisfies Partial<Table>;

export const TABLES: Readonly<Record<TouchMode, Table>> = {
  direct: {
    ...ONE_FINGER,
    ...TWO_FINGERS,
    idle: { first: ["pending", "hover"] },
    pending: {
      ...END,
      ...BY_TOOL,
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
      ...IGNORE_MORE,
      moved: ["aim", "hover"],
      lift: ["idle", "right-click"],
      "late-lift": ["idle", "right-click"],
    },
    aim: { ...END, ...IGNORE_MORE, lift: ["idle", "click"], "late-lift": ["idle", "click"] },
    "coast-stopped": {
      ...END,
      ...BY_TOOL,
      ...PINCH_NEXT,
      moved: ["drag", "press"],
    },
    touching: {},
    "cursor-move": {},
    tapped: {},
    "second-touch": {},
    "tap-drag": {},
  },
  trackpad: {
    ...ONE_FINGER,
    ...TWO_FINGERS,
    idle: { first: ["touching", "none"] },
    touching: {
      ...END,
      ...BY_TOOL,
      second: ["two", "none"],
      "late-second": ["two-late", "none"],
      moved: ["cursor-move", "none"],
      lift: ["tapped", "press"],
    },
    "cursor-move": { ...END, ...PINCH_NEXT },
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
      ...BY_TOOL,
      ...PINCH_NEXT,
      moved: ["cursor-move", "none"],
    },
    pending: {},
    drag: {},
    held: {},
    aim: {},
  },
};
