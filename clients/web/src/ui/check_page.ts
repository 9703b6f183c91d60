/**
 * The display check: test patterns are drawn on the desktop, the badge says whether they arrive exactly, and the
 * person answers what they see of them.
 */

import { CheckCore, type PatternName, type Step } from "../check/check_core.ts";
import { listChecks, restartDisplay, storeCheck } from "../gateway/gateway_client.ts";
import type { ShownState } from "../protocol/badge_state.ts";
import type { DesktopLayout, Monitor } from "../protocol/messages.ts";
import type { ConnectionState } from "../worker/messages.ts";
import { describeDevice, formatLevel, historyElements } from "./check_record.ts";
import { button, h } from "./dom.ts";
import { askToEndByName } from "./end_desktop_dialog.ts";
import { leaveFullscreen, toggleFullscreen } from "./fullscreen.ts";
import { icon } from "./icons.ts";
import { sentences } from "./message.ts";
import type { Page } from "./page.ts";
import type { SignInReason } from "./sign_out.ts";
import { texts } from "./texts.ts";
import { Badge } from "./viewer/badge.ts";
import { ConnectionNotice } from "./viewer/connection_notice.ts";
import { ConnectionStatus } from "./viewer/connection_status.ts";
import { unsupportedPage } from "./viewer/unsupported_page.ts";
import { reportView } from "./viewer/view_report.ts";
import { type ViewerEvent, ViewerWorker } from "./viewer/viewer_worker.ts";
import { Viewport } from "./viewer/viewport.ts";

export interface CheckOptions {
  readonly desktop: string;
  readonly showDesktopList: () => void;
  readonly signedOut: (reason: SignInReason) => void;
}

/**
 * Time after which a question is asked even if no new pattern has arrived, ms: it is the same pattern as before, or
 * something failed, which the badge shows.
 */
const DRAWN_WITHIN_MS = 2_500;
/** Time without an update after which a pattern is complete, ms: a resized monitor causes several updates. */
const SETTLED_AFTER_MS = 250;
/** Interval at which the page looks whether a pattern is complete, ms. */
const POLL_EVERY_MS = 50;
/** Smallest side of a monitor that has room for the patterns, px. */
const SIDE_MIN_PX = 320;
/** Grey level of the background below which the panel is dimmed, 0…255. */
const DIM_BELOW = 64;

/** Where the panel is: in a corner, at the side between the corners, or in the middle. */
type Place = "bottom-right" | "bottom-left" | "top-left" | "top-right" | "side" | "middle";
/**
 * Where the panel is during each question: not on what the question asks about. `texts.ts` has the questions,
 * `display_check/patterns.py` the patterns.
 */
const PLACES: Readonly<Record<PatternName, readonly Place[]>> = {
  "tg18-qc": ["bottom-right", "bottom-right", "top-right"],
  "tg270-sqc": ["bottom-right", "top-right"],
  smpte: ["bottom-right", "side"],
  pixels: ["bottom-right", "middle"],
};
const FIRST_PLACE: Place = "bottom-right";
/** The place after each press of the button that moves the panel. */
const NEXT_PLACE: Readonly<Record<Place, Place>> = {
  "bottom-right": "bottom-left",
  "bottom-left": "top-left",
  "top-left": "top-right",
  "top-right": "bottom-right",
  side: "bottom-right",
  middle: "bottom-right",
};

export function checkPage(options: CheckOptions): Page {
  const t = texts();
  const viewport = new Viewport(0, { surface: t.surface(options.desktop), field: t.field });
  let worker: ViewerWorker;
  try {
    worker = new ViewerWorker(options.desktop, 0, viewport.canvas);
  } catch (error) {
    viewport.close();
    return unsupportedPage(options, String(error));
  }
  return new CheckPage(options, viewport, worker);
}

class CheckPage implements Page {
  readonly element: HTMLElement;
  readonly title = texts().check.title;
  readonly #options: CheckOptions;
  readonly #viewport: Viewport;
  readonly #worker: ViewerWorker;
  readonly #badge = new Badge(0);
  readonly #status: ConnectionStatus;
  readonly #body = h("div", { class: "check-body", attrs: { "aria-live": "polite" } });
  readonly #panel: HTMLElement;
  readonly #move: HTMLButtonElement;
  readonly #abort = new AbortController();
  readonly #timer: ReturnType<typeof setInterval>;
  /** Null before the person starts the check. */
  #core: CheckCore | null = null;
  /** Null before the first connection. */
  #monitor: Monitor | null = null;
  #state: ShownState = "unverified";
  #epoch = 0;
  #epochChangedAtMs = 0;
  #sizeRequested = false;
  /** Where the last question put the panel; the person may have moved it since. */
  #place: Place = FIRST_PLACE;
  /** The keyboard was in the panel when its content was replaced. */
  #focusLost = false;
  /** What to do when the pattern that was requested is complete and verified; null when none is awaited. */
  #awaited: { readonly epoch: number; readonly sinceMs: number; readonly onDrawn: () => void } | null = null;

  constructor(options: CheckOptions, viewport: Viewport, worker: ViewerWorker) {
    this.#options = options;
    this.#viewport = viewport;
    this.#worker = worker;
    // Nobody types on this page; without the field the keyboard reaches the panel at once.
    viewport.field.disabled = true;
    const t = texts();
    const notice = new ConnectionNotice({
      reconnect: () => worker.reconnect(true),
      showDesktopList: () => options.showDesktopList(),
      signIn: () => options.signedOut("expired"),
      showFirstMonitor: () => options.showDesktopList(),
      restartDisplay: () => void restartDisplay(options.desktop),
      endDesktop: () =>
        void askToEndByName(options.desktop).then((ending) => {
          if (ending === "restart") location.reload();
          else if (ending === "end") options.showDesktopList();
        }),
    });
    this.#move = button(t.check.move, icon("move"), "quiet square", () => this.#moveAside());
    this.#panel = h(
      "section",
      { class: "check-panel", attrs: { "aria-label": t.check.title, "data-place": FIRST_PLACE } },
      h(
        "header",
        {},
        h("h1", {}, t.check.title),
        this.#badge.element,
        this.#move,
        button(t.bar.fullscreen, icon("fullscreen"), "quiet square", () => void toggleFullscreen(false)),
        button(t.check.close, icon("close"), "quiet square", () => options.showDesktopList()),
      ),
      this.#body,
    );
    this.element = h(
      "main",
      { class: "viewer check" },
      viewport.element,
      notice.element,
      this.#panel,
      this.#badge.popover,
    );
    this.#status = new ConnectionStatus(this.element, notice);
    worker.events.on((event) => this.#onEvent(event));
    reportView(viewport, worker, this.#abort.signal);
    this.#badge.toggled.on((open) => worker.watchStatus(open));
    this.#timer = setInterval(() => this.#poll(), POLL_EVERY_MS);
  }

  shown(): void {
    this.#status.start();
    this.#showIntroduction();
  }

  close(): void {
    clearInterval(this.#timer);
    this.#abort.abort();
    this.#worker.close();
    this.#viewport.close();
    this.#badge.close();
    leaveFullscreen();
    this.#status.close();
  }

  // ── events of the worker ───────────────────────────────────────────────────────────────────────────────────────

  #onEvent(event: ViewerEvent): void {
    switch (event.kind) {
      case "verdict":
        this.#state = event.state;
        if (event.epoch !== this.#epoch) this.#epochChangedAtMs = performance.now();
        this.#epoch = event.epoch;
        this.#badge.showState(event.state, event.epoch, event.ageMs, event.ratio, event.readbackAltered);
        return;
      case "status":
        this.#badge.showStatus(event.status);
        return;
      case "layout":
        this.#requestSize(event.layout);
        return;
      case "connection":
        this.#onConnection(event.state);
    }
  }

  #onConnection(state: ConnectionState): void {
    this.#status.show(state);
    this.#panel.hidden = state.phase === "ended";
    if (state.phase !== "connected") return;
    this.#monitor = state.monitor;
    this.#badge.setMonitor(state.monitor);
    this.#viewport.setSurfaceSize(state.monitor);
  }

  /** Requests once that the monitor takes the size of this page: the patterns are made for the display's own pixels. */
  #requestSize(layout: DesktopLayout): void {
    if (this.#sizeRequested || layout.screen_max === null) return;
    this.#sizeRequested = true;
    const { width, height } = this.#viewport.deviceSize;
    const [maxWidth, maxHeight] = layout.screen_max;
    const monitor = layout.monitors[0];
    const possible = width >= SIDE_MIN_PX && height >= SIDE_MIN_PX && width <= maxWidth && height <= maxHeight;
    if (monitor === undefined || !possible || (monitor.width === width && monitor.height === height)) return;
    this.#worker.requestLayout([{ id: 0, x: 0, y: 0, width, height, primary: true }], null);
  }

  // ── steps of the check ─────────────────────────────────────────────────────────────────────────────────────────

  #showIntroduction(): void {
    const t = texts().check;
    this.#show(t.intro, [this.#button(t.start, true, () => this.#start())], t.introHint);
    void listChecks().then((answer) => {
      if (answer.ok && this.#core === null) this.#body.append(...historyElements(answer.value));
    });
  }

  #start(): void {
    const core = new CheckCore(() => (crypto.getRandomValues(new Uint32Array(1))[0] ?? 0) / 2 ** 32);
    this.#core = core;
    this.#next(core, null);
  }

  /** Makes the desktop draw what the step needs, and asks the question when that is displayed and verified. */
  #next(core: CheckCore, before: Step | null): void {
    const { step, command } = core;
    if (step.kind === "done") {
      this.#worker.send({ type: "text", text: command });
      void this.#finish(core);
      return;
    }
    const drawn = before?.kind === "question" && step.kind === "question" && before.pattern === step.pattern;
    if (drawn) {
      this.#ask(core, step);
      return;
    }
    this.#show(texts().check.drawing, []);
    this.#awaited = { epoch: this.#epoch, sinceMs: performance.now(), onDrawn: () => this.#ask(core, step) };
    this.#worker.send({ type: "text", text: command });
  }

  #poll(): void {
    const awaited = this.#awaited;
    if (awaited === null) return;
    const nowMs = performance.now();
    const verified = this.#state === "exact" || this.#state === "scaled";
    const settled = nowMs - this.#epochChangedAtMs >= SETTLED_AFTER_MS;
    const drawn = this.#epoch !== awaited.epoch && verified && settled;
    if (!drawn && nowMs - awaited.sinceMs < DRAWN_WITHIN_MS) return;
    this.#awaited = null;
    awaited.onDrawn();
  }

  #ask(core: CheckCore, step: Exclude<Step, { kind: "done" }>): void {
    const t = texts().check;
    this.#arrangePanel(step);
    if (step.kind === "question") {
      const answer = (yes: boolean) => (): void => {
        core.answer(yes, this.#state);
        this.#next(core, step);
      };
      const question = t.questions[step.pattern][step.number] ?? "";
      const buttons = [this.#button(t.yes, true, answer(true)), this.#button(t.no, false, answer(false))];
      buttons.push(...this.#backButton(core));
      this.#show(question, buttons, this.#caption(step.pattern));
      return;
    }
    const point = (place: number | null) => (): void => {
      core.point(place, this.#state);
      this.#next(core, step);
    };
    const places = t.places.map((name, place) => this.#button(name, false, point(place)));
    const grid = h("div", { class: "check-places" }, ...places);
    const nowhere = this.#button(t.nowhere, false, point(null));
    this.#show(t.where, [grid, nowhere, ...this.#backButton(core)], this.#caption(null));
  }

  /** Names the pattern (null: the contrast test), and says whether it arrived exactly. */
  #caption(pattern: PatternName | null): string {
    const t = texts().check;
    const name = pattern === null ? t.contrast : t.patterns[pattern];
    const verified = this.#state === "exact" ? t.exact : this.#state === "scaled" ? t.scaled : t.unproven;
    return `${name} – ${verified}`;
  }

  async #finish(core: CheckCore): Promise<void> {
    const t = texts().check;
    this.#arrangePanel(null);
    this.#show(t.storing, []);
    const answer = await storeCheck({
      desktop: this.#options.desktop,
      width: this.#monitor?.width ?? 0,
      height: this.#monitor?.height ?? 0,
      device: describeDevice(),
      patterns: core.patterns,
      trials: core.trials,
    });
    if (!answer.ok) {
      if (answer.failure.kind === "signed-out") this.#options.signedOut("expired");
      else
        this.#show(sentences(texts().messages.check.notStored), [
          this.#button(texts().connection.again, true, () => void this.#finish(core)),
        ]);
      return;
    }
    const record = answer.value;
    this.#show(
      record.passed ? t.passed : sentences(texts().messages.check.failed),
      [
        this.#button(t.again, false, () => this.#start()),
        this.#button(texts().connection.toList, true, () => this.#options.showDesktopList()),
      ],
      t.sees(record.thresholds.map(formatLevel)),
    );
    this.#body.dataset.passed = String(record.passed);
    const history = await listChecks();
    if (history.ok && this.#core === core) this.#body.append(...historyElements(history.value));
  }

  // ── the panel ──────────────────────────────────────────────────────────────────────────────────────────────────

  /** Moves the panel to the next corner, so that the part of the pattern under it can be seen. */
  #moveAside(): void {
    this.#panel.dataset.place = NEXT_PLACE[(this.#panel.dataset.place ?? FIRST_PLACE) as Place];
  }

  /**
   * Puts the panel where it covers nothing that the step asks about, unless the person moved it during the question
   * before; dims it on a dark background, so that it does not dazzle.
   */
  #arrangePanel(step: Step | null): void {
    const trial = step?.kind === "trial" ? step.trial : null;
    const question = step?.kind === "question" ? (PLACES[step.pattern][step.number] ?? FIRST_PLACE) : FIRST_PLACE;
    const place = trial === null ? question : "middle";
    if (place !== this.#place || trial !== null) this.#panel.dataset.place = place;
    this.#place = place;
    // The square may be in any corner, so the panel stays in the middle.
    this.#move.hidden = trial !== null;
    this.#panel.dataset.dim = String(trial !== null && trial.base < DIM_BELOW);
  }

  /** A button that takes the last answer back; none before the first answer. */
  #backButton(core: CheckCore): HTMLButtonElement[] {
    if (!core.canGoBack) return [];
    const { step } = core;
    const back = (): void => {
      core.back();
      this.#next(core, step);
    };
    return [this.#button(texts().check.back, false, back)];
  }

  #show(message: string, buttons: readonly HTMLElement[], hint = ""): void {
    delete this.#body.dataset.passed;
    this.#focusLost ||= this.#body.contains(document.activeElement);
    const value = String(this.#core?.progress ?? 0);
    const progress = h("progress", { attrs: { max: "1", value, "aria-label": texts().check.progress } });
    const text = h("p", { class: "check-message", attrs: { tabindex: "-1" } }, message);
    this.#body.replaceChildren(
      ...(this.#core === null ? [] : [progress]),
      ...(hint === "" ? [] : [h("p", { class: "muted" }, hint)]),
      text,
      h("div", { class: "message-actions" }, ...buttons),
    );
    // The keyboard stays in the panel, but not on an answer: a key that is still held must not give it.
    if (!this.#focusLost || buttons.length === 0) return;
    this.#focusLost = false;
    text.focus({ preventScroll: true });
  }

  #button(label: string, primary: boolean, onClick: () => void): HTMLButtonElement {
    return h(
      "button",
      { class: primary ? "primary" : "secondary", attrs: { type: "button" }, on: { click: onClick } },
      label,
    );
  }
}
