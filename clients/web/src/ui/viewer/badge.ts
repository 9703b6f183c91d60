/** The badge, which says whether the picture is proved, and its popover with the figures behind it. */

import type { AgentMessageOf, Monitor } from "../../protocol/messages.ts";
import type { ShownState } from "../../protocol/verdict.ts";
import { button, h } from "../dom.ts";
import { icon } from "../icons.ts";
import { texts } from "../texts.ts";
import { bytesText, countText, mixText, ratioText } from "./number_format.ts";
import type { Scaling } from "./viewport.ts";

/** A worker that says nothing for this long has died or hangs: nothing proves the picture then. */
const WORKER_SILENCE_MS = 5_000;

export class Badge {
  readonly element: HTMLButtonElement;
  readonly popover: HTMLElement;
  readonly #opened: (open: boolean) => void;
  readonly #abort = new AbortController();
  #state: ShownState = "unverified";
  #ageMs = 0;
  #ratio: number | null = null;
  #heardAtMs = Number.NaN;
  #saidAtMs = 0;
  #epoch = 0;
  #monitor: Monitor | null = null;
  #status: AgentMessageOf<"status"> | null = null;
  #scaling: Scaling = "none";
  readonly #timer: ReturnType<typeof setInterval>;
  // What is clicked stays where it is: a button that is replaced between press and release is not clicked.
  readonly #name = h("strong", {});
  readonly #close = button(texts().badge.close, icon("close"), "quiet square", () => this.toggle(false));
  readonly #head = h("header", {}, icon(this.#state), this.#name, this.#close);
  readonly #meaning = h("p", {});
  readonly #figures = h("dl", {});
  readonly #waiting = h("p", { class: "muted" });

  /** `opened` is told when the popover opens and closes: figures are asked for only meanwhile. */
  constructor(monitor: number, opened: (open: boolean) => void) {
    this.#opened = opened;
    this.element = h("button", {
      class: "badge",
      attrs: {
        type: "button",
        "data-badge": "",
        "data-monitor-badge": String(monitor),
        "aria-haspopup": "dialog",
        "aria-expanded": "false",
      },
      on: { click: () => this.toggle(!this.open) },
    });
    this.popover = h(
      "section",
      {
        class: "popover",
        attrs: { role: "dialog", "aria-label": texts().badge.title, hidden: "", tabindex: "-1" },
      },
      this.#head,
      this.#meaning,
      this.#figures,
      this.#waiting,
    );
    const { signal } = this.#abort;
    document.addEventListener(
      "pointerdown",
      (event) => {
        const target = event.target as Node;
        if (!this.popover.hidden && !this.popover.contains(target) && !this.element.contains(target))
          this.toggle(false);
      },
      { signal, capture: true },
    );
    this.popover.addEventListener("keydown", (event) => event.key === "Escape" && this.toggle(false), { signal });
    this.element.addEventListener("keydown", (event) => event.key === "Escape" && this.toggle(false), { signal });
    this.#timer = setInterval(() => this.#second(), 1_000);
    this.#draw();
  }

  get open(): boolean {
    return !this.popover.hidden;
  }

  show(state: ShownState, epoch: number, ageMs: number, ratio: number | null): void {
    this.#epoch = epoch;
    this.#ageMs = ageMs;
    this.#heardAtMs = performance.now();
    this.#saidAtMs = this.#heardAtMs;
    const changed = state !== this.#state || ratio !== this.#ratio;
    this.#state = state;
    this.#ratio = ratio;
    if (changed) this.#draw();
    if (this.open) this.#drawPopover();
  }

  figures(status: AgentMessageOf<"status">): void {
    this.#status = status;
    this.#epoch = status.epoch;
    this.#ageMs = status.age_ms;
    this.#heardAtMs = performance.now();
    if (this.open) this.#drawPopover();
  }

  /** How the picture comes to the size that it is shown in. */
  scaling(scaling: Scaling): void {
    this.#scaling = scaling;
    if (this.open) this.#drawPopover();
  }

  monitor(monitor: Monitor): void {
    this.#monitor = monitor;
    this.#status = null;
  }

  toggle(open: boolean): void {
    if (open === this.open) return;
    this.popover.hidden = !open;
    this.element.setAttribute("aria-expanded", String(open));
    if (open) this.#drawPopover();
    this.#opened(open);
  }

  /** In another language now. */
  redraw(): void {
    this.#draw();
    if (this.open) this.#drawPopover();
  }

  close(): void {
    clearInterval(this.#timer);
    this.#abort.abort();
  }

  #second(): void {
    if (performance.now() - this.#saidAtMs > WORKER_SILENCE_MS && this.#state !== "unverified") {
      this.#state = "unverified";
      this.#draw();
    }
    if (this.open) this.#drawPopover();
  }

  #draw(): void {
    const t = texts().badge;
    // How much was left out, as long as something is.
    const name = t.states[this.#state] + (this.#ratio === null ? "" : ` ${ratioText(this.#ratio, 1)}`);
    this.element.dataset.state = this.#state;
    this.element.setAttribute("aria-label", t.label(name));
    this.element.title = name;
    this.element.replaceChildren(icon(this.#state), h("span", {}, name));
  }

  #drawPopover(): void {
    const t = texts().badge;
    const status = this.#status;
    const ageMs = this.#ageMs + (performance.now() - this.#heardAtMs);
    const rows: [string, string][] = [];
    if (this.#monitor !== null)
      rows.push([t.monitor, `${this.#monitor.id + 1} · ${this.#monitor.width} × ${this.#monitor.height}`]);
    rows.push(
      [t.epoch, countText(this.#epoch)],
      [t.age, Number.isFinite(ageMs) ? t.ageValue((ageMs / 1000).toFixed(1)) : "–"],
    );
    if (this.#scaling !== "none") rows.push([t.scaling, t.scalings[this.#scaling]]);
    if (status !== null) {
      rows.push(
        [t.verified, t.verifiedOf(countText(status.verified), countText(status.tiles))],
        [t.verifiedTotal, countText(status.verified_total)],
        [t.mismatches, countText(status.mismatches)],
        [
          t.encodings,
          mixText(
            { ...status.encodings, cached: status.cached, moved: status.moved },
            { cached: t.cached, moved: t.moved },
          ),
        ],
        [t.ratio, ratioText(status.raw_bytes, status.bytes)],
        [t.bytes, bytesText(status.bytes)],
        [t.video, `${t.videoStates[status.video]}${status.video_codec === "" ? "" : ` · ${status.video_codec}`}`],
        [t.updates, countText(status.updates)],
        [t.dropped, countText(status.dropped)],
      );
      if (status.video_frames > 0)
        rows.push(
          [t.videoFrames, countText(status.video_frames)],
          [t.videoBytes, `${bytesText(status.video_bytes)} · ${ratioText(status.video_raw_bytes, status.video_bytes)}`],
        );
      if (status.datagrams > 0) rows.push([t.datagrams, countText(status.datagrams)]);
    }
    this.#head.dataset.state = this.#state;
    this.#head.firstElementChild?.replaceWith(icon(this.#state));
    this.#name.textContent = t.states[this.#state];
    this.#close.title = t.close;
    this.#close.setAttribute("aria-label", t.close);
    this.#meaning.textContent = t.meaning[this.#state];
    this.#figures.replaceChildren(...rows.flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]));
    this.#waiting.textContent = t.waiting;
    this.#waiting.hidden = status !== null;
  }
}
