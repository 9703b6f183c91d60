import { readFile } from "node:fs/promises";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { InputQueue } from "../../src/input/input_queue.ts";
import type { InputSink } from "../../src/input/input_sink.ts";
import { KeyboardInput } from "../../src/input/keyboard.ts";
import type { Platform } from "../../src/input/keyboard_core.ts";
import { latinOfJamo } from "../../src/input/keysym.ts";
import { StickyModifiers } from "../../src/input/sticky_modifiers.ts";
import type { InputMessage } from "../../src/protocol/messages.ts";

interface Step {
  readonly type: string;
  readonly remove: number;
  readonly insert: string;
  readonly key?: string;
  readonly inputType?: string;
  readonly data?: string;
}
interface Scene {
  readonly name: string;
  readonly text: string;
  readonly steps: readonly Step[];
}

const vectors = JSON.parse(
  await readFile(new URL("../../../../tests/vectors/hangul.json", import.meta.url), "utf-8"),
) as { engines: Record<string, Scene[]> };
const PLATFORMS: Readonly<Record<string, Platform>> = { ipados: "mac" };

/** The part of a text field that the keyboard uses. */
class FakeField extends EventTarget {
  value = "";
}

/** A desktop that types received keys and text into one line. */
class Desktop implements InputSink {
  line = "";
  readonly messages: InputMessage[] = [];
  readonly #down = new Set<string>();

  send(message: InputMessage): void {
    this.messages.push(message);
    if (message.type === "text") this.line += message.text;
    if (message.type !== "key") return;
    if (!message.down) {
      this.#down.delete(message.code);
      return;
    }
    this.#down.add(message.code);
    if (message.keysym === 0xff08) this.line = Array.from(this.line).slice(0, -1).join("");
    else if (message.keysym < 0xff) this.line += String.fromCodePoint(message.keysym);
  }

  sendMotion(): void {
    throw new Error("the keyboard must not move the pointer");
  }

  get held(): number {
    return this.#down.size;
  }
}

class Person {
  readonly field = new FakeField();
  readonly desktop = new Desktop();
  readonly modifiers = new StickyModifiers(this.desktop, { changed: () => {}, pointerReleased: () => {} });
  readonly keyboard: KeyboardInput;
  /** The character of a key event that the page prevented, so that it does not reach the field. */
  #prevented: string | undefined;

  constructor(platform: Platform) {
    this.keyboard = new KeyboardInput(
      this.field as unknown as HTMLTextAreaElement,
      new InputQueue(),
      this.modifiers,
      { platform, commandIsControl: true, optionIsAlt: true, composesInField: false },
      {
        compositionChanged: () => {},
        focusToolbar: () => {},
        copyKeyPressed: () => {},
        canPaste: () => false,
        paste: () => Promise.resolve(true),
        shortcutArmed: () => this.modifiers.core.shortcut,
        pasteArmed: () => false,
      },
    );
  }

  play(step: Step, next?: Step): void {
    if (step.type === "input" && this.#prevented !== undefined && step.data === this.#prevented) {
      this.#prevented = undefined;
      return;
    }
    const points = step.remove;
    this.field.value = this.field.value.slice(0, this.field.value.length - points) + step.insert;
    const event = new Event(step.type, { cancelable: true });
    const { type: _, ...fields } = step;
    const modifiers = { location: 0, shiftKey: false, ctrlKey: false, altKey: false, metaKey: false };
    Object.assign(event, modifiers, { getModifierState: () => false }, fields);
    this.field.dispatchEvent(event);
    if (step.type === "keydown") this.#prevented = event.defaultPrevented ? step.key : undefined;
    // iPadOS fires the deletion and the insertion that replaces it in one task.
    const together = step.inputType === "deleteContentBackward" && next?.type === "input";
    if (!together) vi.runAllTimers();
  }

  type(text: string): void {
    this.play({ type: "input", remove: 0, insert: text, inputType: "insertText", data: text });
  }
}

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe.each(Object.entries(vectors.engines))("Hangul events of %s", (engine, scenes) => {
  it.each(scenes)("$name: $text", ({ text, steps }) => {
    const person = new Person(PLATFORMS[engine] ?? "other");
    for (const [index, step] of steps.entries()) person.play(step, steps[index + 1]);
    expect(person.desktop.line).toBe(text);
    expect(person.desktop.held).toBe(0);
  });

  it("types several words in a row with Latin text between them", () => {
    const person = new Person(PLATFORMS[engine] ?? "other");
    const sequence = [
      scenes.find(({ name }) => name === "mixed"),
      scenes[0],
      scenes.find(({ name }) => name === "mixed"),
    ];
    for (const scene of sequence) {
      for (const [index, step] of (scene?.steps ?? []).entries()) person.play(step, scene?.steps[index + 1]);
    }
    expect(person.desktop.line).toBe("CT 값 2한글CT 값 2");
  });
});

describe("keys of the desktop's own input method", () => {
  it.each([
    ["HangulMode", "Lang1", 0xff31],
    ["HanjaMode", "Lang2", 0xff34],
    ["Unidentified", "Lang1", 0xff31],
  ])("%s (%s)", (key, code, keysym) => {
    const person = new Person("windows");
    for (const type of ["keydown", "keyup"]) person.play({ type, remove: 0, insert: "", key, ...{ code } });
    expect(person.desktop.messages).toEqual([
      { type: "key", keysym, code, down: true },
      { type: "key", keysym, code, down: false },
    ]);
  });
});

describe("key bar with a soft keyboard", () => {
  const keysyms = (person: Person): string[] =>
    person.desktop.messages.flatMap((message) =>
      message.type === "key" ? [`${message.down ? "+" : "-"}${message.keysym.toString(16)}`] : [message.type],
    );

  it("applies a tapped modifier to one key: text becomes the key of a shortcut", () => {
    const person = new Person("other");
    person.modifiers.tap("control", 0);
    person.type("c");
    person.type("x");
    expect(keysyms(person)).toEqual(["+ffe3", "+63", "-63", "-ffe3", "text"]);
    expect([person.desktop.line.at(-1), person.field.value]).toEqual(["x", "x"]);
  });

  it("sends the Latin key of a jamo in a shortcut", () => {
    const person = new Person("other");
    person.modifiers.tap("control", 0);
    person.type("ㅊ");
    expect(keysyms(person)).toEqual(["+ffe3", "+63", "-63", "-ffe3"]);
    expect(["ㅂ", "ㅡ", "ㅆ", "ㅖ", "a"].map(latinOfJamo)).toEqual(["q", "m", "t", "p", undefined]);
  });

  it("locks on two quick taps and releases on a third; two slow taps arm and disarm", () => {
    const { modifiers, desktop } = new Person("other");
    modifiers.tap("shift", 0);
    modifiers.tap("shift", 200);
    expect(modifiers.core.state("shift")).toBe("locked");
    modifiers.send({ type: "text", text: "ab" });
    modifiers.send({ type: "text", text: "c" });
    expect([desktop.line, modifiers.core.state("shift")]).toEqual(["ABC", "locked"]);
    modifiers.tap("shift", 3_000);
    expect([modifiers.core.state("shift"), desktop.held]).toEqual(["off", 0]);
    modifiers.tap("alt", 0);
    modifiers.tap("alt", 900);
    expect([modifiers.core.state("alt"), desktop.held]).toEqual(["off", 0]);
  });

  it("holds a modifier until a click has ended", () => {
    const { modifiers, desktop } = new Person("other");
    modifiers.tap("control", 0);
    modifiers.send({ type: "pointer", x: 1, y: 1, buttons: 1 });
    modifiers.sendMotion = () => {};
    expect(desktop.held).toBe(1);
    modifiers.send({ type: "pointer", x: 5, y: 1, buttons: 0 });
    expect([desktop.held, modifiers.core.active]).toEqual([0, false]);
  });

  it("releases locked modifiers together with everything else", () => {
    const { modifiers } = new Person("other");
    modifiers.tap("super", 0);
    modifiers.tap("super", 100);
    expect([modifiers.forget(), modifiers.forget(), modifiers.core.active]).toEqual([true, false, false]);
  });
});
