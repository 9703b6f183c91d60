/**
 * The frame-times overlay: draws the stages of the latest frames as stacked bars, with percentiles and the round-trip
 * time below. The person can move it away from what it covers.
 */

import type { AgentMessageOf, TraceFrame } from "../../protocol/messages.ts";
import { button, h } from "../dom.ts";
import { Emitter } from "../emitter.ts";
import { icon } from "../icons.ts";
import { texts } from "../texts.ts";
import { OverlayPosition } from "./overlay_position.ts";
import { STAGES, type Stage, stageTimes, summarise, totalMs } from "./trace_statistics.ts";

/** Size of the overlay, CSS px; the same as in `messages.css`. */
const WIDTH_PX = 420;
const HEIGHT_PX = 272;
/** Upper edge and height of the bar chart, CSS px. */
const CHART_TOP_PX = 40;
const CHART_PX = 96;
/** Width of one frame's bar, CSS px. */
const BAR_PX = 4;
/** Width of the button that closes the overlay, CSS px. */
const CLOSE_PX = 36;
/** Left and right margin, CSS px. */
const SIDE_PX = 16;
/** Frames kept at most; more than `WINDOW_MS` has at 120 frames per second. */
const MAX_FRAMES = 400;
/** Period over which percentiles and rates are computed, ms. */
const WINDOW_MS = 3_000;
/** Colours that colour-blind people can distinguish on a dark background. */
const COLOURS: Readonly<Record<Stage, string>> = {
  capture: "#8ecae6",
  diff: "#3a86c8",
  encode: "#ffb703",
  queue: "#c77dff",
  network: "#fb8500",
  decode: "#7bd389",
  show: "#e9ecef",
};
const FONT = 'system-ui, "Noto Sans KR", "Apple SD Gothic Neo", "Malgun Gothic", NanumGothic, sans-serif';

export class TraceOverlay {
  readonly element: HTMLElement;
  /** Announces that the overlay was opened (true) or closed: frames are requested only while it is open. */
  readonly toggled = new Emitter<boolean>();
  readonly #canvas = h("canvas", { attrs: { role: "img" } });
  readonly #close = button("", icon("close"), "quiet square", () => this.setOpen(false));
  #frames: TraceFrame[] = [];
  #roundTripMs: number | null = null;

  constructor() {
    this.element = h(
      "section",
      {
        class: "trace",
        attrs: { "data-trace": "", role: "group", tabindex: "0", hidden: "" },
        on: {
          // The keyboard focus stays with the desktop.
          mousedown: (event) => event.preventDefault(),
          keydown: (event) => event.key === "Escape" && this.setOpen(false),
        },
      },
      this.#canvas,
      this.#close,
    );
    new OverlayPosition(this.element, "trace");
    this.redraw();
  }

  /** Shows or hides the overlay; frames are kept only while it is open. */
  setOpen(open: boolean): void {
    if (open === this.open) return;
    this.element.hidden = !open;
    if (open) this.#draw();
    else this.#frames = [];
    this.toggled.emit(open);
  }

  get open(): boolean {
    return !this.element.hidden;
  }

  /** Takes frames, and the newest round trip to the agent in ms; null before the first. */
  add(trace: AgentMessageOf<"trace">, roundTripMs: number | null): void {
    if (!this.open) return;
    this.#frames = [...this.#frames, ...trace.frames].slice(-MAX_FRAMES);
    this.#roundTripMs = roundTripMs;
    this.#draw();
  }

  /** Redraws all texts after the language changed. */
  redraw(): void {
    const t = texts().trace;
    this.element.setAttribute("aria-label", t.title);
    this.element.title = t.move;
    this.#close.setAttribute("aria-label", t.close);
    this.#close.title = t.close;
    this.#canvas.setAttribute("aria-label", t.title);
    if (this.open) this.#draw();
  }

  #draw(): void {
    const ratio = window.devicePixelRatio;
    this.#canvas.width = Math.round(WIDTH_PX * ratio);
    this.#canvas.height = Math.round(HEIGHT_PX * ratio);
    const context = this.#canvas.getContext("2d");
    if (context === null) return;
    context.scale(ratio, ratio);
    const t = texts().trace;
    context.fillStyle = "rgba(14, 20, 23, 0.92)";
    context.fillRect(0, 0, WIDTH_PX, HEIGHT_PX);
    drawText(context, t.title, SIDE_PX, 24, "#f1f5f6", 600);
    const summary = summarise(this.#frames, WINDOW_MS);
    if (summary === null) {
      drawText(context, t.waiting, SIDE_PX, CHART_TOP_PX + 30, "#9fb0b7");
      return;
    }
    const rate = t.rate(summary.framesPerS.toFixed(1), summary.mbitPerS.toFixed(summary.mbitPerS < 1 ? 2 : 1));
    drawText(context, rate, WIDTH_PX - SIDE_PX - CLOSE_PX, 24, "#c9d5da", 400, "right");
    this.#drawBars(context);
    const top = CHART_TOP_PX + CHART_PX + 24;
    const columns = [SIDE_PX, SIDE_PX + 200];
    const entries: [string, string, { p50: number; p90: number }][] = STAGES.map((stage) => [
      t.stages[stage],
      COLOURS[stage],
      summary.stages[stage],
    ]);
    entries.push([t.total, "", summary.total]);
    for (const [index, [name, colour, spread]] of entries.entries()) {
      const x = columns[Math.floor(index / 4)] ?? SIDE_PX;
      const y = top + (index % 4) * 22 + 22;
      if (colour !== "") {
        context.fillStyle = colour;
        context.fillRect(x, y - 9, 10, 10);
      }
      drawText(context, name, x + 16, y, "#dfe7ea", colour === "" ? 600 : 400);
      drawText(
        context,
        `${formatMs(spread.p50)} / ${formatMs(spread.p90)}`,
        x + 184,
        y,
        "#dfe7ea",
        colour === "" ? 600 : 400,
        "right",
      );
    }
    drawText(context, "p50 / p90 ms", SIDE_PX, top, "#9fb0b7");
    const roundTrip = t.roundTrip(formatMs(this.#roundTripMs ?? Number.NaN));
    drawText(context, roundTrip, WIDTH_PX - SIDE_PX, top, "#dfe7ea", 400, "right");
    this.#canvas.setAttribute("aria-label", `${t.title}: ${rate}, ${roundTrip}`);
  }

  #drawBars(context: CanvasRenderingContext2D): void {
    const width = WIDTH_PX - 2 * SIDE_PX;
    const frames = this.#frames.slice(-Math.floor(width / (BAR_PX + 1)));
    const maximum = Math.max(10, ...frames.map((frame) => totalMs(stageTimes(frame))));
    const scale = Math.ceil(maximum / 10) * 10;
    const bottom = CHART_TOP_PX + CHART_PX;
    for (const part of [0.5, 1]) {
      context.fillStyle = "rgba(255, 255, 255, 0.14)";
      context.fillRect(SIDE_PX, bottom - part * CHART_PX, width, 1);
      drawText(context, `${part * scale} ms`, SIDE_PX + 2, bottom - part * CHART_PX + 12, "#9fb0b7", 400, "left", 10);
    }
    for (const [index, frame] of frames.entries()) {
      const times = stageTimes(frame);
      let y = bottom;
      for (const stage of STAGES) {
        const height = ((times[stage] ?? 0) / scale) * CHART_PX;
        y -= height;
        context.fillStyle = COLOURS[stage];
        context.fillRect(WIDTH_PX - SIDE_PX - (frames.length - index) * (BAR_PX + 1), y, BAR_PX, height);
      }
    }
    context.fillStyle = "rgba(255, 255, 255, 0.4)";
    context.fillRect(SIDE_PX, bottom, width, 1);
  }
}

function formatMs(value: number): string {
  return Number.isFinite(value) ? value.toFixed(1) : "–";
}

function drawText(
  context: CanvasRenderingContext2D,
  content: string,
  x: number,
  y: number,
  colour: string,
  weight = 400,
  align: CanvasTextAlign = "left",
  size = 12,
): void {
  context.font = `${weight} ${size}px ${FONT}`;
  context.fillStyle = colour;
  context.textAlign = align;
  context.fillText(content, x, y);
}
