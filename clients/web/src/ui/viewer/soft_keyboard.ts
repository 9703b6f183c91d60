/** Shows the extra keys, raises the soft keyboard of touch devices, and keeps the text field visible above both. */

import { Emitter } from "../emitter.ts";
import type { KeyBar } from "./key_bar.ts";
import { TOUCH_FIRST } from "./monitor_view.ts";
import type { ShownMonitors } from "./monitors/shown_monitors.ts";
import type { Viewport } from "./viewport.ts";

export class SoftKeyboard {
  /** Announces that the extra keys or the soft keyboard were shown or hidden. */
  readonly changed = new Emitter<void>();
  /** Announces that the extra keys are about to be hidden: keys that they hold must be released. */
  readonly closing = new Emitter<void>();
  readonly #page: HTMLElement;
  readonly #viewport: Viewport;
  readonly #keyBar: KeyBar;
  readonly #shown: ShownMonitors;
  readonly #touchFirst = matchMedia(TOUCH_FIRST).matches;
  #raised = false;
  /** The page itself moves the focus away from the field and back, to raise or lower the soft keyboard. */
  #movingFocus = false;

  /** `page` is the element that gets the soft keyboard's height as the CSS variable `--keyboard`. */
  constructor(page: HTMLElement, viewport: Viewport, keyBar: KeyBar, shown: ShownMonitors, signal: AbortSignal) {
    this.#page = page;
    this.#viewport = viewport;
    this.#keyBar = keyBar;
    this.#shown = shown;
    if (this.#touchFirst) viewport.field.inputMode = "none";
    keyBar.softKeyboardTapped.on(() => this.#raise(!this.#raised));
    keyBar.closeTapped.on(() => this.setKeyBarOpen(false));
    keyBar.resized.on(() => {
      this.#updateCovered();
      this.changed.emit();
    });
    for (const type of ["resize", "scroll"] as const)
      window.visualViewport?.addEventListener(type, () => this.#updateCovered(), { signal });
    // The system's own button that lowers the soft keyboard also takes the focus.
    const onBlur = (): void => {
      if (!this.#movingFocus && this.#touchFirst && this.#raised) this.#setRaised(false);
    };
    viewport.field.addEventListener("blur", onBlur, { signal });
  }

  get keyBarOpen(): boolean {
    return this.#keyBar.open;
  }

  /** Whether a soft keyboard covers a part of the window, or takes it from the window's height. */
  get coversWindow(): boolean {
    return this.#raised && this.#touchFirst;
  }

  /** Shows or hides the extra keys, and with them the soft keyboard on devices that have one. */
  setKeyBarOpen(open: boolean): void {
    if (!open) this.closing.emit();
    this.#keyBar.setOpen(open);
    this.#updateCovered();
    this.#raise(open && this.#touchFirst);
  }

  /** Raises or lowers the soft keyboard; browsers do either only when the field gets the focus. */
  #raise(raised: boolean): void {
    this.#movingFocus = true;
    this.#viewport.field.blur();
    this.#setRaised(raised);
    this.#viewport.focusField();
    this.#movingFocus = false;
  }

  #setRaised(raised: boolean): void {
    this.#raised = raised;
    this.#viewport.field.inputMode = raised || !this.#touchFirst ? "text" : "none";
    this.#keyBar.setSoftKeyboardShown(raised);
    this.changed.emit();
  }

  /** The soft keyboard covers the page's lower edge without resizing the page, so the extra keys must move above it. */
  #updateCovered(): void {
    const view = window.visualViewport;
    const pinched = Math.abs((view?.scale ?? 1) - 1) > 0.001;
    const keyboardPx = view === null || pinched ? 0 : Math.max(0, window.innerHeight - view.offsetTop - view.height);
    this.#page.style.setProperty("--keyboard", `${keyboardPx}px`);
    const keyBarPx = this.#keyBar.open ? this.#keyBar.element.offsetHeight : 0;
    this.#shown.setCovered(keyboardPx, keyBarPx);
  }
}
