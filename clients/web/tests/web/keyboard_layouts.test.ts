/**
 * Keyboards of other people and other systems: what the browser reports, and what the desktop must receive.
 *
 * The rule (PROTOCOL.md §2): a character is typed as its keysym; a shortcut is the modifiers that the person
 * holds plus the key that they mean; Caps Lock and Num Lock change neither.
 *
 * Each case names the source of its events:
 * - `recorded`: real keys by XTEST with the layout of `setxkbmap`, in Chromium 156, Firefox ESR 153 and
 *   WebKitGTK 2.50 (`tests/e2e/test_keyboard_layouts.py` repeats them with real browsers);
 * - `UI Events`: W3C, UI Events KeyboardEvent key Values and code Values;
 * - `Chromium`, `Firefox`, `WebKit`: the engine's source.
 */

import { describe, expect, it } from "vitest";
import { KeyboardCore, type KeyboardOptions } from "../../src/input/keyboard_core.ts";
import type { KeyInput } from "../../src/input/keysym.ts";
import { platformOf } from "../../src/ui/platform.ts";

/** One event: `down` or `up`, key, code, flags (S Shift, C Control, A Alt, M Meta, G AltGr), location. */
type Step = readonly [kind: "down" | "up", key: string, code: string, flags?: string, location?: number];

interface Case {
  readonly name: string;
  readonly source: string;
  readonly options?: Partial<KeyboardOptions>;
  readonly steps: readonly Step[];
  /** Names or characters of the keys that are pressed (+) and released (-) on the desktop, in order. */
  readonly desktop: string;
}

const NAMES: Readonly<Record<number, string>> = {
  65505: "Shift",
  65506: "ShiftR",
  65507: "Ctrl",
  65508: "CtrlR",
  65513: "Alt",
  65515: "Super",
  65360: "Home",
  65361: "Left",
  65429: "KP_Home",
  65463: "KP_7",
};

function nameOf(keysym: number): string {
  return NAMES[keysym] ?? String.fromCodePoint(keysym >= 0x1000000 ? keysym - 0x1000000 : keysym);
}

function play({ options, steps }: Case): string {
  const defaults = { platform: "other", commandIsControl: true, optionIsAlt: false } as const;
  const core = new KeyboardCore({ ...defaults, ...options });
  const sent: string[] = [];
  for (const [number, [kind, key, code, flags = "", location = 0]] of steps.entries()) {
    const input: KeyInput = {
      key,
      code,
      location,
      shiftKey: flags.includes("S"),
      ctrlKey: flags.includes("C"),
      altKey: flags.includes("A"),
      metaKey: flags.includes("M"),
      altGraph: flags.includes("G"),
    };
    const decision = kind === "down" ? core.keyDown(input, number) : core.keyUp(input);
    if (decision.kind === "browser") sent.push(kind === "down" ? `(${key})` : "");
    else for (const { keysym, down } of decision.messages) sent.push(`${down ? "+" : "-"}${nameOf(keysym)}`);
  }
  return sent.filter((name) => name !== "").join(" ");
}

const control = (key: string, code: string, flags = "C"): readonly Step[] => [
  ["down", "Control", "ControlLeft", "C", 1],
  ["down", key, code, flags],
  ["up", key, code, flags],
  ["up", "Control", "ControlLeft", "", 1],
];

const alt = (key: string, code: string): readonly Step[] => [
  ["down", "Alt", "AltLeft", "A", 1],
  ["down", key, code, "A"],
  ["up", key, code, "A"],
  ["up", "Alt", "AltLeft", "", 1],
];

const CTRL_C = "+Ctrl +c -c -Ctrl";
const OTHER_SCRIPTS: readonly (readonly [layout: string, key: string])[] = [
  ["Russian", "с"],
  ["Greek", "ψ"],
  ["Hebrew", "ב"],
  ["Arabic", "ؤ"],
  ["Thai", "แ"],
  ["Korean", "ㅊ"],
  ["Japanese kana", "そ"],
];
/** Layouts whose events no engine was seen to send. */
const NOT_RECORDED: ReadonlySet<string> = new Set(["Korean", "Japanese kana"]);
const LATIN: readonly (readonly [layout: string, code: string])[] = [
  ["US", "KeyC"],
  ["German", "KeyC"],
  ["French AZERTY", "KeyC"],
  ["BÉPO", "KeyH"],
  ["Dvorak", "KeyI"],
  ["Turkish F", "KeyV"],
  ["Neo", "KeyR"],
];

const CASES: readonly Case[] = [
  ...OTHER_SCRIPTS.map(([layout, key]) => ({
    name: `${layout}: Ctrl and the key of C`,
    source: NOT_RECORDED.has(layout) ? "untested: the layout's table, not a recorded event" : "recorded",
    steps: control(key, "KeyC"),
    desktop: CTRL_C,
  })),
  ...LATIN.map(([layout, code]) => ({
    name: `${layout}: Ctrl and the layout's own C`,
    source: "recorded",
    steps: control("c", code),
    desktop: CTRL_C,
  })),
  { name: "Russian: Alt+F", source: "recorded", steps: alt("а", "KeyF"), desktop: "+Alt +f -f -Alt" },
  {
    name: "Russian: Ctrl and the key of the slash, which is a full stop there",
    source: "recorded",
    steps: [["down", "а", "KeyF"], ["up", "а", "KeyF"], ...control(".", "Slash")],
    desktop: "+а -а +Ctrl +/ -/ -Ctrl",
  },
  {
    name: "French AZERTY: the layout's own sign",
    source: "recorded",
    steps: control("µ", "Backslash"),
    desktop: "+Ctrl +µ -µ -Ctrl",
  },
  {
    name: "Turkish: the key of the dotless i is I in shortcuts, on Turkish Q and F",
    source: "recorded",
    steps: control("ı", "KeyR"),
    desktop: "+Ctrl +i -i -Ctrl",
  },
  { name: "Caps Lock: Ctrl+S", source: "recorded", steps: control("S", "KeyS"), desktop: "+Ctrl +s -s -Ctrl" },
  {
    name: "Caps Lock: Ctrl+Shift+Z",
    source: "recorded",
    steps: [
      ["down", "Control", "ControlLeft", "C", 1],
      ["down", "Shift", "ShiftLeft", "SC", 1],
      ["down", "z", "KeyZ", "SC"],
      ["up", "z", "KeyZ", "SC"],
    ],
    desktop: "+Ctrl +Shift +Z -Z",
  },
  {
    name: "Caps Lock: a character is what it types",
    source: "recorded",
    steps: [
      ["down", "CapsLock", "CapsLock"],
      ["up", "CapsLock", "CapsLock"],
      ["down", "A", "KeyA"],
      ["up", "A", "KeyA"],
    ],
    desktop: "+A -A",
  },
  {
    name: "Num Lock on and off: the keypad types what it prints",
    source: "UI Events, location and key of the keypad",
    steps: [
      ["down", "7", "Numpad7", "", 3],
      ["up", "7", "Numpad7", "", 3],
      ["down", "NumLock", "NumLock"],
      ["down", "Home", "Numpad7", "", 3],
      ["up", "Home", "Numpad7", "", 3],
    ],
    desktop: "+KP_7 -KP_7 +KP_Home -KP_Home",
  },
  {
    name: "Ctrl and Alt exchanged by the system: the left Alt is Control",
    source: "recorded, setxkbmap -option ctrl:swap_lalt_lctl",
    steps: [
      ["down", "Control", "AltLeft", "C", 1],
      ["down", "c", "KeyC", "C"],
      ["up", "c", "KeyC", "C"],
      ["up", "Control", "AltLeft", "", 1],
      ["down", "Alt", "ControlLeft", "A", 1],
      ["down", "f", "KeyF", "A"],
    ],
    desktop: `${CTRL_C} +Alt +f`,
  },
  {
    name: "Alt and Super exchanged, Chromium: Super is flagged only after its own press",
    source: "recorded, setxkbmap -option altwin:swap_lalt_lwin",
    steps: [
      ["down", "Meta", "AltLeft", "", 1],
      ["down", "c", "KeyC", "M"],
      ["up", "c", "KeyC", "M"],
      ["up", "Meta", "AltLeft", "M", 1],
      ["down", "Alt", "MetaLeft", "A", 1],
      ["down", "f", "KeyF", "A"],
    ],
    desktop: "+Super +c -c -Super +Alt +f",
  },
  {
    name: "Super in WebKitGTK, which never flags it",
    source: "recorded",
    steps: [
      ["down", "Super", "OSLeft", "", 1],
      ["down", "c", "KeyC"],
      ["up", "c", "KeyC"],
      ["up", "Super", "OSLeft", "", 1],
    ],
    desktop: "+Super +c -c -Super",
  },
  ...["SA", "SM"].map((flags) => ({
    name: `Shift, then Alt, which X11 calls Meta then (${flags === "SA" ? "Chromium" : "WebKitGTK"})`,
    source: "recorded",
    steps: [
      ["down", "Shift", "ShiftLeft", "S", 1],
      ["down", "Meta", "AltLeft", flags, 1],
      ["down", "F", "KeyF", "SA"],
      ["up", "F", "KeyF", "SA"],
      ["up", "Meta", "AltLeft", "S", 1],
    ] as const,
    desktop: "+Shift +Alt +F -F -Alt",
  })),
  {
    name: "hidden modifiers: Ctrl+A, then a character",
    source: "Firefox, privacy.resistFingerprinting sends no event of Shift, Control and Alt to pages",
    steps: [
      ["down", "a", "KeyA", "C"],
      ["up", "a", "KeyA", "C"],
      ["down", "f", "KeyF", "A"],
      ["up", "f", "KeyF"],
      ["down", "A", "KeyA", "S"],
    ],
    desktop: "+Ctrl +a -a -Ctrl +Alt +f -f -Alt +A",
  },
  {
    name: "hidden modifiers: Shift and an arrow selects",
    source: "Firefox, privacy.resistFingerprinting",
    steps: [
      ["down", "ArrowLeft", "ArrowLeft", "S"],
      ["up", "ArrowLeft", "ArrowLeft", "S"],
    ],
    desktop: "+Shift +Left -Left -Shift",
  },
  {
    name: "AltGr types what it selects, also while the browser flags it as Ctrl and Alt",
    source: "Chromium and Firefox for Windows: AltGr is Control followed by AltGraph",
    options: { platform: "windows" },
    steps: [
      ["down", "Control", "ControlLeft", "C", 1],
      ["down", "AltGraph", "AltRight", "CA", 2],
      ["down", "@", "KeyQ", "CAG"],
      ["up", "@", "KeyQ", "CAG"],
      ["up", "AltGraph", "AltRight", "", 2],
    ],
    desktop: "+Ctrl -Ctrl +@ -@",
  },
  {
    name: "AltGr on Linux, and Neo's third level on the key of Caps Lock",
    source: "recorded",
    steps: [
      ["down", "AltGraph", "AltRight", "", 2],
      ["down", "@", "KeyQ", "G"],
      ["up", "@", "KeyQ", "G"],
      ["up", "AltGraph", "AltRight", "G", 2],
      ["down", "AltGraph", "CapsLock"],
      ["down", "}", "KeyF", "G"],
    ],
    desktop: "+@ -@ +}",
  },
  {
    name: "macOS: left ⌥ types what the German layout has there",
    source: "WebKit and Chromium for macOS: key is what ⌥ selects, altKey is true",
    options: { platform: "mac" },
    steps: [
      ["down", "Alt", "AltLeft", "A", 1],
      ["down", "@", "KeyL", "A"],
      ["up", "@", "KeyL", "A"],
      ["up", "Alt", "AltLeft", "", 1],
    ],
    desktop: "+@ -@",
  },
  {
    name: "macOS: ⌥ and a key without a character is Alt",
    source: "WebKit and Chromium for macOS",
    options: { platform: "mac" },
    steps: [
      ["down", "Alt", "AltLeft", "A", 1],
      ["down", "ArrowLeft", "ArrowLeft", "A"],
      ["up", "ArrowLeft", "ArrowLeft", "A"],
      ["up", "Alt", "AltLeft", "", 1],
    ],
    desktop: "+Alt +Left -Left -Alt",
  },
  {
    name: "macOS: left ⌥ is Alt for those who choose so",
    source: "WebKit and Chromium for macOS",
    options: { platform: "mac", optionIsAlt: true },
    steps: [
      ["down", "Alt", "AltLeft", "A", 1],
      ["down", "ƒ", "KeyF", "A"],
      ["up", "ƒ", "KeyF", "A"],
    ],
    desktop: "+Alt +f -f",
  },
  {
    name: "macOS: ⌘⇧Z redoes, although key is a small letter",
    source: "WebKit and Chromium for macOS: Shift does not change key while ⌘ is held",
    options: { platform: "mac" },
    steps: [
      ["down", "Meta", "MetaLeft", "M", 1],
      ["down", "Shift", "ShiftLeft", "MS", 1],
      ["down", "z", "KeyZ", "MS"],
    ],
    desktop: "+Ctrl +Shift +Z",
  },
  {
    name: "a dead key is left to the browser",
    source: "recorded, Firefox and Chromium without a GTK input method",
    steps: [["down", "Dead", "Quote"]],
    desktop: "(Dead)",
  },
];

describe("the choice of what ⌥ does on a Mac", () => {
  const option = { key: "Alt", code: "AltLeft", location: 1, shiftKey: false, ctrlKey: false, metaKey: false };

  it("counts from the next press of ⌥", () => {
    let chosen = false;
    const core = new KeyboardCore({
      platform: "mac",
      commandIsControl: true,
      get optionIsAlt() {
        return chosen;
      },
    });
    const press = (): number => {
      const decision = core.keyDown({ ...option, altKey: true, altGraph: false }, 0);
      core.keyUp({ ...option, altKey: false, altGraph: false });
      return decision.kind === "send" ? decision.messages.length : 0;
    };
    expect(press()).toBe(0);
    chosen = true;
    expect(press()).toBe(1);
    chosen = false;
    expect(press()).toBe(0);
  });

  it.each([
    ["Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Version/18.0 Safari/605.1.15", "mac"],
    ["Mozilla/5.0 (iPad; CPU OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Version/18.0 Mobile/15E148", "mac"],
    ["Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/140.0.0.0 Safari/537.36", "windows"],
    ["Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 Chrome/140.0.0.0 Safari/537.36", "other"],
    ["Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "other"],
  ])("is offered on Apple devices alone: %s", (userAgent, expected) => {
    expect(platformOf(userAgent)).toBe(expected);
  });
});

describe("keyboards", () => {
  it.each(CASES.map((one) => [one.name, one] as const))("%s", (_name, one) => {
    expect(play(one)).toBe(one.desktop);
  });
});
