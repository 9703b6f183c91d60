/** The page to which a provider sends the browser back: it hands over what the provider said, and says how it went. */

import { pathTo } from "../../base.ts";
import type { Failure, SignInStep } from "../../gateway/gateway_client.ts";
import { finishAtProvider, providerAnswer } from "../../gateway/provider_client.ts";
import { apiMessage } from "../api_message.ts";
import { h } from "../dom.ts";
import { type Message, sentences } from "../message.ts";
import type { Page } from "../page.ts";
import { brand, settingButtons } from "../settings.ts";
import { texts } from "../texts.ts";

export interface ProviderPageOptions {
  readonly provider: string;
  /** The query of the address. */
  readonly query: string;
  /** The person is signed in, or has unlocked the screen. */
  readonly done: () => void;
  /** A second factor is due, or has to be set up, to sign in. */
  readonly factorDue: (step: SignInStep) => void;
  /** A second factor is due to unlock the screen. */
  readonly factorToUnlock: () => void;
  /** It failed, and the person has read why. */
  readonly goOn: () => void;
  readonly redraw: () => void;
}

export function failureAtProvider(failure: Failure): Message {
  const { messages } = texts();
  if (failure.kind === "server") return apiMessage(failure.code, failure.status);
  return failure.kind === "signed-out" ? messages.signIn.expired : messages.signIn.unreachable;
}

export function providerPage(options: ProviderPageOptions): Page {
  const t = texts().provider;
  const progress = h("p", { class: "muted", attrs: { role: "status" } }, t.finishing);
  const alert = h("p", { class: "alert", attrs: { role: "alert" } });
  const goOn = h(
    "button",
    { class: "primary", attrs: { type: "button", hidden: "" }, on: { click: () => options.goOn() } },
    t.goOn,
  );
  let closed = false;

  const finish = async (): Promise<void> => {
    const answer = providerAnswer(options.query);
    // The address has a code, which is of no use to anybody else but does not belong into the history.
    history.replaceState(null, "", pathTo(""));
    if (answer === null) {
      options.goOn();
      return;
    }
    const outcome = await finishAtProvider(options.provider, answer);
    if (closed) return;
    if (outcome.ok && outcome.value.state === "signed-in") options.done();
    else if (outcome.ok) options.factorDue(outcome.value);
    else if (outcome.failure.kind === "factor-due") options.factorToUnlock();
    else {
      progress.hidden = true;
      alert.textContent = sentences(failureAtProvider(outcome.failure));
      goOn.hidden = false;
      goOn.focus();
    }
  };

  const element = h(
    "div",
    { class: "page sign-in-page", attrs: { "data-at-provider": "" } },
    h(
      "main",
      { class: "centre" },
      h(
        "div",
        { class: "card sign-in" },
        h("div", { class: "sign-in-head" }, brand()),
        h("h1", { class: "sr-only" }, t.title),
        progress,
        alert,
        goOn,
      ),
    ),
    h("footer", { class: "footer" }, h("span", { class: "spacer" }), ...settingButtons(options.redraw)),
  );
  return {
    element,
    title: t.title,
    shown: () => void finish(),
    close: () => {
      closed = true;
    },
  };
}
