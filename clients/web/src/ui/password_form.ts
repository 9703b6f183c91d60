/**
 * What the pages that ask for a password have in common: its field, the button, and the alert, which counts down the
 * seconds after too many attempts.
 */

import { BASE_PATH } from "../base.ts";
import type { Failure } from "../gateway/gateway_client.ts";
import { apiMessage } from "./api_message.ts";
import { h } from "./dom.ts";
import { type Message, sentences } from "./message.ts";
import { texts } from "./texts.ts";

export class PasswordForm {
  readonly password = h("input", {
    attrs: {
      name: "password",
      id: "password",
      type: "password",
      autocomplete: "current-password",
      required: "",
      maxlength: "1024",
    },
  });
  readonly alert = h("p", { class: "alert", attrs: { role: "alert" } });
  readonly submit: HTMLButtonElement;
  readonly #page: "signIn" | "lock";
  readonly #labels: { readonly submit: string; readonly busy: string };
  #countdown: ReturnType<typeof setInterval> | undefined;

  /** `page` selects the messages, `labels` are those of the button. */
  constructor(page: "signIn" | "lock", labels: { readonly submit: string; readonly busy: string }) {
    this.#page = page;
    this.#labels = labels;
    this.submit = h("button", { class: "primary", attrs: { type: "submit" } }, labels.submit);
  }

  showAlert(message: Message | null): void {
    this.alert.textContent = message === null ? "" : sentences(message);
  }

  /** An attempt is under way: there is no other one at the same time, and what the last one said is gone. */
  setBusy(on: boolean): void {
    this.submit.disabled = on;
    this.submit.textContent = on ? this.#labels.busy : this.#labels.submit;
    if (on) this.showAlert(null);
  }

  /** Says why an attempt failed. */
  showFailure(failure: Failure): void {
    const messages = texts().messages[this.#page];
    if (failure.kind === "too-many") this.#countDown(failure.waitS);
    else if (failure.kind === "unreachable") this.showAlert(messages.unreachable);
    else if (failure.kind === "proxy")
      this.showAlert(texts().messages.proxy[failure.fault](`${location.origin}${BASE_PATH}`));
    else if (failure.kind === "server") this.showAlert(apiMessage(failure.code, failure.status));
    else {
      this.showAlert(messages.wrongPassword);
      this.password.focus();
      this.password.select();
    }
  }

  close(): void {
    this.password.value = "";
    clearInterval(this.#countdown);
  }

  /** Counts down the seconds until the gateway accepts another attempt. */
  #countDown(seconds: number): void {
    let remaining = seconds;
    const draw = (): void => this.showAlert(texts().messages[this.#page].tooMany(remaining));
    draw();
    this.submit.disabled = true;
    clearInterval(this.#countdown);
    this.#countdown = setInterval(() => {
      remaining -= 1;
      if (remaining > 0) return draw();
      clearInterval(this.#countdown);
      this.showAlert(null);
      this.submit.disabled = false;
    }, 1000);
  }
}
