import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type ClipboardState, contentHash } from "../../src/clipboard/clipboard_core.ts";
import { type ClipboardNotice, type ClipboardPeers, PageClipboard } from "../../src/clipboard/page_clipboard.ts";
import { InputQueue } from "../../src/input/input_queue.ts";
import type { InputSink } from "../../src/input/input_sink.ts";
import { KeyboardInput } from "../../src/input/keyboard.ts";
import { StickyModifiers } from "../../src/input/sticky_modifiers.ts";
import type { InputMessage } from "../../src/protocol/messages.ts";

const OPEN: ClipboardState = {
  to_desktop: true,
  from_desktop: true,
  images: true,
  max_bytes: 1000,
  serial: 0,
  formats: [],
};
/** Longer than any limit of a paste, ms. */
const LONG_MS = 5_000;

/** What a `paste` event carries. */
interface Pasted {
  readonly text?: string;
  readonly html?: string;
  readonly png?: Uint8Array<ArrayBuffer>;
}

function dataTransfer({ text, html, png }: Pasted): DataTransfer {
  const texts: Record<string, string | undefined> = { "text/plain": text, "text/html": html };
  return {
    getData: (type: string) => texts[type] ?? "",
    files: png === undefined ? [] : [new File([png], "image.png", { type: "image/png" })],
  } as unknown as DataTransfer;
}

/** A page with its keyboard and clipboard; `desktop` is what reaches the desktop, in order. */
class Page implements InputSink {
  readonly desktop: string[] = [];
  readonly notices: ClipboardNotice[] = [];
  readonly field = new EventTarget();
  readonly queue = new InputQueue();
  readonly modifiers = new StickyModifiers(this, { changed: () => {}, pointerReleased: () => {} });
  readonly pointer = this.queue.behind(this.modifiers);
  readonly peers: ClipboardPeers = { postMessage: () => {}, onmessage: null };
  readonly clipboard = new PageClipboard(
    {
      requestClipboard: () => {},
      sendClipboard: (format, content) => {
        this.desktop.push(`${format} ${format === "text" ? new TextDecoder().decode(content) : content.byteLength}`);
      },
    },
    { offerChanged: () => {}, notify: (notice) => this.notices.push(notice) },
    this.peers,
  );
  readonly keyboard: KeyboardInput;

  constructor(state: Partial<ClipboardState> = {}) {
    this.keyboard = new KeyboardInput(
      Object.assign(this.field, { value: "" }) as unknown as HTMLTextAreaElement,
      this.queue,
      this.modifiers,
      { platform: "other", commandIsControl: true, optionIsAlt: true, composesInField: false },
      {
        compositionChanged: () => {},
        focusToolbar: () => {},
        copyKeyPressed: () => this.clipboard.copyKeyPressed(),
        canPaste: () => this.clipboard.canPaste,
        paste: (data, key) => this.clipboard.paste(data, key),
        shortcutArmed: () => this.modifiers.core.shortcut,
        pasteArmed: (text) => this.modifiers.pasteArmed(text),
      },
    );
    this.clipboard.stateChanged({ ...OPEN, ...state });
  }

  send(message: InputMessage): void {
    if (message.type === "key") this.desktop.push(`${message.down ? "+" : "-"}${message.code}`);
    else this.desktop.push(message.type);
  }

  sendMotion(x: number, y: number): void {
    this.desktop.push(`motion ${x} ${y}`);
  }

  key(type: "keydown" | "keyup", key: string, code: string, held: object = { ctrlKey: true }): Event {
    const flags = { location: 0, shiftKey: false, ctrlKey: false, altKey: false, metaKey: false, ...held };
    const event = new Event(type, { cancelable: true });
    this.field.dispatchEvent(Object.assign(event, { key, code, getModifierState: () => false }, flags));
    return event;
  }

  /** Presses Ctrl+V without a `paste` event. */
  controlV(): void {
    this.key("keydown", "Control", "ControlLeft");
    this.key("keydown", "v", "KeyV");
    this.key("keyup", "v", "KeyV");
    this.key("keyup", "Control", "ControlLeft", {});
  }

  /** Types text as a soft keyboard that reports no keys. */
  async type(text: string): Promise<void> {
    Object.assign(this.field, { value: text });
    this.field.dispatchEvent(Object.assign(new Event("input"), { inputType: "insertText", data: text }));
    await vi.advanceTimersByTimeAsync(0);
  }

  /** Fires the browser's `paste` event. */
  async pasteEvent(pasted: Pasted): Promise<void> {
    const event = new Event("paste", { cancelable: true });
    this.field.dispatchEvent(Object.assign(event, { clipboardData: dataTransfer(pasted) }));
    await vi.advanceTimersByTimeAsync(0);
  }

  /** Presses Ctrl+V and fires the event, as a browser does. */
  async paste(pasted: Pasted): Promise<readonly string[]> {
    this.desktop.length = 0;
    this.controlV();
    await this.pasteEvent(pasted);
    return this.desktop;
  }
}

/** Ctrl+V as the desktop gets it, and Ctrl+V of which V was withheld. */
const PASTED = ["+ControlLeft", "+KeyV", "-KeyV", "-ControlLeft"];
const WITHHELD = ["+ControlLeft", "-KeyV", "-ControlLeft"];
const FROM_MENU = ["+paste:Control", "+paste:V", "-paste:V", "-paste:Control"];
const sent = (content: string): string[] => ["+ControlLeft", content, ...PASTED.slice(1)];

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe("a paste shortcut", () => {
  it("sends the content before the key", async () => {
    expect(await new Page().paste({ text: "환자" })).toEqual(sent("text 환자"));
  });

  it("sends line ends of Windows as LF", async () => {
    expect(await new Page().paste({ text: "a\r\nb" })).toEqual(sent("text a\nb"));
  });

  it("sends the text of formatted content, and of an image with text the text", async () => {
    const page = new Page();
    expect(await page.paste({ text: "bold", html: "<b>bold</b>" })).toEqual(sent("text bold"));
    expect(await page.paste({ text: "cells", png: new Uint8Array(9) })).toEqual(sent("text cells"));
  });

  it("sends an image", async () => {
    expect(await new Page().paste({ png: new Uint8Array(9) })).toEqual(sent("png 9"));
  });

  it.each([
    ["the browser gives no content", {}, {}, "unreadable"],
    ["the content is formatted text alone", {}, { html: "<b>bold</b>" }, "unreadable"],
    ["the content is too large", { max_bytes: 3 }, { text: "long" }, "too-large"],
    ["images are forbidden", { images: false }, { png: new Uint8Array(1) }, "denied"],
  ])("is not sent when %s", async (_, state, pasted, notice) => {
    const page = new Page(state);
    await page.paste({ text: "old" });
    page.clipboard.pageFocused();
    expect(await page.paste(pasted)).toEqual(WITHHELD);
    expect(page.notices.at(-1)).toBe(notice);
    // A second attempt does not paste the old text either.
    expect(await page.paste(pasted)).toEqual(WITHHELD);
  });

  it("is not sent when the browser fires no event, unless the desktop has the last copy", async () => {
    const page = new Page();
    page.controlV();
    await vi.advanceTimersByTimeAsync(LONG_MS);
    expect(page.desktop).toEqual(WITHHELD);
    expect(page.notices).toEqual(["unreadable"]);
    page.desktop.length = 0;
    page.clipboard.stateChanged({ ...OPEN, serial: 1, formats: ["text"] });
    page.controlV();
    await vi.advanceTimersByTimeAsync(LONG_MS);
    expect(page.desktop).toEqual(PASTED);
    expect(page.notices).toEqual(["unreadable"]);
  });

  it("is sent without content when a program copied since the page has the focus", async () => {
    const page = new Page();
    await page.paste({ text: "old" });
    page.clipboard.stateChanged({ ...OPEN, serial: 1, formats: ["text"] });
    expect(await page.paste({})).toEqual(PASTED);
    page.clipboard.pageFocused();
    expect(await page.paste({})).toEqual(WITHHELD);
  });

  it("counts a copy without a format that viewers can get", async () => {
    const page = new Page();
    await page.paste({ text: "old" });
    page.clipboard.stateChanged({ ...OPEN, serial: 1 });
    expect(await page.paste({ text: "other" })).toEqual(PASTED);
    const inward = new Page({ from_desktop: false });
    inward.clipboard.stateChanged({ ...OPEN, from_desktop: false, serial: 1 });
    expect(await inward.paste({ text: "other" })).toEqual(PASTED);
  });

  it("is sent without content when the device's copy was sent since the page has the focus", async () => {
    const page = new Page();
    await page.paste({ text: "copy" });
    expect(await page.paste({})).toEqual(PASTED);
    page.clipboard.disconnected();
    page.clipboard.stateChanged(OPEN);
    expect(await page.paste({})).toEqual(WITHHELD);
  });

  it("sends the content again after the focus was elsewhere, where another window may have sent another", async () => {
    const page = new Page();
    await page.paste({ text: "copy" });
    expect(await page.paste({ text: "copy" })).toEqual(PASTED);
    page.clipboard.pageFocused();
    expect(await page.paste({ text: "copy" })).toEqual(sent("text copy"));
  });

  it("is left to the desktop when the policy forbids sending", async () => {
    const page = new Page({ to_desktop: false });
    page.key("keydown", "Control", "ControlLeft");
    expect(page.key("keydown", "v", "KeyV").defaultPrevented).toBe(true);
    expect(page.desktop).toEqual(["+ControlLeft", "+KeyV"]);
    expect(page.notices).toEqual([]);
  });

  it("waits for the copy that the person just asked for", async () => {
    const page = new Page();
    page.key("keydown", "x", "KeyX");
    page.key("keyup", "x", "KeyX");
    page.desktop.length = 0;
    page.controlV();
    await page.pasteEvent({ text: "of the device" });
    expect(page.desktop).toEqual(["+ControlLeft"]);
    page.clipboard.stateChanged({ ...OPEN, serial: 1, formats: ["text"] });
    await vi.advanceTimersByTimeAsync(0);
    expect(page.desktop).toEqual(PASTED);
  });

  it("keeps its place among keys, clicks and other pastes", async () => {
    const page = new Page();
    page.controlV();
    page.pointer.sendMotion(1, 1, 0);
    page.pointer.sendMotion(2, 2, 0);
    page.pointer.send({ type: "pointer", x: 2, y: 2, buttons: 1 });
    page.controlV();
    page.key("keydown", "Enter", "Enter", {});
    await page.pasteEvent({ text: "copy" });
    expect(page.desktop).toEqual([...sent("text copy"), "motion 2 2", "pointer", "+ControlLeft"]);
    await page.pasteEvent({ text: "copy" });
    expect(page.desktop.slice(-4)).toEqual([...PASTED.slice(1), "+Enter"]);
  });

  it("is dropped with what waits behind it when the window loses the focus", async () => {
    const page = new Page();
    page.controlV();
    page.keyboard.forget();
    await vi.advanceTimersByTimeAsync(LONG_MS);
    expect(page.desktop).toEqual(["+ControlLeft"]);
    expect(page.notices).toEqual([]);
    expect(await page.paste({ text: "later" })).toEqual(sent("text later"));
  });
});

describe("a paste from the browser's menu", () => {
  it("sends the content, and Ctrl+V without touching a key that is held", async () => {
    const page = new Page();
    await page.pasteEvent({ text: "copy" });
    expect(page.desktop).toEqual(["text copy", ...FROM_MENU]);
  });

  it.each([
    ["gives no content", {}, {}, "unreadable"],
    ["is forbidden", { to_desktop: false }, { text: "copy" }, "denied"],
  ])("pastes nothing when it %s", async (_, state, pasted, notice) => {
    const page = new Page(state);
    await page.pasteEvent(pasted);
    expect(page.desktop).toEqual([]);
    expect(page.notices).toEqual([notice]);
  });
});

describe("Shift+Insert", () => {
  it("does not paste what a terminal may have selected when the browser gives no content", async () => {
    const page = new Page();
    await page.paste({ text: "copy" });
    page.desktop.length = 0;
    page.key("keydown", "Insert", "Insert", { shiftKey: true });
    await page.pasteEvent({});
    expect(page.desktop).not.toContain("+Insert");
    expect(page.notices).toEqual(["unreadable"]);
  });
});

describe("Ctrl of the key bar with V of a soft keyboard", () => {
  const types = (page: Page): Promise<void> => page.type("v");
  const presses = async (page: Page): Promise<void> => {
    page.key("keydown", "v", "KeyV", {});
    page.key("keyup", "v", "KeyV", {});
    await vi.advanceTimersByTimeAsync(0);
  };

  it.each([
    ["text", types, ["+BarKey", "-BarKey"]],
    ["a key", presses, ["+KeyV", "-KeyV"]],
  ] as const)("given as %s: pastes only what is known to be the last copy", async (_, press, keys) => {
    const page = new Page();
    page.modifiers.tap("control", 0);
    await press(page);
    expect(page.desktop).toEqual(["+BarControl", keys[1], "-BarControl"]);
    expect(page.notices).toEqual(["unreadable"]);
    await page.paste({ text: "copy" });
    page.desktop.length = 0;
    page.modifiers.tap("control", LONG_MS);
    await press(page);
    expect(page.desktop).toEqual(["+BarControl", ...keys, "-BarControl"]);
  });

  it("is no paste with Alt, with another letter, or where the policy forbids sending", async () => {
    const page = new Page();
    page.modifiers.tap("control", 0);
    page.modifiers.tap("alt", 0);
    await page.type("v");
    page.modifiers.tap("control", LONG_MS);
    await page.type("c");
    const inside = new Page({ to_desktop: false });
    inside.modifiers.tap("control", 0);
    await inside.type("v");
    expect(page.desktop.filter((sent) => sent === "+BarKey")).toHaveLength(2);
    expect(inside.desktop).toEqual(["+BarControl", "+BarKey", "-BarKey", "-BarControl"]);
    expect([...page.notices, ...inside.notices]).toEqual([]);
  });
});

describe("the focus of a page that may read the clipboard", () => {
  const item = (type: string, content: string): unknown => ({
    types: [type],
    getType: () => Promise.resolve(new Blob([content])),
  });

  const permission = (granted: boolean): EventTarget & { state: string } =>
    Object.assign(new EventTarget(), { state: granted ? "granted" : "prompt" });
  /** What the browser's clipboard holds; null when it cannot be read. */
  let items: unknown[] | null = [];

  async function pageThatReads(state = {}): Promise<Page> {
    vi.stubGlobal("document", { hasFocus: () => true });
    vi.stubGlobal("navigator", {
      permissions: { query: ({ name }: { name: string }) => Promise.resolve(permission(name === "clipboard-read")) },
      clipboard: { read: () => (items === null ? Promise.reject(new Error("no focus")) : Promise.resolve(items)) },
    });
    items = [item("text/plain", "older than the page")];
    const page = new Page(state);
    await vi.advanceTimersByTimeAsync(0);
    return page;
  }

  it("sends a new copy for the menus and the middle click of the desktop", async () => {
    const page = await pageThatReads();
    items = [item("text/html", "<b>"), item("text/plain", "copy")];
    await page.clipboard.pageFocused();
    expect(page.desktop).toEqual(["text copy"]);
    expect(await page.paste({ text: "copy" })).toEqual(PASTED);
  });

  it("does not replace a copy of the desktop by unchanged content", async () => {
    const page = await pageThatReads();
    page.clipboard.stateChanged({ ...OPEN, serial: 1, formats: ["text"] });
    await page.clipboard.pageFocused();
    expect(page.desktop).toEqual([]);
  });

  it("sends nothing that the policy forbids, and says nothing", async () => {
    const forbidden = await pageThatReads({ to_desktop: false });
    const limited = await pageThatReads({ max_bytes: 3 });
    items = [item("text/plain", "copy")];
    expect(forbidden.clipboard.pageFocused()).toBe(null);
    await limited.clipboard.pageFocused();
    items = null;
    await limited.clipboard.pageFocused();
    expect([...limited.desktop, ...limited.notices, ...forbidden.notices]).toEqual([]);
  });
});

describe("a copy of the desktop that another window wrote to the device", () => {
  it("is not sent back", async () => {
    const page = new Page();
    await page.paste({ text: "old" });
    page.clipboard.stateChanged({ ...OPEN, serial: 1, formats: ["text"] });
    page.peers.onmessage?.call(
      null as never,
      new MessageEvent("message", { data: contentHash(new TextEncoder().encode("copy")) }),
    );
    page.clipboard.pageFocused();
    expect(await page.paste({ text: "copy" })).toEqual(PASTED);
  });
});
