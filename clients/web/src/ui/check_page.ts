/**
 * The display check: test patterns are drawn on the desktop, the badge says whether they arrive exactly, and the
 * person answers what they see of them.
 */

import { CheckCore, type PatternName, type Step } from "../check/check_core.ts";
import { type CheckRecord, listChecks, restartDisplay, storeCheck } from "../gateway/gateway_client.ts";
import type { ShownState } from "../protocol/badge_state.ts";
import type { DesktopLayout, Monitor } from "../protocol/messages.ts";
import type { ConnectionState } from "../worker/messages.ts";
import { button, h } from "./dom.ts";
import { leaveFullscreen, toggleFullscreen } from "./fullscreen.ts";
import { icon } from "./icons.ts";
import type { Page } from "./page.ts";
import { texts } from "./texts.ts";
import { Badge } from "./viewer/badge.ts";
import { ConnectionNotice } from "./viewer/connection_notice.ts";
import { ConnectionStatus } from "./viewer/connection_status.ts";
import { deviceName } from "./viewer/device_name.ts";
import { unsupportedPage } from "./viewer/unsupported_page.ts";
import { reportView } from "./viewer/view_report.ts";
import { type ViewerEvent, ViewerWorker } from "./viewer/viewer_worker.ts";
import { Viewport } from "./viewer/viewport.ts";

export interface CheckOptions {
  readonly desktop: string;
  readonly showDesktopList: () => void;
  readonly signedOut: (expired: boolean) => void;
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
/** Number of earlier checks that are listed. */
const HISTORY_LENGTH = 5;

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
  /** What to do when the pattern that was requested is complete and verified; null when none is awaited. */
  #awaited: { readonly epoch: number; readonly sinceMs: number; readonly onDrawn: () => void } | null = null;

  constructor(options: CheckOptions, viewport: Viewport, worker: ViewerWorker) {
    this.#options = options;
    this.#viewport = viewport;
    this.#worker = worker;
    const t = texts();
    const notice = new ConnectionNotice({
      reconnect: () => worker.reconnect(true),
      showDesktopList: () => options.showDesktopList(),
      signIn: () => options.signedOut(true),
      showFirstMonitor: () => options.showDesktopList(),
      restartDisplay: () => void restartDisplay(options.desktop),
    });
    this.#panel = h(
      "section",
      { class: "check-panel", attrs: { "aria-label": t.check.title } },
      h(
        "header",
        {},
        h("h1", {}, t.check.title),
        this.#badge.element,
        button(t.check.aside, icon("arrow"), "quiet square check-aside", () => this.#moveAside()),
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
      this.#show(question, buttons, this.#caption(step.pattern));
      return;
    }
    const point = (place: number | null) => (): void => {
      core.point(place, this.#state);
      this.#next(core, step);
    };
    const places = t.places.map((name, place) => this.#button(name, false, point(place)));
    const grid = h("div", { class: "check-places" }, ...places);
    this.#show(t.where, [grid, this.#button(t.nowhere, false, point(null))], this.#caption(null));
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
      if (answer.failure.kind === "signed-out") this.#options.signedOut(true);
      else this.#show(t.notStored, [this.#button(texts().connection.again, true, () => void this.#finish(core))]);
      return;
    }
    const record = answer.value;
    this.#show(
      record.passed ? t.passed : t.failed,
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

  /** Moves the panel to the other side, so that the part of the pattern under it can be seen. */
  #moveAside(): void {
    this.#panel.dataset.side = this.#panel.dataset.side === "left" ? "right" : "left";
  }

  /** Centres the panel while a square may be in any corner; dims it on a dark background, so that it does not dazzle. */
  #arrangePanel(step: Step | null): void {
    const trial = step?.kind === "trial" ? step.trial : null;
    this.#panel.dataset.middle = String(trial !== null);
    this.#panel.dataset.dim = String(trial !== null && trial.base < DIM_BELOW);
  }

  #show(message: string, buttons: readonly HTMLElement[], hint = ""): void {
    delete this.#body.dataset.passed;
    const progress = h("progress", { attrs: { max: "1", value: String(this.#core?.progress ?? 0) } });
    this.#body.replaceChildren(
      ...(this.#core === null ? [] : [progress]),
      ...(hint === "" ? [] : [h("p", { class: "muted" }, hint)]),
      h("p", { class: "check-message" }, message),
      h("div", { class: "message-actions" }, ...buttons),
    );
  }

  #button(label: string, primary: boolean, onClick: () => void): HTMLButtonElement {
    return h(
      "button",
      { class: primary ? "primary" : "secondary", attrs: { type: "button" }, on: { click: onClick } },
      label,
    );
  }
}

/** Describes this device and its display for the record of a check. */
function describeDevice(): object {
  const ratio = window.devicePixelRatio;
  const gamut = ["rec2020", "p3", "srgb"].find((name) => matchMedia(`(color-gamut: ${name})`).matches);
  return {
    name: deviceName(navigator),
    screen_width: Math.round(screen.width * ratio),
    screen_height: Math.round(screen.height * ratio),
    ratio,
    colour_depth: screen.colorDepth,
    gamut: gamut ?? "",
    high_dynamic_range: matchMedia("(dynamic-range: high)").matches,
  };
}

/** Lists the latest checks; nothing when there are none. */
function historyElements(records: readonly CheckRecord[]): HTMLElement[] {
  if (records.length === 0) return [];
  const t = texts().check;
  const rows = records
    .slice(0, HISTORY_LENGTH)
    .map((record) =>
      h(
        "li",
        { attrs: { "data-passed": String(record.passed) } },
        h("span", {}, new Date(record.checkedS * 1000).toLocaleString(document.documentElement.lang)),
        h("span", {}, `${record.device}, ${record.screen}`),
        h("span", {}, `${record.passed ? t.ok : t.notOk} (${record.thresholds.map(formatLevel).join(" / ")})`),
      ),
    );
  return [h("h2", { class: "check-history-title" }, t.history), h("ul", { class: "check-history" }, ...rows)];
}

function formatLevel(level: number | null): string {
  return level === null ? "–" : String(level);
}
