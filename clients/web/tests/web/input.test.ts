import { describe, expect, it } from "vitest";
import { isOneToOne, layout, naturalMode, pixelAt, unclampedPixelAt } from "../../src/input/geometry.ts";
import { KeyboardCore, type Platform } from "../../src/input/keyboard_core.ts";
import { isComposedScript, type KeyInput, keysymOf } from "../../src/input/keysym.ts";
import { PointerCore, protocolButtons } from "../../src/input/pointer_core.ts";
import { difference, pieces, TextFieldCore } from "../../src/input/text_field_core.ts";

const key = (name: string, code: string, more: Partial<KeyInput> = {}): KeyInput => ({
  key: name,
  code,
  location: 0,
  shiftKey: false,
  ctrlKey: false,
  altKey: false,
  metaKey: false,
  altGraph: false,
  ...more,
});

describe("keysyms", () => {
  it.each([
    ["a", "KeyA", 0, 0x61],
    ["é", "Digit2", 0, 0xe9],
    ["€", "KeyE", 0, 0x10020ac],
    ["й", "KeyQ", 0, 0x1000439],
    ["한", "KeyG", 0, 0x100d55c],
    ["😀", "", 0, 0x101f600],
    [" ", "Space", 0, 0x20],
    ["Enter", "Enter", 0, 0xff0d],
    ["Enter", "NumpadEnter", 3, 0xff8d],
    ["7", "Numpad7", 3, 0xffb7],
    ["Home", "Numpad7", 3, 0xff95],
    ["/", "NumpadDivide", 3, 0xffaf],
    ["Shift", "ShiftRight", 2, 0xffe2],
    ["Control", "ControlLeft", 1, 0xffe3],
    ["Meta", "MetaRight", 2, 0xffec],
    ["F1", "F1", 0, 0xffbe],
    ["F24", "F24", 0, 0xffd5],
    ["HangulMode", "Lang1", 0, 0xff31],
    ["HanjaMode", "Lang2", 0, 0xff34],
    ["Unidentified", "Lang1", 0, 0xff31],
    ["Delete", "Delete", 0, 0xffff],
    ["PrintScreen", "PrintScreen", 0, 0xff61],
  ])("%s (%s, %i)", (name, code, location, keysym) => {
    expect(keysymOf(key(name, code, { location }))).toBe(keysym);
  });

  it.each(["Dead", "Process", "Unidentified", "Fn", "toString"])("has none for %s", (name) => {
    expect(keysymOf(key(name, "KeyA"))).toBeUndefined();
  });

  it("recognizes scripts that input methods compose", () => {
    expect(["ㅎ", "한", "あ", "漢"].map(isComposedScript)).toEqual([true, true, true, true]);
    expect(["a", "é", "й", "Enter", "€"].map(isComposedScript)).toEqual([false, false, false, false, false]);
  });
});

describe("keyboard", () => {
  const board = (platform: Platform = "other"): KeyboardCore =>
    new KeyboardCore({ platform, commandIsControl: true, optionIsAlt: true });
  const sent = (core: KeyboardCore, input: KeyInput, nowMs = 0): [number, string, boolean][] | "browser" => {
    const decision = core.keyDown(input, nowMs);
    return decision.kind === "browser"
      ? "browser"
      : decision.messages.map((message) => [message.keysym, message.code, message.down]);
  };
  const releases = (core: KeyboardCore, input: KeyInput): [number, string, boolean][] | "browser" => {
    const decision = core.keyUp(input);
    return decision.kind === "browser"
      ? "browser"
      : decision.messages.map((message) => [message.keysym, message.code, message.down]);
  };

  it("releases a key by its code with the keysym it was pressed with", () => {
    const core = board();
    expect(sent(core, key("Shift", "ShiftLeft", { shiftKey: true, location: 1 }))).toEqual([
      [0xffe1, "ShiftLeft", true],
    ]);
    expect(sent(core, key("A", "KeyA", { shiftKey: true }))).toEqual([[0x41, "KeyA", true]]);
    expect(releases(core, key("Shift", "ShiftLeft", { location: 1 }))).toEqual([[0xffe1, "ShiftLeft", false]]);
    expect(releases(core, key("a", "KeyA"))).toEqual([[0x41, "KeyA", false]]);
    expect(releases(core, key("a", "KeyA"))).toBe("browser");
  });

  it("repeats a held key by pressing it again", () => {
    const core = board();
    sent(core, key("a", "KeyA"));
    expect(sent(core, key("a", "KeyA"))).toEqual([[0x61, "KeyA", true]]);
  });

  it("releases a modifier whose release was missed", () => {
    const core = board();
    sent(core, key("Alt", "AltLeft", { altKey: true, location: 1 }));
    expect(core.releaseStaleModifiers({ shiftKey: false, ctrlKey: false, altKey: false, metaKey: false })).toEqual([
      { type: "key", keysym: 0xffe9, code: "AltLeft", down: false },
    ]);
    sent(core, key("Control", "ControlRight", { ctrlKey: true, location: 2 }));
    expect(sent(core, key("x", "KeyX"))).toEqual([
      [0xffe4, "ControlRight", false],
      [0x78, "KeyX", true],
    ]);
  });

  it("forgets all held keys", () => {
    const core = board();
    expect(core.forget()).toBe(false);
    sent(core, key("a", "KeyA"));
    expect([core.forget(), core.held]).toEqual([true, []]);
  });

  it("leaves composed characters to the text field", () => {
    const core = board();
    expect(sent(core, key("ㅎ", "KeyG"))).toBe("browser");
    expect(sent(core, key("Dead", "BracketLeft"))).toBe("browser");
    expect(sent(core, key("Process", "KeyA"))).toBe("browser");
  });

  it("sends the Latin key of a jamo in a shortcut", () => {
    const core = board();
    sent(core, key("Control", "ControlLeft", { ctrlKey: true, location: 1 }));
    expect(sent(core, key("ㅊ", "KeyC", { ctrlKey: true }))).toEqual([[0x63, "KeyC", true]]);
  });

  it("releases the Ctrl that Windows reports with AltGr, but not a separate one", () => {
    const core = board("windows");
    sent(core, key("Control", "ControlLeft", { ctrlKey: true, location: 1 }), 100);
    expect(sent(core, key("AltGraph", "AltRight", { ctrlKey: true, altKey: true, location: 2 }), 101)).toEqual([
      [0xffe3, "ControlLeft", false],
    ]);
    expect(sent(core, key("@", "KeyQ", { ctrlKey: true, altKey: true }), 200)).toEqual([[0x40, "KeyQ", true]]);
    const slow = board("windows");
    sent(slow, key("Control", "ControlLeft", { ctrlKey: true, location: 1 }), 100);
    expect(sent(slow, key("AltGraph", "AltRight", { ctrlKey: true, altKey: true, location: 2 }), 900)).toEqual([]);
  });

  it("maps ⌘ to Ctrl and the left ⌥ to Alt on a Mac; the right ⌥ selects characters", () => {
    const core = board("mac");
    expect(sent(core, key("Meta", "MetaLeft", { metaKey: true, location: 1 }))).toEqual([[0xffe3, "MetaLeft", true]]);
    expect(sent(core, key("c", "KeyC", { metaKey: true }))).toEqual([[0x63, "KeyC", true]]);
    // macOS does not report the release of C while ⌘ is down.
    expect(releases(core, key("Meta", "MetaLeft", { location: 1 }))).toEqual([
      [0xffe3, "MetaLeft", false],
      [0x63, "KeyC", false],
    ]);
    sent(core, key("Alt", "AltLeft", { altKey: true, location: 1 }));
    expect(sent(core, key("ƒ", "KeyF", { altKey: true }))).toEqual([[0x66, "KeyF", true]]);
    releases(core, key("Alt", "AltLeft", { location: 1 }));
    expect(sent(core, key("Alt", "AltRight", { altKey: true, location: 2 }))).toEqual([]);
    expect(sent(core, key("ƒ", "KeyF", { altKey: true }))).toContainEqual([0x1000192, "KeyF", true]);
  });

  it("shortens codes to the protocol's limit", () => {
    const [message] = sent(board(), key("AudioVolumeMute", "x".repeat(50))) as [number, string, boolean][];
    expect(message?.[1]).toHaveLength(32);
  });
});

describe("text field", () => {
  /** Applies the changes of a field with these successive values to the desktop's text and returns it. */
  function typed(field: TextFieldCore, values: readonly string[], desktop = ""): string {
    let text = Array.from(desktop);
    for (const value of values) {
      const change = field.input(value);
      text = [...text.slice(0, text.length - change.backspaces), ...Array.from(change.text)];
    }
    return text.join("");
  }

  it("finds the change at the end", () => {
    expect(difference("", "한")).toEqual({ backspaces: 0, text: "한" });
    expect(difference("하", "한")).toEqual({ backspaces: 1, text: "한" });
    expect(difference("한글", "한")).toEqual({ backspaces: 1, text: "" });
    expect(difference("a😀", "a😁b")).toEqual({ backspaces: 1, text: "😁b" });
    expect(difference("same", "same")).toEqual({ backspaces: 0, text: "" });
  });

  it("types Dubeolsik Hangul without composition events, by deletion and insertion", () => {
    const field = new TextFieldCore();
    expect(typed(field, ["ㅎ", "", "하", "", "한", "한ㄱ", "한", "한그", "한", "한글"])).toBe("한글");
    expect(field.direct).toBe(true);
  });

  it("moves a final consonant to the next syllable: 닭 + ㅣ → 달기", () => {
    expect(typed(new TextFieldCore(), ["ㄷ", "다", "달", "닭", "달기"])).toBe("달기");
  });

  it("splits a syllable on Backspace: 한 → 하 → ㅎ → nothing", () => {
    expect(typed(new TextFieldCore(), ["ㅎ", "하", "한", "하", "ㅎ", ""])).toBe("");
  });

  it("types when a composition ends, in either order of the last events", () => {
    const chromium = new TextFieldCore();
    chromium.compositionStart();
    expect(chromium.input("ㅎ")).toEqual({ backspaces: 0, text: "" });
    expect(chromium.input("한")).toEqual({ backspaces: 0, text: "" });
    expect(chromium.preview("한")).toBe("한");
    expect(chromium.compositionEnd("한")).toEqual({ backspaces: 0, text: "한" });
    expect(chromium.input("한")).toEqual({ backspaces: 0, text: "" });
    const late = new TextFieldCore();
    late.compositionStart();
    expect(late.compositionEnd("")).toEqual({ backspaces: 0, text: "" });
    expect(late.input("한")).toEqual({ backspaces: 0, text: "한" });
  });

  it("types each of two consecutive compositions once", () => {
    const field = new TextFieldCore();
    field.compositionStart();
    expect(field.compositionEnd("한").text).toBe("한");
    field.compositionStart();
    expect(field.preview("한글")).toBe("글");
    expect(field.compositionEnd("한글")).toEqual({ backspaces: 0, text: "글" });
    expect(field.direct).toBe(false);
  });

  it("types nothing for a cancelled composition", () => {
    const field = new TextFieldCore();
    field.compositionStart();
    field.input("ㅎ");
    expect(field.compositionEnd("")).toEqual({ backspaces: 0, text: "" });
  });

  it("starts over after a reset", () => {
    const field = new TextFieldCore();
    field.input("한");
    field.reset();
    expect(field.input("글")).toEqual({ backspaces: 0, text: "글" });
  });

  it("splits long text at code points", () => {
    expect(pieces("😀".repeat(1025)).map((piece) => Array.from(piece).length)).toEqual([1024, 1]);
    expect(pieces("")).toEqual([]);
  });
});

describe("pointer", () => {
  it("maps the browser's buttons to the protocol's", () => {
    expect([0, 1, 2, 4, 8, 16, 31].map(protocolButtons)).toEqual([0, 1, 4, 2, 8, 16, 31]);
  });

  it("distinguishes button changes, motion and repeated events", () => {
    const pointer = new PointerCore();
    expect(pointer.update({ x: 1, y: 1, buttons: 0 })).toBe("motion");
    expect(pointer.update({ x: 1, y: 1, buttons: 0 })).toBeNull();
    expect(pointer.update({ x: 1, y: 1, buttons: 1 })).toBe("press");
    expect(pointer.update({ x: 2, y: 1, buttons: 1 })).toBe("motion");
    expect(pointer.forget()).toBe(true);
    expect(pointer.forget()).toBe(false);
  });
});

describe("geometry", () => {
  const surface = { width: 1920, height: 1080 };

  it("shows 1:1 on device pixels", () => {
    for (const ratio of [1, 1.25, 1.5, 2, 3]) {
      const box = layout({ width: 4000, height: 3000 }, surface, ratio, "actual");
      expect(isOneToOne({ width: box.width * ratio, height: box.height * ratio }, surface)).toBe(true);
      expect(Math.abs(box.x * ratio - Math.round(box.x * ratio))).toBeLessThan(1e-6);
    }
  });

  it("scales to fit, and shows 1:1 when the size matches exactly", () => {
    expect(layout({ width: 960, height: 1000 }, surface, 1, "fit")).toEqual({ x: 0, y: 230, width: 960, height: 540 });
    expect(layout({ width: 1920, height: 1080 }, surface, 1, "fit")).toEqual({ x: 0, y: 0, width: 1920, height: 1080 });
  });

  it("defaults to 1:1 when the surface fits", () => {
    expect(naturalMode({ width: 1920, height: 1080 }, surface, 1)).toBe("actual");
    expect(naturalMode({ width: 1919, height: 1080 }, surface, 1)).toBe("fit");
    expect(naturalMode({ width: 960, height: 540 }, surface, 2)).toBe("actual");
  });

  it("finds the pixel under every position, at any scale", () => {
    for (const width of [1920, 1536, 1280, 960, 777.5, 3840]) {
      const box = { x: 13.25, y: 7, width, height: (width * 1080) / 1920 };
      for (const x of [0, 1, 2, 959, 1918, 1919]) {
        expect(pixelAt(box, surface, box.x + ((x + 0.5) * width) / 1920, box.y).x).toBe(x);
        expect(pixelAt(box, surface, box.x + (x * width) / 1920, box.y).x).toBe(x);
      }
      expect(pixelAt(box, surface, -500, 1e6)).toEqual({ x: 0, y: 1079 });
      expect(unclampedPixelAt(box, surface, box.x - width / 1920, box.y + box.height)).toEqual({ x: -1, y: 1080 });
      expect(unclampedPixelAt(box, surface, -1e9, 1e9)).toEqual({ x: -32767, y: 32767 });
    }
    expect(pixelAt({ x: 0, y: 0, width: 0, height: 0 }, surface, 5, 5)).toEqual({ x: 0, y: 0 });
  });
});
