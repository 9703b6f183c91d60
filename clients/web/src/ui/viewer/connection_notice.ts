/** A card over the image that says why there is no connection, and offers the next step. */

import type { EndReason } from "../../protocol/close_action.ts";
import type { ConnectionState } from "../../worker/messages.ts";
import { messageForCode } from "../api_message.ts";
import { h } from "../dom.ts";
import { sentences } from "../message.ts";
import { texts } from "../texts.ts";

/** The steps that a person can choose when there is no connection. */
export interface ConnectionSteps {
  /** Connects again at once; takes the desktop back if another device has it. */
  reconnect(): void;
  showDesktopList(): void;
  signIn(): void;
  showFirstMonitor(): void;
  /** Ends the display agent, which hangs, so that another one is started. */
  restartDisplay(): void;
  /** Asks whether the desktop shall end or restart with all its programs, and does it. */
  endDesktop(): void;
}

/** A connection that takes no longer than this, ms, is established without a notice. */
const SILENT_MS = 400;
/** A connection that takes longer than this, ms, means that the desktop is being started. */
const START_MS = 1_500;
/** A start that takes longer than this, ms, shows the elapsed seconds as a sign of life. */
const LONG_START_MS = 8_000;
/** The pause before the next attempt above which "try now" is offered, ms. */
const LONG_PAUSE_MS = 1_500;
/** Interval at which elapsed and remaining seconds are redrawn, ms. */
const REDRAW_EVERY_MS = 250;

type Step = "again" | "toList" | "takeBack" | "reload" | "signIn" | "firstMonitor" | "retryNow" | "restartDisplay";

/** The first step that is offered after the connection ended. */
const STEPS: Readonly<Record<EndReason, Step>> = {
  violation: "again",
  forbidden: "toList",
  missing: "toList",
  moved: "takeBack",
  monitor: "firstMonitor",
  version: "reload",
  limit: "again",
  "signed-out": "signIn",
  locked: "again",
  unsupported: "toList",
  left: "again",
};

export class ConnectionNotice {
  readonly element: HTMLElement;
  readonly #steps: ConnectionSteps;
  readonly #timer: ReturnType<typeof setInterval>;
  #state: ConnectionState = { phase: "connecting", attempt: 0 };
  #stateSinceMs = performance.now();
  #everConnected = false;
  /** Whether the desktop does not answer although the connection is open. */
  #silent = false;
  /** Whether the newest attempts showed that WebSockets do not get through. */
  #blocked = false;
  /** The person chose to wait until the desktop answers. */
  #waiting = false;
  /** What is drawn, so that nothing is drawn twice: screen readers would repeat it. */
  #drawn = "";

  constructor(steps: ConnectionSteps) {
    this.#steps = steps;
    this.element = h("section", {
      class: "message-card connection-notice",
      attrs: { role: "status", "aria-live": "polite", hidden: "" },
    });
    this.#timer = setInterval(() => this.#draw(), REDRAW_EVERY_MS);
  }

  show(state: ConnectionState): void {
    this.#state = state;
    if (state.phase === "connected") this.#everConnected = true;
    if (state.phase !== "connecting") this.#blocked = state.phase === "reconnecting" && state.webSocketsBlocked;
    if (state.phase === "reconnecting" || state.phase === "connected") this.#stateSinceMs = performance.now();
    this.redraw();
  }

  /** Says that the desktop does not answer, or that it answers again. */
  setSilent(silent: boolean): void {
    this.#silent = silent;
    this.#waiting = false;
    this.redraw();
  }

  /** Redraws all texts after the language changed. */
  redraw(): void {
    this.#drawn = "";
    this.#draw();
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #draw(): void {
    const t = texts().connection;
    const message = texts().messages;
    const state = this.#state;
    const elapsedMs = performance.now() - this.#stateSinceMs;
    if (state.phase === "connected" && this.#silent && !this.#waiting) {
      this.#show(message.silent.what, [message.silent.why, message.silent.next], "restartDisplay");
    } else if (state.phase === "connected") {
      this.#hide();
    } else if (state.phase === "ended") {
      // The gateway says who or what ended a desktop; its message replaces the general one.
      const ending = state.reason === "missing" ? messageForCode(state.detail) : null;
      const { what, why, next } = ending ?? message.ended[state.reason];
      const detail = ending === null ? endDetail(state.reason, state.detail) : "";
      this.#show(what, [`${why} ${next}`, detail], STEPS[state.reason]);
    } else if (this.#blocked) {
      const inMs = state.phase === "reconnecting" ? state.inMs : 0;
      const seconds = Math.max(0, (inMs - elapsedMs) / 1000).toFixed(0);
      const attempt = state.phase === "reconnecting" ? t.next(seconds, state.attempt) : t.now(state.attempt);
      const { what, why, next } = message.webSocketsBlocked;
      this.#show(what, [why, next, attempt], "retryNow");
    } else if (!this.#everConnected) {
      const detail = state.phase === "reconnecting" ? explained(state.detail) : "";
      if (elapsedMs < SILENT_MS && state.phase === "connecting") this.#hide();
      else if (elapsedMs < START_MS) this.#show(t.connecting, [detail]);
      else {
        const elapsed = elapsedMs < LONG_START_MS ? "" : t.startingSince((elapsedMs / 1000).toFixed(0));
        this.#show(t.starting, [detail, elapsed]);
      }
    } else if (state.phase === "reconnecting") {
      const remainingS = Math.max(0, (state.inMs - elapsedMs) / 1000);
      const attempt = remainingS < 0.5 ? t.now(state.attempt) : t.next(remainingS.toFixed(0), state.attempt);
      const step = state.inMs > LONG_PAUSE_MS ? "retryNow" : undefined;
      const { what, why, next } = message.reconnecting;
      this.#show(what, [why, next, explained(state.detail), attempt], step);
    } else {
      const { what, why, next } = message.reconnecting;
      this.#show(what, [why, next, t.now(Math.max(1, state.attempt))]);
    }
  }

  #hide(): void {
    this.#drawn = "";
    this.element.dataset.kind = this.#state.phase;
    this.element.hidden = true;
    this.element.replaceChildren();
  }

  #show(title: string, lines: readonly string[], step?: Step): void {
    const content = [title, ...lines, step ?? ""].join("\n");
    if (content === this.#drawn) return;
    this.#drawn = content;
    this.element.hidden = false;
    this.element.dataset.kind = this.#state.phase;
    const buttons = step === undefined ? [] : this.#buttons(step);
    const busy = this.#state.phase !== "ended";
    this.element.replaceChildren(
      ...(busy ? [h("span", { class: "spinner", attrs: { "aria-hidden": "true" } })] : []),
      h(
        "div",
        { class: "message-text" },
        h("strong", {}, title),
        ...lines.filter((line) => line !== "").map((line) => h("p", {}, line)),
      ),
      ...(buttons.length > 0 ? [h("div", { class: "message-actions" }, ...buttons)] : []),
    );
  }

  /** The button of the step itself, and one that leads to the list of desktops except before signing in. */
  #buttons(step: Step): HTMLElement[] {
    const t = texts().connection;
    const make = (label: string, primary: boolean, onClick: () => void): HTMLElement =>
      h(
        "button",
        { class: primary ? "primary" : "secondary", attrs: { type: "button" }, on: { click: onClick } },
        label,
      );
    const toList = make(t.toList, step === "toList", () => this.#steps.showDesktopList());
    switch (step) {
      case "toList":
        return [toList];
      case "signIn":
        return [make(t.signIn, true, () => this.#steps.signIn())];
      case "reload":
        return [make(t.reload, true, () => location.reload()), toList];
      case "firstMonitor":
        return [make(t.firstMonitor, true, () => this.#steps.showFirstMonitor()), toList];
      case "restartDisplay":
        return [
          make(t.wait, true, () => {
            this.#waiting = true;
            this.#draw();
          }),
          make(t.restartDisplay, false, () => {
            this.#waiting = true;
            this.#draw();
            this.#steps.restartDisplay();
          }),
          make(t.endDesktop, false, () => this.#steps.endDesktop()),
        ];
      case "again":
      case "takeBack":
      case "retryNow":
        return [make(t[step], true, () => this.#steps.reconnect()), toList];
    }
  }
}

/**
 * Returns what the detail of a lost connection tells the person: the message for an error code of the gateway. Close
 * reasons are English sentences for logs, and the notice itself explains the close code.
 */
function explained(detail: string): string {
  const message = messageForCode(detail);
  return message === null ? "" : sentences(message);
}

/** Returns the additional line of an ended connection, or an empty text. */
function endDetail(reason: EndReason, detail: string): string {
  if (detail === "") return "";
  switch (reason) {
    case "moved":
      return texts().connection.movedTo(detail);
    case "forbidden":
      return explained(detail) || explained("cross-site"); // the close code: the page is not one of this server
    case "unsupported":
    case "violation":
      return detail; // a technical detail, for the administrator
    default:
      return explained(detail);
  }
}
