/** The display check: patterns drawn on the desktop, proven on the way, and what the person sees of them. */

import { CheckCore, type PatternName, type Step } from "../check/check_core.ts";
import { type CheckRecord, listChecks, storeCheck } from "../gateway/gateway_client.ts";
import type { DesktopLayout, Monitor } from "../protocol/messages.ts";
import type { ShownState } from "../protocol/verdict.ts";
import { button, h } from "./dom.ts";
import { icon } from "./icons.ts";
import type { Page } from "./page.ts";
import { texts } from "./texts.ts";
import { Badge } from "./viewer/badge.ts";
import { deviceName } from "./viewer/device_name.ts";
import { Note } from "./viewer/connection_notice.ts";
import { Stage, type StageView } from "./viewer/viewport.ts";
import { type News, ViewerLink } from "./viewer/viewer_worker.ts";

export interface CheckOptions {
  readonly desktop: string;
  readonly toList: () => void;
  readonly signedOut: (expired: boolean) => void;
}

/** A pattern that is not shown within this was the same as before, or something broke: the badge tells which. */
const SHOWN_WITHIN_MS = 2_500;
/** A picture that did not change for so long is all there: a new size of the monitor comes in several. */
const SETTLES_MS = 250;
/** Smaller ones have no room for patterns. */
const SIDE_MIN_PX = 320;
/** Around darker levels the panel is dimmed. */
const DARK_BELOW = 64;

export function checkPage(options: CheckOptions): Page {
  return new CheckPage(options);
}

class CheckPage implements Page {
  readonly element: HTMLElement;
  readonly title: string;
  readonly #options: CheckOptions;
  readonly #stage: Stage;
  readonly #badge: Badge;
  readonly #note: Note;
  readonly #body = h("div", { class: "check-body", attrs: { "aria-live": "polite" } });
  readonly #panel: HTMLElement;
  #link: ViewerLink | null = null;
  #core: CheckCore | null = null;
  #monitor: Monitor | null = null;
  #state: ShownState = "unverified";
  #epoch = 0;
  #changedAtMs = 0;
  #view: StageView | null = null;
  #ordered = false;
  /** Told when a new picture is there and proven, or will not come. */
  #awaited: { readonly epoch: number; readonly sinceMs: number; readonly shown: () => void } | null = null;
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor(options: CheckOptions) {
    this.#options = options;
    const t = texts();
    this.title = t.check.title;
    this.#stage = new Stage(0, t.surface(options.desktop), t.field, (view) => {
      this.#view = view;
      this.#tellView();
    });
    this.#badge = new Badge(0, (open) => this.#link?.watch(open, false));
    this.#note = new Note({
      retry: () => this.#link?.retry(true),
      toList: () => options.toList(),
      signIn: () => options.signedOut(true),
      firstMonitor: () => options.toList(),
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
        button(t.bar.fullscreen, icon("fullscreen"), "quiet square", () => void this.#fullscreen()),
        button(t.check.close, icon("close"), "quiet square", () => options.toList()),
      ),
      this.#body,
    );
    this.element = h(
      "main",
      { class: "viewer check" },
      this.#stage.element,
      this.#note.element,
      this.#panel,
      this.#badge.popover,
    );
  }

  shown(): void {
    document.documentElement.classList.add("viewing");
    document.documentElement.dataset.connection = "connecting";
    try {
      this.#link = new ViewerLink(this.#options.desktop, 0, this.#stage.canvas, (news) => this.#news(news));
    } catch (error) {
      this.#note.say({ phase: "ended", reason: "unsupported", detail: String(error) });
      return;
    }
    this.#timer = setInterval(() => this.#look(), 50);
    this.#intro();
  }

  close(): void {
    clearInterval(this.#timer);
    this.#link?.close();
    this.#stage.close();
    this.#badge.close();
    this.#note.close();
    if (document.fullscreenElement !== null) void document.exitFullscreen();
    delete document.documentElement.dataset.connection;
    document.documentElement.classList.remove("viewing");
  }

  // ── from the worker ──────────────────────────────────────────────────────────────────────────────────────────────────────────

  #news(news: News): void {
    if (news.kind === "verdict") {
      this.#state = news.state;
      if (news.epoch !== this.#epoch) this.#changedAtMs = performance.now();
      this.#epoch = news.epoch;
      this.#badge.show(news.state, news.epoch, news.ageMs, news.ratio);
    } else if (news.kind === "status") this.#badge.figures(news.status);
    else if (news.kind === "layout") this.#fit(news.layout);
    else if (news.kind === "connection") {
      const { dataset } = document.documentElement;
      this.#note.say(news.state);
      this.#panel.hidden = news.state.phase === "ended";
      if (news.state.phase !== "connected") {
        dataset.connection = news.state.phase === "ended" && news.state.reason === "moved" ? "moved" : news.state.phase;
        return;
      }
      dataset.connection = "connected";
      this.#monitor = news.state.monitor;
      this.#badge.monitor(news.state.monitor);
      this.#stage.open(news.state.monitor);
      this.#tellView();
    }
  }

  /** Patterns are made for the display's own pixels: the monitor takes the size of this page, once. */
  #fit(layout: DesktopLayout): void {
    if (this.#ordered || layout.screen_max === null) return;
    this.#ordered = true;
    const { width, height } = this.#stage.room;
    const [mostWidth, mostHeight] = layout.screen_max;
    const own = layout.monitors[0];
    const fits = width >= SIDE_MIN_PX && height >= SIDE_MIN_PX && width <= mostWidth && height <= mostHeight;
    if (own === undefined || !fits || (own.width === width && own.height === height)) return;
    this.#link?.layout([{ id: 0, x: 0, y: 0, width, height, primary: true }], null);
  }

  #tellView(): void {
    const { oneToOne, ratio } = this.#view ?? { oneToOne: false, ratio: 1 };
    this.#link?.view(document.visibilityState === "visible", oneToOne, ratio);
  }

  // ── steps ────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

  #intro(): void {
    const t = texts().check;
    this.#say(t.intro, [this.#act(t.start, true, () => this.#begin())], t.introHint);
    void listChecks().then((answer) => {
      if (answer.ok && this.#core === null) this.#body.append(...this.#history(answer.value));
    });
  }

  #begin(): void {
    this.#core = new CheckCore(() => (crypto.getRandomValues(new Uint32Array(1))[0] ?? 0) / 2 ** 32);
    this.#next(null);
  }

  /** Has the desktop draw what the step needs, and asks when it is proven. */
  #next(before: Step | null): void {
    const core = this.#core;
    if (core === null) return;
    const { step, typed } = core;
    if (step.kind === "done") {
      this.#link?.send({ type: "text", text: typed });
      void this.#finish(core);
      return;
    }
    const same = before?.kind === "question" && step.kind === "question" && before.pattern === step.pattern;
    if (same) {
      this.#ask(core, step);
      return;
    }
    this.#say(texts().check.drawing, []);
    this.#awaited = { epoch: this.#epoch, sinceMs: performance.now(), shown: () => this.#ask(core, step) };
    this.#link?.send({ type: "text", text: typed });
  }

  #look(): void {
    const awaited = this.#awaited;
    if (awaited === null) return;
    const waitedMs = performance.now() - awaited.sinceMs;
    const proven = this.#state === "exact" || this.#state === "scaled";
    const settled = performance.now() - this.#changedAtMs >= SETTLES_MS;
    const drawn = this.#epoch !== awaited.epoch && proven && settled;
    if (!drawn && waitedMs < SHOWN_WITHIN_MS) return;
    this.#awaited = null;
    awaited.shown();
  }

  #ask(core: CheckCore, step: Exclude<Step, { kind: "done" }>): void {
    const t = texts().check;
    this.#place(step);
    if (step.kind === "question") {
      const answer = (yes: boolean) => (): void => {
        core.answered(yes, this.#state);
        this.#next(step);
      };
      const words = t.questions[step.pattern][step.number] ?? "";
      this.#say(
        words,
        [this.#act(t.yes, true, answer(true)), this.#act(t.no, false, answer(false))],
        this.#path(step.pattern),
      );
    } else {
      const point = (place: number | null) => (): void => {
        core.pointed(place, this.#state);
        this.#next(step);
      };
      const places = t.places.map((name, place) => this.#act(name, false, point(place)));
      const grid = h("div", { class: "check-places" }, ...places);
      this.#say(t.where, [grid, this.#act(t.nowhere, false, point(null))], this.#path(null));
    }
  }

  /** Which pattern this is, and what is proven of its way here. */
  #path(pattern: PatternName | null): string {
    const t = texts().check;
    const name = pattern === null ? t.contrast : t.patterns[pattern];
    const way = this.#state === "exact" ? t.exact : this.#state === "scaled" ? t.scaled : t.unproven;
    return `${name} – ${way}`;
  }

  async #finish(core: CheckCore): Promise<void> {
    const t = texts().check;
    this.#place(null);
    this.#say(t.storing, []);
    const ratio = window.devicePixelRatio;
    const gamut = ["rec2020", "p3", "srgb"].find((name) => matchMedia(`(color-gamut: ${name})`).matches);
    const answer = await storeCheck({
      desktop: this.#options.desktop,
      width: this.#monitor?.width ?? 0,
      height: this.#monitor?.height ?? 0,
      device: {
        name: deviceName(navigator),
        screen_width: Math.round(screen.width * ratio),
        screen_height: Math.round(screen.height * ratio),
        ratio,
        colour_depth: screen.colorDepth,
        gamut: gamut ?? "",
        high_dynamic_range: matchMedia("(dynamic-range: high)").matches,
      },
      patterns: core.patterns,
      trials: core.trials,
    });
    if (!answer.ok) {
      if (answer.failure.kind === "signed-out") this.#options.signedOut(true);
      else this.#say(t.notStored, [this.#act(texts().note.again, true, () => void this.#finish(core))]);
      return;
    }
    const record = answer.value;
    this.#say(
      record.passed ? t.passed : t.failed,
      [
        this.#act(t.again, false, () => this.#begin()),
        this.#act(texts().note.toList, true, () => this.#options.toList()),
      ],
      t.sees(record.thresholds.map(levelText)),
    );
    this.#body.dataset.passed = String(record.passed);
    const history = await listChecks();
    if (history.ok && this.#core === core) this.#body.append(...this.#history(history.value));
  }

  // ── what the person sees ─────────────────────────────────────────────────────────────────────────────────────────────────────

  /** What it covers of a pattern can be looked at as well. */
  #moveAside(): void {
    this.#panel.dataset.side = this.#panel.dataset.side === "left" ? "right" : "left";
  }

  /** In the middle while a square may be near any corner; dim while the picture is dark, so that it does not blind. */
  #place(step: Step | null): void {
    const trial = step?.kind === "trial" ? step.trial : null;
    this.#panel.dataset.middle = String(trial !== null);
    this.#panel.dataset.dim = String(trial !== null && trial.base < DARK_BELOW);
  }

  #say(words: string, acts: readonly HTMLElement[], hint = ""): void {
    delete this.#body.dataset.passed;
    const progress = h("progress", { attrs: { max: "1", value: String(this.#core?.progress ?? 0) } });
    this.#body.replaceChildren(
      ...(this.#core === null ? [] : [progress]),
      ...(hint === "" ? [] : [h("p", { class: "muted" }, hint)]),
      h("p", { class: "check-words" }, words),
      h("div", { class: "note-acts" }, ...acts),
    );
  }

  #act(label: string, primary: boolean, run: () => void): HTMLButtonElement {
    return h(
      "button",
      { class: primary ? "primary" : "secondary", attrs: { type: "button" }, on: { click: run } },
      label,
    );
  }

  #history(records: readonly CheckRecord[]): HTMLElement[] {
    if (records.length === 0) return [];
    const t = texts().check;
    const rows = records
      .slice(0, 5)
      .map((record) =>
        h(
          "li",
          { attrs: { "data-passed": String(record.passed) } },
          h("span", {}, new Date(record.checkedS * 1000).toLocaleString(document.documentElement.lang)),
          h("span", {}, `${record.device}, ${record.screen}`),
          h("span", {}, `${record.passed ? t.ok : t.notOk} (${record.thresholds.map(levelText).join(" / ")})`),
        ),
      );
    return [h("h2", { class: "check-history-title" }, t.history), h("ul", { class: "check-history" }, ...rows)];
  }

  async #fullscreen(): Promise<void> {
    try {
      if (document.fullscreenElement === null)
        await document.documentElement.requestFullscreen({ navigationUI: "hide" });
      else await document.exitFullscreen();
    } catch (error) {
      console.info("full screen:", error);
    }
  }
}

function levelText(level: number | null): string {
  return level === null ? "–" : String(level);
}
