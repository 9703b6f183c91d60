import { describe, expect, it } from "vitest";
import { ClipboardCore, type ClipboardState, contentHash } from "../../src/clipboard/clipboard_core.ts";
import { ClipboardAssembly, splitIntoFrames } from "../../src/clipboard/frames.ts";
import { isCopyShortcut, pasteShortcut, type ShortcutEvent } from "../../src/clipboard/shortcuts.ts";
import { ProtocolError } from "../../src/protocol/errors.ts";
import { CLIPBOARD_PIECE_MAX_BYTES } from "../../src/protocol/generated/wire_facts.ts";
import { deviceName } from "../../src/ui/viewer/device_name.ts";

const OPEN: ClipboardState = {
  to_desktop: true,
  from_desktop: true,
  images: true,
  max_bytes: 1000,
  serial: 0,
  formats: [],
};
const copied = (serial: number): ClipboardState => ({ ...OPEN, serial, formats: ["text"] });

function coreAfter(...states: ClipboardState[]): ClipboardCore {
  const core = new ClipboardCore();
  for (const state of states) core.stateChanged(state);
  return core;
}

describe("clipboard core", () => {
  it("sends the browser's clipboard once", () => {
    const core = coreAfter(OPEN);
    expect(core.paste("text", 1, "a")).toBe("send");
    expect(core.paste("text", 1, "a")).toBe("keep");
    expect(core.paste("text", 1, "b")).toBe("send");
  });

  it("keeps the desktop's clipboard when the desktop copied later", () => {
    const core = coreAfter(OPEN);
    core.paste("text", 1, "a");
    expect(core.stateChanged(copied(1))).toBe(true);
    expect(core.paste("text", 1, "a")).toBe("keep");
    // Other content appears although the page had the focus all the time, so it must be older.
    expect(coreAfter(OPEN, copied(1)).paste("text", 1, "old")).toBe("keep");
  });

  it("tells once that copies stay on a desktop that lets nothing out", () => {
    const stays = (serial: number): ClipboardState => ({ ...OPEN, from_desktop: false, serial });
    const core = coreAfter(stays(0));
    expect(core.stateChanged(stays(1))).toBe(true);
    expect(core.mustNotifyThatCopiesStay()).toBe(true);
    core.stateChanged(stays(2));
    expect(core.mustNotifyThatCopiesStay()).toBe(false);
    expect(coreAfter(OPEN, copied(1)).mustNotifyThatCopiesStay()).toBe(false);
    expect(new ClipboardCore().mustNotifyThatCopiesStay()).toBe(false);
  });

  it("sends content that another program copied while the page had no focus", () => {
    const core = coreAfter(OPEN, copied(1));
    core.pageFocused();
    expect(core.paste("text", 1, "new")).toBe("send");
  });

  it("does not send content back that came from the desktop", () => {
    const core = coreAfter(OPEN, copied(1));
    core.browserClipboardWritten("from the desktop");
    expect(core.paste("text", 1, "from the desktop")).toBe("keep");
    core.pageFocused();
    expect(core.paste("text", 1, "from the desktop")).toBe("keep");
  });

  it("treats the first state of a connection as old, and notices copies made while disconnected", () => {
    const core = coreAfter(copied(4));
    expect(core.paste("text", 1, "a")).toBe("send");
    core.disconnected();
    expect(core.paste("text", 1, "b")).toBe("keep");
    expect(core.stateChanged(copied(5))).toBe(false);
    expect(core.paste("text", 1, "c")).toBe("keep");
  });

  it("sends content again to a new agent", () => {
    const core = coreAfter(OPEN);
    expect(core.paste("text", 1, "a")).toBe("send");
    core.disconnected();
    core.stateChanged(OPEN);
    expect(core.paste("text", 1, "a")).toBe("send");
  });

  it("obeys the clipboard policy", () => {
    expect(coreAfter({ ...OPEN, to_desktop: false }).paste("text", 1, "a")).toBe("denied");
    expect(coreAfter({ ...OPEN, images: false }).paste("png", 1, "a")).toBe("denied");
    const core = coreAfter(OPEN);
    expect(core.paste("text", 1001, "a")).toBe("too-large");
    expect(core.paste("text", 1000, "b")).toBe("send");
  });

  it("sends content that the person explicitly asked to send", () => {
    const core = coreAfter(OPEN, copied(1));
    core.browserClipboardWritten("a");
    core.preferBrowser();
    expect(core.paste("text", 1, "a")).toBe("send");
  });

  it("sends content again for terminals, which paste PRIMARY", () => {
    const core = coreAfter(OPEN);
    core.paste("text", 1, "a");
    core.sendAgain();
    expect(core.paste("text", 1, "a")).toBe("send");
  });

  it("does not send content again over a newer copy of the desktop", () => {
    const core = coreAfter(OPEN);
    core.paste("text", 1, "a");
    core.stateChanged(copied(1));
    core.pageFocused();
    core.sendAgain();
    expect(core.paste("text", 1, "a")).toBe("keep");
    core.browserClipboardWritten("from the desktop");
    core.sendAgain();
    expect(core.paste("text", 1, "from the desktop")).toBe("keep");
  });
});

describe("clipboard shortcuts", () => {
  const event = (
    key: string,
    code: string,
    ...held: ("ctrlKey" | "shiftKey" | "altKey" | "metaKey")[]
  ): ShortcutEvent => ({
    key,
    code,
    ctrlKey: held.includes("ctrlKey"),
    shiftKey: held.includes("shiftKey"),
    altKey: held.includes("altKey"),
    metaKey: held.includes("metaKey"),
  });

  it.each([
    ["US", event("v", "KeyV", "ctrlKey"), "v"],
    ["US, Caps Lock", event("V", "KeyV", "ctrlKey"), "v"],
    ["US, in terminals", event("V", "KeyV", "ctrlKey", "shiftKey"), "v"],
    ["macOS", event("v", "KeyV", "metaKey"), "v"],
    ["Dvorak", event("v", "Period", "ctrlKey"), "v"],
    ["Dvorak, the key at the place of V", event("k", "KeyV", "ctrlKey"), null],
    ["BÉPO", event("v", "KeyU", "ctrlKey"), "v"],
    ["BÉPO, the key at the place of V", event(".", "KeyV", "ctrlKey"), null],
    ["Turkish F", event("v", "KeyC", "ctrlKey"), "v"],
    ["Neo", event("v", "KeyW", "ctrlKey"), "v"],
    ["Korean", event("ㅍ", "KeyV", "ctrlKey"), "v"],
    ["Russian", event("м", "KeyV", "ctrlKey"), "v"],
    ["Greek", event("ω", "KeyV", "ctrlKey"), "v"],
    ["Hebrew", event("ה", "KeyV", "ctrlKey"), "v"],
    ["Arabic", event("ر", "KeyV", "ctrlKey"), "v"],
    ["Thai", event("อ", "KeyV", "ctrlKey"), "v"],
    ["Shift+Insert", event("Insert", "Insert", "shiftKey"), "insert"],
    ["Ctrl+Insert", event("Insert", "Insert", "ctrlKey"), null],
    ["AltGr as Ctrl and Alt", event("v", "KeyV", "ctrlKey", "altKey"), null],
    ["an input method", event("Process", "KeyV", "ctrlKey"), null],
    ["V alone", event("v", "KeyV"), null],
  ])("%s: paste", (_, input, key) => {
    expect(pasteShortcut(input)).toBe(key);
  });

  it.each([
    ["US C", event("c", "KeyC", "ctrlKey"), true],
    ["US X", event("x", "KeyX", "ctrlKey"), true],
    ["a terminal", event("C", "KeyC", "ctrlKey", "shiftKey"), true],
    ["Dvorak C", event("c", "KeyI", "ctrlKey"), true],
    ["Dvorak X", event("x", "KeyB", "ctrlKey"), true],
    ["Dvorak J at the place of C", event("j", "KeyC", "ctrlKey"), false],
    ["Turkish F V at the place of C", event("v", "KeyC", "ctrlKey"), false],
    ["Russian", event("с", "KeyC", "ctrlKey"), true],
    ["Ctrl+Insert", event("Insert", "Insert", "ctrlKey"), true],
    ["Shift+Delete", event("Delete", "Delete", "shiftKey"), true],
    ["Delete", event("Delete", "Delete"), false],
    ["Ctrl+Alt+C", event("c", "KeyC", "ctrlKey", "altKey"), false],
  ])("%s: copy", (_, input, copies) => {
    expect(isCopyShortcut(input)).toBe(copies);
  });
});

describe("content hash", () => {
  it("distinguishes contents", () => {
    const hashes = ["", "a", "b", "ab", "ba", "한글"].map((text) => contentHash(new TextEncoder().encode(text)));
    expect(new Set(hashes).size).toBe(hashes.length);
    expect(contentHash(new Uint8Array([1, 2]))).toBe(contentHash(new Uint8Array([1, 2])));
  });
});

describe("clipboard frames", () => {
  it.each([0, 1, CLIPBOARD_PIECE_MAX_BYTES, CLIPBOARD_PIECE_MAX_BYTES + 1, 3 * CLIPBOARD_PIECE_MAX_BYTES - 1])(
    "reassemble %i bytes",
    (length) => {
      const content = new Uint8Array(length).map((_, index) => index % 251);
      const frames = splitIntoFrames("png", 7, content);
      expect(frames).toHaveLength(Math.max(1, Math.ceil(length / CLIPBOARD_PIECE_MAX_BYTES)));
      const assembly = new ClipboardAssembly();
      const answers = frames.map((frame) => assembly.add(frame.buffer));
      expect(answers.slice(0, -1).every((answer) => answer === null)).toBe(true);
      expect(answers.at(-1)).toEqual({ format: "png", serial: 7, content });
    },
  );

  it("carry the reason of a failure", () => {
    const frame = new Uint8Array([3, 2, 1, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    expect(new ClipboardAssembly().add(frame.buffer)).toEqual({ format: "text", serial: 9, content: "too-large" });
  });

  it.each([
    ["are too short", [3, 0, 1]],
    ["name no format", [3, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]],
    ["give an unknown reason", [3, 8, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]],
    ["begin in the middle", [3, 0, 1, 0, 0, 0, 0, 0, 9, 0, 0, 0, 5, 0, 0, 0, 65]],
    ["are longer than announced", [3, 0, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 65, 66]],
    ["are empty although content is missing", [3, 0, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0]],
    ["exceed the size limit", [3, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 255, 0, 0, 0, 0, 65]],
  ])("are refused when they %s", (_, bytes) => {
    expect(() => new ClipboardAssembly().add(new Uint8Array(bytes).buffer)).toThrow(ProtocolError);
  });

  it("of two answers are not mixed", () => {
    const assembly = new ClipboardAssembly();
    const [first] = splitIntoFrames("text", 1, new Uint8Array(CLIPBOARD_PIECE_MAX_BYTES + 9));
    const [, second] = splitIntoFrames("text", 2, new Uint8Array(CLIPBOARD_PIECE_MAX_BYTES + 9));
    assembly.add((first as Uint8Array<ArrayBuffer>).buffer);
    expect(() => assembly.add((second as Uint8Array<ArrayBuffer>).buffer)).toThrow(ProtocolError);
  });
});

describe("device name", () => {
  const safari = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Version/18.4 Safari/605.1.15";
  it.each([
    [safari, 5, "Safari · iPad"],
    [safari, 0, "Safari · Mac"],
    ["Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/156.0 Safari/537.36", 0, "Chrome · Windows"],
    ["Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/156.0 Safari/537.36 Edg/156.0", 0, "Edge · Windows"],
    [
      "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 SamsungBrowser/27.0 Chrome/150.0 Safari/537.36",
      5,
      "Samsung Internet · Android",
    ],
    ["Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Firefox/153.0", 0, "Firefox · Linux"],
    ["something else", 0, ""],
  ])("%s", (userAgent, maxTouchPoints, name) => {
    expect(deviceName({ userAgent, maxTouchPoints })).toBe(name);
  });
});
