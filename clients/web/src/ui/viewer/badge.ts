/**
 * The badge that says whether the displayed image is verified, and its popover with the statistics behind it.
 */

import type { ShownState } from "../../protocol/badge_state.ts";
import type { AgentMessageOf, Monitor } from "../../protocol/messages.ts";
import { button, h } from "../dom.ts";
import { Emitter } from "../emitter.ts";
import { icon } from "../icons.ts";
import { sentences } from "../message.ts";
import { loadJson, storeJson } from "../preferences.ts";
import { texts } from "../texts.ts";
import { formatBytes, formatCount, formatMix, formatRatio } from "./number_format.ts";
import { readbackHelp } from "./readback_help.ts";
import type { Scaling } from "./viewport.ts";

/**
 * A worker that reports no state for this long, ms, has crashed or hangs: nothing verifies the image then.
 */
const WORKER_SILENCE_MS = 5_000;
/** The worker's first report may take this long, ms: on a slow link its code is still being loaded. */
const WORKER_START_MS = 30_000;
/** Interval at which ages are redrawn and the worker's silence is checked, ms. */
const TICK_MS = 1_000;
/** The name under which this browser remembers whether the person wants the figures. */
const FIGURES = "figures";

export class Badge {
  readonly element: HTMLButtonElement;
  readonly popover: HTMLElement;
  /**
   * Announces that the popover was opened (true) or closed: statistics are requested only while it is open.
   */
  readonly toggled = new Emitter<boolean>();
  readonly #abort = new AbortController();
  /** Before the worker's first report nothing is shown that could be wrong. */
  #state: ShownState = "refining";
  #epoch = 0;
  /** Age of the last verification when it was reported, ms; null before the first one. */
  #ageMs: number | null = null;
  #ageReportedAtMs = 0;
  /** Compression ratio of a lossy image; null when the image is not lossy. */
  #ratio: number | null = null;
  /** When the worker is taken for dead unless it reports its state again. */
  #workerDeadAtMs = performance.now() + WORKER_START_MS;
  #readbackAltered = false;
  #readbackExplained = false;
  #figuresShown = true;
  #monitor: Monitor | null = null;
  #status: AgentMessageOf<"status"> | null = null;
  #scaling: Scaling = "none";
  readonly #timer: ReturnType<typeof setInterval>;
  // The elements of the popover are updated in place: a button that is replaced between press and release
  // gets no click.
  readonly #name = h("strong", {});
  readonly #close = button(texts().badge.close, icon("close"), "quiet square", () => this.setOpen(false));
  readonly #head = h("header", {}, icon(this.#state), this.#name, this.#close);
  readonly #meaning = h("p", {});
  /** What the person can do about the state. */
  readonly #advice = h("p", {});
  readonly #figures = h("button", {
    class: "quiet figures",
    attrs: { type: "button" },
    on: {
      click: () => {
        storeJson(FIGURES, !this.#figuresShown);
        this.#figuresShown = !this.#figuresShown;
        this.#drawPopover();
      },
    },
  });
  readonly #rows = h("dl", {});
  readonly #waiting = h("p", { class: "muted" });
  /** Says that the desktop is not isolated; hidden unless that is known. */
  readonly #notIsolated = h("p", { class: "not-isolated", attrs: { hidden: "" } });

  constructor(monitor: number) {
    this.element = h("button", {
      class: "badge",
      attrs: {
        type: "button",
        "data-badge": "",
        "data-monitor-badge": String(monitor),
        "aria-haspopup": "dialog",
        "aria-expanded": "false",
      },
      on: { click: () => this.setOpen(!this.open) },
    });
    this.popover = h(
      "section",
      {
        class: "popover",
        attrs: { role: "dialog", "aria-label": texts().badge.title, hidden: "", tabindex: "-1" },
      },
      this.#head,
      this.#meaning,
      this.#advice,
      this.#figures,
      this.#rows,
      this.#waiting,
      this.#notIsolated,
    );
    const { signal } = this.#abort;
    document.addEventListener(
      "pointerdown",
      (event) => {
        const target = event.target as Node;
        if (this.open && !this.popover.contains(target) && !this.element.contains(target)) this.setOpen(false);
      },
      { signal, capture: true },
    );
    document.addEventListener("keydown", (event) => this.#onKeyDown(event), { signal, capture: true });
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
    this.#draw();
  }

  get open(): boolean {
    return !this.popover.hidden;
  }

  /**
   * Shows the state that the worker reports; `ageMs` is the age of the last verification.
   *
   * A browser that alters what the page reads back is explained at once, because it needs the person to
   * change a setting.
   */
  showState(
    state: ShownState,
    epoch: number,
    ageMs: number | null,
    ratio: number | null,
    readbackAltered: boolean,
  ): void {
    this.#epoch = epoch;
    this.#setAge(ageMs);
    this.#workerDeadAtMs = performance.now() + WORKER_SILENCE_MS;
    const changed = state !== this.#state || ratio !== this.#ratio || readbackAltered !== this.#readbackAltered;
    this.#readbackAltered = readbackAltered;
    this.#state = state;
    this.#ratio = ratio;
    if (changed) this.#draw();
    if (readbackAltered && !this.#readbackExplained) {
      this.#readbackExplained = true;
      this.setOpen(true);
      // A panel that nobody asked for covers no more of the desktop than its explanation needs.
      this.#figuresShown = false;
    }
    if (this.open) this.#drawPopover();
  }

  showStatus(status: AgentMessageOf<"status">): void {
    this.#status = status;
    this.#epoch = status.epoch;
    this.#setAge(status.age_ms);
    if (this.open) this.#drawPopover();
  }

  /** Shows how the surface is scaled to its displayed size. */
  setScaling(scaling: Scaling): void {
    this.#scaling = scaling;
    if (this.open) this.#drawPopover();
  }

  /** Shows another monitor, or the same one after a new connection: earlier statistics no longer apply. */
  setMonitor(monitor: Monitor): void {
    this.#monitor = monitor;
    this.#status = null;
  }

  /** Shows in the panel whether the desktop is isolated. */
  setIsolated(isolated: boolean): void {
    this.#notIsolated.hidden = isolated;
  }

  setOpen(open: boolean): void {
    if (open === this.open) return;
    this.popover.hidden = !open;
    this.element.setAttribute("aria-expanded", String(open));
    if (open) {
      this.#figuresShown = loadJson(FIGURES) !== false;
      this.#drawPopover();
    }
    this.toggled.emit(open);
  }

  /** Redraws all texts after the language changed. */
  redraw(): void {
    this.#draw();
    if (this.open) this.#drawPopover();
  }

  close(): void {
    clearInterval(this.#timer);
    this.#abort.abort();
  }

  /** Closes the panel with Esc wherever the focus is; the desktop does not get this key. */
  #onKeyDown(event: KeyboardEvent): void {
    if (event.key !== "Escape" || event.isComposing || !this.open) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    const focused = this.popover.contains(document.activeElement);
    this.setOpen(false);
    if (focused) this.element.focus();
  }

  #setAge(ageMs: number | null): void {
    this.#ageMs = ageMs;
    this.#ageReportedAtMs = performance.now();
  }

  #tick(): void {
    if (performance.now() > this.#workerDeadAtMs && this.#state !== "unverified") {
      this.#state = "unverified";
      this.#ratio = null;
      this.#draw();
    }
    if (this.open) this.#drawPopover();
  }

  #draw(): void {
    const t = texts().badge;
    const name = t.states[this.#state] + (this.#ratio === null ? "" : ` ${formatRatio(this.#ratio, 1)}`);
    const label = this.#readbackAltered ? `${name}: ${t.readbackAltered}` : name;
    this.element.dataset.state = this.#state;
    this.element.toggleAttribute("data-readback-altered", this.#readbackAltered);
    this.element.setAttribute("aria-label", t.label(label));
    this.element.title = label;
    // The badge is as wide as its longest text, so that nothing beside it moves when the state changes.
    const longest = [...Object.values(t.states), `${t.states.lossy} ${formatRatio(88.8, 1)}`];
    const reserved = longest.map((text) => h("span", { attrs: { "aria-hidden": "true" } }, text));
    const names = h("span", { class: "badge-names" }, ...reserved, h("span", { class: "badge-name" }, name));
    this.element.replaceChildren(icon(this.#state), names);
  }

  #drawPopover(): void {
    const t = texts().badge;
    this.#head.dataset.state = this.#state;
    this.#head.firstElementChild?.replaceWith(icon(this.#state));
    this.#name.textContent = t.states[this.#state];
    this.popover.setAttribute("aria-label", t.title);
    this.#close.title = t.close;
    this.#close.setAttribute("aria-label", t.close);
    this.#meaning.textContent = this.#readbackAltered ? t.readbackAlteredMeaning : t.meaning[this.#state];
    const unrepaired = this.#state === "unverified" ? (this.#status?.unrepaired ?? 0) : 0;
    this.#advice.textContent = this.#readbackAltered
      ? t.readbackHelp[readbackHelp(navigator)]
      : unrepaired > 0
        ? t.unrepairedHelp(formatCount(unrepaired))
        : "";
    this.#advice.hidden = this.#advice.textContent === "";
    const rows = [...this.#stateRows(), ...(this.#status === null ? [] : statusRows(this.#status))];
    this.#figures.textContent = this.#figuresShown ? t.hideFigures : t.showFigures;
    this.#figures.setAttribute("aria-expanded", String(this.#figuresShown));
    this.#rows.hidden = !this.#figuresShown;
    this.#rows.replaceChildren(...rows.flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]));
    this.#waiting.textContent = t.waiting;
    this.#notIsolated.textContent = sentences(texts().messages.notIsolated);
    this.#waiting.hidden = this.#status !== null || !this.#figuresShown;
  }

  #stateRows(): [string, string][] {
    const t = texts().badge;
    const ageMs = this.#ageMs === null ? null : this.#ageMs + (performance.now() - this.#ageReportedAtMs);
    const rows: [string, string][] = [];
    if (this.#monitor !== null)
      rows.push([t.monitor, `${this.#monitor.id + 1} · ${this.#monitor.width} × ${this.#monitor.height}`]);
    rows.push(
      [t.epoch, formatCount(this.#epoch)],
      [t.age, ageMs === null ? t.never : t.ageValue((ageMs / 1000).toFixed(1))],
    );
    if (this.#scaling !== "none") rows.push([t.scaling, t.scalings[this.#scaling]]);
    return rows;
  }
}

function statusRows(status: AgentMessageOf<"status">): [string, string][] {
  const t = texts().badge;
  const encodings = { ...status.encodings, cached: status.cached, moved: status.moved };
  const codec = status.video_codec === "" ? "" : ` · ${status.video_codec}`;
  const rows: [string, string][] = [
    [t.verified, t.verifiedOf(formatCount(status.verified), formatCount(status.tiles))],
    [t.verifiedTotal, formatCount(status.verified_total)],
    [t.mismatches, formatCount(status.mismatches)],
    ...(status.unrepaired > 0 ? [[t.unrepaired, formatCount(status.unrepaired)] as [string, string]] : []),
    [t.encodings, formatMix(encodings, { cached: t.cached, moved: t.moved })],
    [t.ratio, formatRatio(status.raw_bytes, status.bytes)],
    [t.bytes, formatBytes(status.bytes)],
    [t.video, `${t.videoStates[status.video]}${codec}`],
    [t.updates, formatCount(status.updates)],
    [t.dropped, formatCount(status.dropped)],
  ];
  if (status.video_frames > 0)
    rows.push(
      [t.videoFrames, formatCount(status.video_frames)],
      [t.videoBytes, `${formatBytes(status.video_bytes)} · ${formatRatio(status.video_raw_bytes, status.video_bytes)}`],
    );
  if (status.datagrams > 0) rows.push([t.datagrams, formatCount(status.datagrams)]);
  return rows;
}
