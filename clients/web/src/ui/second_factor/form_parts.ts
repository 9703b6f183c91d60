/** Parts that several forms of the second factor have: a field for a code, an alert, and buttons that wait. */

import { h } from "../dom.ts";
import { type Message, sentences } from "../message.ts";
import { language } from "../preferences.ts";

/** Digits of a code of an authenticator app. */
const DIGITS = 6;

/** A line that says what went wrong. */
export interface Alert {
  readonly element: HTMLElement;
  show(message: Message | null): void;
}

export function alertLine(): Alert {
  const element = h("p", { class: "alert", attrs: { role: "alert" } });
  return {
    element,
    show: (message) => {
      element.textContent = message === null ? "" : sentences(message);
    },
  };
}

/** Creates the field for the six digits of an app. `complete` is called as soon as all of them are there. */
export function digitsField(id: string, complete: (code: string) => void): HTMLInputElement {
  const field = h("input", {
    class: "digits",
    attrs: {
      id,
      name: "code",
      type: "text",
      inputmode: "numeric",
      autocomplete: "one-time-code",
      autocapitalize: "none",
      spellcheck: "false",
      // Longer than six digits: a code may be pasted with spaces.
      maxlength: "16",
    },
    on: {
      input: () => {
        const digits = field.value.replaceAll(/\D/g, "").slice(0, DIGITS);
        if (field.value !== digits) field.value = digits;
        if (digits.length === DIGITS) complete(digits);
      },
    },
  });
  return field;
}

/** Creates a button that cannot be pressed again while its work is under way. */
export function workButton(label: string, className: string, work: () => Promise<void>): HTMLButtonElement {
  const button = h(
    "button",
    {
      class: className,
      attrs: { type: "button" },
      on: {
        click: () => {
          if (button.disabled) return;
          button.disabled = true;
          void work().finally(() => {
            button.disabled = false;
          });
        },
      },
    },
    label,
  );
  return button;
}

/** Writes a date of the server, in seconds since the epoch, in the language of the page. */
export function dateText(seconds: number): string {
  return new Intl.DateTimeFormat(language(), { dateStyle: "medium" }).format(new Date(seconds * 1000));
}

/** Counts down the seconds of `message`, then calls `over`. Returns what stops it. */
export function countDown(
  seconds: number,
  show: (message: Message | null) => void,
  message: (s: number) => Message,
  over: () => void,
): () => void {
  let remaining = seconds;
  show(message(remaining));
  const timer = setInterval(() => {
    remaining -= 1;
    if (remaining > 0) {
      show(message(remaining));
      return;
    }
    clearInterval(timer);
    show(null);
    over();
  }, 1000);
  return () => clearInterval(timer);
}
