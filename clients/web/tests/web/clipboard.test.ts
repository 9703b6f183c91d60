import { describe, expect, it } from "vitest";
import { ClipboardCore, type ClipboardState, markOf } from "../../src/clipboard/clipboard_core.ts";
import { Assembly, PIECE_BYTES, pieces } from "../../src/clipboard/frames.ts";
import { ProtocolError } from "../../src/protocol/errors.ts";
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

function told(...states: ClipboardState[]): ClipboardCore {
  const core = new ClipboardCore();
  for (const state of states) core.told(state);
  return core;
}

describe("which clipboard is the newer one", () => {
  it("brings what the browser has, once", () => {
    const core = told(OPEN);
    expect(core.paste("text", 1, "a")).toBe("bring");
    expect(core.paste("text", 1, "a")).toBe("keep");
    expect(core.paste("text", 1, "b")).toBe("bring");
  });

  it("keeps what the desktop copied later", () => {
    const core = told(OPEN);
    core.paste("text", 1, "a");
    expect(core.told(copied(1))).toBe(true);
    expect(core.paste("text", 1, "a")).toBe("keep");
    // Something else appears although the page had the focus all the time: it was there before.
    expect(told(OPEN, copied(1)).paste("text", 1, "old")).toBe("keep");
  });

  it("brings what was copied elsewhere meanwhile", () => {
    const core = told(OPEN, copied(1));
    core.focused();
    expect(core.paste("text", 1, "new")).toBe("bring");
  });

  it("does not send back what came from the desktop", () => {
    const core = told(OPEN, copied(1));
    core.took("from the desktop");
    expect(core.paste("text", 1, "from the desktop")).toBe("keep");
    core.focused();
    expect(core.paste("text", 1, "from the desktop")).toBe("keep");
  });

  it("takes a connection's first word as old news, and notices what it missed", () => {
    const core = told(copied(4));
    expect(core.paste("text", 1, "a")).toBe("bring");
    core.forget();
    expect(core.paste("text", 1, "b")).toBe("keep");
    expect(core.told(copied(5))).toBe(false);
    expect(core.paste("text", 1, "c")).toBe("keep");
  });

  it("brings it again to an agent that knows nothing", () => {
    const core = told(OPEN);
    expect(core.paste("text", 1, "a")).toBe("bring");
    core.forget();
    core.told(OPEN);
    expect(core.paste("text", 1, "a")).toBe("bring");
  });

  it("obeys the policy", () => {
    expect(told({ ...OPEN, to_desktop: false }).paste("text", 1, "a")).toBe("denied");
    expect(told({ ...OPEN, images: false }).paste("png", 1, "a")).toBe("denied");
    const core = told(OPEN);
    expect(core.paste("text", 1001, "a")).toBe("too-large");
    expect(core.paste("text", 1000, "b")).toBe("bring");
  });

  it("brings what the person insists on", () => {
    const core = told(OPEN, copied(1));
    core.took("a");
    core.insist();
    expect(core.paste("text", 1, "a")).toBe("bring");
  });
});

describe("marks", () => {
  it("tell contents apart", () => {
    const marks = ["", "a", "b", "ab", "ba", "한글"].map((text) => markOf(new TextEncoder().encode(text)));
    expect(new Set(marks).size).toBe(marks.length);
    expect(markOf(new Uint8Array([1, 2]))).toBe(markOf(new Uint8Array([1, 2])));
  });
});

describe("pieces", () => {
  it.each([0, 1, PIECE_BYTES, PIECE_BYTES + 1, 3 * PIECE_BYTES - 1])("of %i bytes come back whole", (length) => {
    const content = new Uint8Array(length).map((_, index) => index % 251);
    const frames = pieces("png", 7, content);
    expect(frames).toHaveLength(Math.max(1, Math.ceil(length / PIECE_BYTES)));
    const assembly = new Assembly();
    const answers = frames.map((frame) => assembly.add(frame.buffer));
    expect(answers.slice(0, -1).every((answer) => answer === null)).toBe(true);
    expect(answers.at(-1)).toEqual({ format: "png", serial: 7, content });
  });

  it("carry reasons", () => {
    const frame = new Uint8Array([3, 2, 1, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    expect(new Assembly().add(frame.buffer)).toEqual({ format: "text", serial: 9, content: "too-large" });
  });

  it.each([
    ["too short", [3, 0, 1]],
    ["of no format", [3, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]],
    ["of no known reason", [3, 8, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]],
    ["that begin in the middle", [3, 0, 1, 0, 0, 0, 0, 0, 9, 0, 0, 0, 5, 0, 0, 0, 65]],
    ["longer than announced", [3, 0, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 65, 66]],
    ["empty although more is due", [3, 0, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0]],
    ["larger than anything", [3, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 255, 0, 0, 0, 0, 65]],
  ])("%s are refused", (_, bytes) => {
    expect(() => new Assembly().add(new Uint8Array(bytes).buffer)).toThrow(ProtocolError);
  });

  it("do not mix two answers", () => {
    const assembly = new Assembly();
    const [first] = pieces("text", 1, new Uint8Array(PIECE_BYTES + 9));
    const [, second] = pieces("text", 2, new Uint8Array(PIECE_BYTES + 9));
    assembly.add((first as Uint8Array<ArrayBuffer>).buffer);
    expect(() => assembly.add((second as Uint8Array<ArrayBuffer>).buffer)).toThrow(ProtocolError);
  });
});

describe("what a device is called", () => {
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
