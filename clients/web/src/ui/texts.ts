/** All texts of the user interface in English; `texts_ko.ts` has the same texts in Korean. */

import type { PatternName } from "../check/check_core.ts";
import type { TouchMode } from "../input/touch_table.ts";
import type { FingerTool } from "../input/touch_tools.ts";
import type { ShownState } from "../protocol/badge_state.ts";
import { englishBadgeReader } from "./badge_reader/texts.ts";
import { englishDevice } from "./device/texts.ts";
import { englishEmergency } from "./emergency/texts.ts";
import { englishMessages } from "./messages.ts";
import { type Language, language } from "./preferences.ts";
import { englishProvider } from "./provider/texts.ts";
import { englishMySignIn, englishSecondFactor } from "./second_factor/texts.ts";
import { korean } from "./texts_ko.ts";

/** Each gesture and its effect, by the name of its icon; gestures under `both` exist in both modes. */
type GestureRows = Readonly<Record<TouchMode | "both", Readonly<Partial<Record<string, readonly [string, string]>>>>>;

export const english = {
  product: "Lightbox",
  messages: englishMessages,
  tagline: "Virtual desktops, exact to the pixel",
  administration: "Administration",
  signIn: {
    title: "Sign in",
    username: "Username",
    password: "Password",
    submit: "Sign in",
    busy: "Signing in…",
    certificate: "Download this server’s certificate",
  },
  provider: englishProvider,
  secondFactor: englishSecondFactor,
  mySignIn: englishMySignIn,
  device: englishDevice,
  badgeReader: englishBadgeReader,
  emergency: englishEmergency,
  desktops: {
    title: "Desktops",
    tools: "Tools",
    loading: "Loading your desktops…",
    failed: "The list of desktops could not be loaded.",
    retry: "Try again",
    profiles: { radiology: "Radiology", office: "Office", check: "Quality control" } as Readonly<
      Record<string, string>
    >,
    homes: {
      kept: "",
      "until-sign-out": "Fresh each time; its files are deleted when you sign out",
      "until-end": "Fresh each time; its files are deleted when it ends",
    },
    states: {
      ready: "Ready",
      running: "Running",
      starting: "Starting",
      stopped: "Starts when opened",
      off: "Starts when opened",
      spare: "Opens at once",
      none: "Starts when opened",
      ended: "Starts when opened",
      failed: "Failed – opening it starts it again",
    } as Readonly<Record<string, string>>,
  },
  endDesktop: {
    open: "End or restart…",
    title: (desktop: string) => `End or restart “${desktop}”?`,
    keep: "Keep it running",
    restart: "Restart",
    end: "End",
    hours: (n: string) => `${n} h`,
    minutes: (n: string) => `${n} min`,
  },
  bar: {
    label: "Desktop controls",
    handle: "Desktop controls (Ctrl+Alt+Home). Drag, or use the arrow keys, to move them",
    fullscreen: "Full screen",
    leaveFullscreen: "Leave full screen",
    fit: "Fit to window",
    actual: "Actual size (1:1)",
    keyboard: "On-screen keyboard",
    monitors: "Monitors",
    touch: "Touch gestures",
    trace: "Frame times",
    paste: "Send this device’s clipboard to the desktop",
    desktops: "Back to the list of desktops",
    lock: "Lock the screen",
    signOut: "Sign out",
    /** Visible names below the icons; each is a part of the full name above. */
    short: {
      fullscreen: "Full screen",
      leaveFullscreen: "Leave",
      fit: "Fit",
      actual: "Actual",
      keyboard: "Keyboard",
      monitors: "Monitors",
      touch: "Touch",
      trace: "Frame times",
      paste: "Clipboard",
      desktops: "Desktops",
      lock: "Lock",
      signOut: "Sign out",
    },
  },
  understood: "Understood",
  lock: {
    title: "Locked",
    password: "Password",
    unlock: "Unlock",
    busy: "Unlocking…",
    someoneElse: "Sign out, or sign in as someone else",
    stay: "Go on",
    seconds: (s: number) => `${s} s`,
  },
  signingOut: {
    title: "Signing out",
    busy: "Waiting for the server…",
    again: "Try again now",
    next: (s: number) => `Next attempt in ${s} s`,
  },
  settings: {
    language: "한국어 – 이 언어로 보기",
    colours: "Colours",
    theme: { system: "Colours: automatic (dark beside images)", light: "Colours: light", dark: "Colours: dark" },
    optionTypes: "The left Option key (⌥) types characters such as @. Use it as Alt instead",
    optionIsAlt: "The left Option key (⌥) is Alt. Let it type characters such as @ instead",
  },
  badge: {
    label: (state: string) => `Image: ${state}. Show details`,
    title: "Image",
    close: "Close",
    states: {
      exact: "Exact",
      refining: "Refining",
      lossy: "Lossy",
      scaled: "Scaled",
      unverified: "Unverified",
    } satisfies Record<ShownState, string> as Readonly<Record<ShownState, string>>,
    meaning: {
      exact:
        "Every pixel on this screen was read back and is identical to the desktop’s. Whether a program on the desktop shows its image at 1:1, only that program says.",
      refining: "New pixels, or their verification, have not arrived yet.",
      lossy: "Parts of the image are approximate at the moment. Exact pixels follow.",
      scaled:
        "The received pixels are exact, but the image is enlarged or reduced. Choose the actual size (1:1) to see them unchanged.",
      unverified: "At the moment, nothing verifies that this image is correct. Do not use it for diagnosis.",
    } satisfies Record<ShownState, string> as Readonly<Record<ShownState, string>>,
    readbackAltered: "this browser alters what is read back",
    readbackAlteredMeaning:
      "This browser alters what a page reads back from its own image, as a protection against being recognized. So nothing can verify that this image is correct. Do not use it for diagnosis.",
    readbackHelp: {
      firefox:
        "To allow it in Firefox for this site: choose the shield next to the address and turn off Enhanced Tracking Protection, or allow canvas data in the permissions next to the address. In about:config, privacy.resistFingerprinting must be off. A normal window helps where a private one does not.",
      brave:
        "To allow it in Brave for this site: choose the Shields icon next to the address, then Advanced controls, and allow fingerprinting.",
      other:
        "To allow it for this site: use a normal instead of a private window, and switch off the browser’s or an extension’s protection against fingerprinting.",
    },
    unrepairedHelp: (tiles: string) =>
      `${tiles} tiles stay wrong although they were sent several times. They are sent again when they change. Reload the page, or use another browser.`,
    unrepaired: "Tiles that stay wrong",
    epoch: "Number of this image",
    age: "Last verified",
    ageValue: (s: string) => `${s} s ago`,
    never: "never",
    monitor: "Monitor",
    scaling: "Scaling",
    scalings: { squares: "enlarged by a whole number", area: "averaged", browser: "by the browser’s filter" },
    verified: "Verified tiles",
    verifiedOf: (verified: string, tiles: string) => `${verified} of ${tiles}`,
    verifiedTotal: "Verified in total",
    mismatches: "Mismatches",
    encodings: "Encodings",
    cached: "from cache",
    moved: "moved",
    ratio: "Compression",
    bytes: "Received",
    updates: "Updates",
    dropped: "Skipped updates",
    video: "Video",
    videoStates: { off: "none", connecting: "connecting", ready: "ready", playing: "playing", failed: "not possible" },
    videoFrames: "Video frames",
    videoBytes: "Video data",
    datagrams: "Pointer motions over UDP",
    waiting: "Waiting for statistics…",
    showFigures: "Show the figures",
    hideFigures: "Hide the figures",
  },
  trace: {
    title: "Frame times",
    move: "Frame times. Drag, or use the arrow keys, to move them",
    close: "Close the frame times",
    waiting: "Waiting for frames…",
    stages: {
      capture: "Capture",
      diff: "Diff",
      encode: "Encode",
      queue: "Send",
      network: "Network",
      decode: "Decode",
      show: "Show",
    },
    total: "Total",
    roundTrip: (ms: string) => `Round trip ${ms} ms`,
    rate: (fps: string, mbit: string) => `${fps} frames/s   ${mbit} Mbit/s`,
  },
  connection: {
    connecting: "Connecting to the desktop…",
    starting: "Preparing the desktop…",
    startingSince: (s: string) => `${s} s so far. A busy server may need up to 40 s.`,
    wait: "Wait",
    restartDisplay: "Restart the display",
    endDesktop: "End or restart the desktop…",
    next: (s: string, attempt: number) => `Attempt ${attempt} in ${s} s`,
    now: (attempt: number) => `Attempt ${attempt}…`,
    retryNow: "Try now",
    toList: "Go to the list of desktops",
    again: "Try again",
    takeBack: "Move it back here",
    movedTo: (device: string) => `It is now on: ${device}`,
    firstMonitor: "Show monitor 1",
    reload: "Reload",
    signIn: "Sign in",
  },
  gestures: {
    title: "Touch gestures",
    close: "Close",
    mode: "How fingers work",
    modes: { direct: "Direct touch", trackpad: "Trackpad" } satisfies Record<TouchMode, string> as Readonly<
      Record<TouchMode, string>
    >,
    meaning: {
      direct: "Everything happens right under your finger.",
      trackpad: "Your finger moves a pointer, wherever it touches the screen.",
    } satisfies Record<TouchMode, string> as Readonly<Record<TouchMode, string>>,
    rows: {
      both: {
        twoTap: ["Two-finger tap", "Right click"],
        twoScroll: ["Two fingers up or down", "Scroll; continues until you touch again"],
        pinch: ["Pinch", "Enlarge the image, on this device only"],
        zoomed: ["Two fingers when enlarged", "Move the enlarged image"],
        fingerScroll: ["Move one finger up or down", "Scroll, one notch at a time; a flick continues"],
        fingerWindow: ["Move one finger", "Drag slowly; in most image viewers this sets window and level"],
        fingerPan: [
          "Move one finger",
          "Move the enlarged image; otherwise drag with the middle button, which pans in most image viewers",
        ],
        threeSwipe: ["Three fingers to the side", "Next monitor, if there are several"],
      },
      direct: {
        tap: ["Tap", "Click"],
        doubleTap: ["Double tap", "Double click, both on the same pixel"],
        drag: ["Move one finger", "Drag"],
        hold: ["Hold, then lift", "Right click"],
        aim: ["Hold, then move", "Aim with the loupe; lifting clicks there"],
      },
      trackpad: {
        move: ["Move one finger", "Move the pointer"],
        tap: ["Tap", "Click at the pointer"],
        doubleTap: ["Double tap", "Double click"],
        tapDrag: ["Tap, then move", "Drag"],
      },
    } as GestureRows,
    tools: "What one moving finger does is chosen with the button at the side of the screen.",
    palm: "A resting palm, a finger that touches late, and fingers beside a pen are ignored.",
  },
  monitors: {
    title: "Monitors",
    close: "Close",
    name: (number: number) => `Monitor ${number}`,
    here: "Shown here",
    isOpen: "In another window",
    notOpen: "Not open",
    open: (number: number) => `Open monitor ${number} in its own window`,
    openAll: "Open a window for each monitor",
    useDisplays: "Use all my displays",
    keys: "Press Ctrl+Alt+1 to 6, or swipe sideways with three fingers, to show another monitor in this window.",
    split: "Two monitors side by side",
    single: "One monitor only",
    arrange: "Layout",
    count: "Number of monitors",
    shape: "Arrangement",
    shapes: { row: "Side by side", column: "One above the other", grid: "Two rows" } as Readonly<
      Record<"row" | "column" | "grid", string>
    >,
    scale: "Text size",
    thisDisplay: "this display",
    keepSize: "Keep these sizes when the window changes",
    otherSizes: "The sizes follow the windows of the device that opened this desktop first.",
    apply: "Apply",
    total: (width: number, height: number) => `${width} × ${height} pixels in total`,
    attached: "The monitors of this desktop are arranged on the computer where it runs.",
  },
  /** The control at the side of the screen that chooses what one moving finger does. */
  fingers: {
    label: "What one moving finger does",
    current: (tool: string) => `One finger: ${tool}`,
    tools: { scroll: "Scroll", window: "Window/level", pan: "Pan", pointer: "Pointer" } satisfies Record<
      FingerTool,
      string
    > as Readonly<Record<FingerTool, string>>,
    sensitivity: (level: number, levels: number) => `Sensitivity ${level} of ${levels}`,
    less: "Less sensitive",
    more: "More sensitive",
  },
  keys: {
    label: "Extra keys",
    escape: "Esc (Escape)",
    tab: "Tab",
    delete: "Del (Delete)",
    control: "Ctrl for the next key; tap twice to lock",
    alt: "Alt for the next key; tap twice to lock",
    shift: "Shift for the next key; tap twice to lock",
    super: "Super for the next key; tap twice to lock",
    left: "Left",
    up: "Up",
    down: "Down",
    right: "Right button for the next press; tap twice to lock",
    rightArrow: "Right",
    home: "Home",
    end: "End",
    pageUp: "PgUp (Page up)",
    pageDown: "PgDn (Page down)",
    hangul: "한/영 – switches between Hangul and English on the desktop",
    hanja: "한자 – converts to Hanja on the desktop",
    middle: "Middle button for the next press; tap twice to lock",
    functions: "Fn – function keys",
    ctrlAltDel: "Ctrl+Alt+Del",
    softKeyboard: "On-screen keyboard",
    close: "Close the extra keys",
  },
  check: {
    title: "Display check",
    move: "Move this panel",
    progress: "Progress of the check",
    back: "Back",
    close: "Close",
    intro:
      "Lightbox draws test patterns on the desktop and verifies, pixel by pixel, that they arrive on this screen. Answer what you see.",
    introHint:
      "Sit as you do when you read images, dim the light, and switch to full screen. The check takes about three minutes.",
    start: "Start",
    drawing: "Drawing…",
    yes: "Yes",
    no: "No",
    contrast: "Contrast",
    where: "Where is the square that differs?",
    nowhere: "I see none",
    places: ["Top left", "Top right", "Bottom left", "Bottom right"],
    exact: "every pixel is verified",
    scaled: "the image is enlarged or reduced: this check will fail",
    unproven: "not verified at the moment: this check will fail",
    storing: "Storing…",
    passed: "This display passed the check.",
    sees: (levels: readonly string[]) =>
      `Smallest difference seen, of 255 levels: ${levels[0]} near black, ${levels[1]} in the middle, ${levels[2]} near white.`,
    again: "Check again",
    history: "Earlier checks",
    ok: "passed",
    notOk: "failed",
    patterns: {
      "tg18-qc": "Based on TG18-QC",
      "tg270-sqc": "Based on TG270-sQC",
      smpte: "Based on SMPTE RP 133",
      pixels: "Single pixels",
    } satisfies Record<PatternName, string> as Readonly<Record<PatternName, string>>,
    questions: {
      "tg18-qc": [
        "Do you see the small squares inside the black and the white square?",
        "Do all sixteen grey patches differ, each with four faint corners?",
        "Can you read QUALITY CON or more of it on black, on grey and on white?",
      ],
      "tg270-sqc": [
        "Do all eighteen patches differ from their neighbours?",
        "Are both ramps smooth, without bands or colours?",
      ],
      smpte: [
        "Do you see the 5 % square in black and the 95 % square in white?",
        "Are the line pairs in the middle and in all corners sharp?",
      ],
      pixels: [
        "The lower middle field runs from black to white, again and again. Are the other five fields even, without larger squares or stripes?",
        "Is there a thin white line along every edge of the screen?",
      ],
    } satisfies Record<PatternName, readonly string[]> as Readonly<Record<PatternName, readonly string[]>>,
  },
  leave: {
    title: "Leave the desktop?",
    hint: "It keeps running. You can open it again from the list of desktops.",
    stay: "Stay",
    leave: "Go to the list of desktops",
  },
  clipboard: {
    copied: "Copied on the desktop – tap to copy it to this device",
  },
  zoom: (percent: number) => `Enlarged to ${percent} % – tap to show the whole image`,
  surface: (name: string) => `Desktop ${name}`,
  field: "Keyboard input of the desktop",
};

export type Texts = typeof english;

const ALL: Readonly<Record<Language, Texts>> = { en: english, ko: korean };

/** Returns the texts in the current language. */
export function texts(): Texts {
  return ALL[language()];
}
