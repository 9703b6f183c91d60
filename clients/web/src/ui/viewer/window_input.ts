/** The keyboard input of one window: the text field, the extra keys, and the modifiers that the extra keys hold. */

import type { PageClipboard } from "../../clipboard/page_clipboard.ts";
import { InputQueue } from "../../input/input_queue.ts";
import type { InputSink } from "../../input/input_sink.ts";
import { KeyboardInput } from "../../input/keyboard.ts";
import { StickyModifiers } from "../../input/sticky_modifiers.ts";
import { Emitter } from "../emitter.ts";
import { platformOf } from "../platform.ts";
import { commandIsControl, optionIsAlt } from "../preferences.ts";
import type { CompositionPreview } from "./composition_preview.ts";
import { KeyBar } from "./key_bar.ts";
import { InputRouter } from "./monitors/input_router.ts";

/** How long input waits while the clipboard is read when the page gets the focus, ms. */
const FOCUS_WAIT_MS = 500;

export class WindowInput {
  readonly keyBar: KeyBar;
  /** Announces Ctrl+Alt+Home: the person wants the keyboard focus in the toolbar. */
  readonly toolbarRequested = new Emitter<void>();
  readonly #router: InputRouter;
  readonly #modifiers: StickyModifiers;
  readonly #keyboard: KeyboardInput;
  readonly #queue = new InputQueue();
  /** Where input of this window is sent: to the modifiers, behind a paste that waits. */
  readonly sink: InputSink;

  /** Reads text from `field` and sends input over the window's own `connection`. */
  constructor(
    field: HTMLTextAreaElement,
    connection: InputSink,
    clipboard: PageClipboard,
    preview: CompositionPreview,
  ) {
    this.#router = new InputRouter(connection);
    const modifiers = new StickyModifiers(this.#router, {
      changed: () => this.keyBar.redraw(),
      pointerReleased: () => this.keyBar.pointerReleased(),
    });
    this.#modifiers = modifiers;
    this.sink = this.#queue.behind(modifiers);
    this.keyBar = new KeyBar(this.sink, {
      tapModifier: (modifier) => this.#queue.run(() => modifiers.tap(modifier, performance.now())),
      modifierState: (modifier) => modifiers.core.state(modifier),
    });
    this.#keyboard = new KeyboardInput(
      field,
      this.#queue,
      modifiers,
      {
        platform: platformOf(navigator.userAgent),
        commandIsControl: commandIsControl(),
        // The person may choose again while the desktop is open.
        get optionIsAlt() {
          return optionIsAlt();
        },
        composesInField: composesInField(),
      },
      {
        compositionChanged: (text) => preview.show(text),
        copyKeyPressed: () => clipboard.copyKeyPressed(),
        canPaste: () => clipboard.canPaste,
        paste: (data, key) => clipboard.paste(data, key),
        shortcutArmed: () => modifiers.core.shortcut,
        pasteArmed: (text) => modifiers.pasteArmed(text),
        focusToolbar: () => this.toolbarRequested.emit(),
      },
    );
  }

  /** Returns where pointer input on another monitor of the window is sent; `connection` is that monitor's. */
  sinkFor(connection: InputSink): InputSink {
    return this.#queue.behind(this.#router.forMonitor(connection, this.#modifiers));
  }

  /** Releases modifiers that the person released where the page could not see it. */
  syncModifiers(event: MouseEvent): void {
    this.#keyboard.syncModifiers(event);
  }

  /** Lets all input wait for `sending`, or for FOCUS_WAIT_MS. */
  waitFor(sending: Promise<void>): void {
    const gate = this.#queue.gate();
    const open = (): void => gate.open(() => {});
    void sending.finally(open);
    setTimeout(open, FOCUS_WAIT_MS);
  }

  /** Whether Ctrl is pressed on the desktop, by a key or by the key bar. */
  get controlHeld(): boolean {
    return this.#keyboard.controlHeld || this.#modifiers.core.state("control") !== "off";
  }

  /** Forgets all held keys and modifiers without sending anything. Returns whether any was held. */
  forget(): boolean {
    const keys = this.#keyboard.forget();
    const modifiers = this.#modifiers.forget();
    this.keyBar.reset();
    return keys || modifiers;
  }

  close(): void {
    this.#keyboard.close();
  }
}

/**
 * Returns whether only the field shows what a key types: in Chromium on Linux and ChromeOS, which composes
 * characters without telling the page, and in Firefox, which hides Alt when it resists fingerprinting.
 */
function composesInField(): boolean {
  return /(X11|CrOS).*Chrome\/|Firefox\//.test(navigator.userAgent);
}
