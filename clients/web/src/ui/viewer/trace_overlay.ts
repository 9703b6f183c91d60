/** The frame times of the last frames, as stacked bars with their percentiles. */

import type { AgentMessageOf, TraceFrame } from "../../protocol/messages.ts";
import { h } from "../dom.ts";
import { texts } from "../texts.ts";
import { STAGES, type Stage, stageTimes, summarise, totalMs } from "./trace_statistics.ts";

const WIDTH_PX = 420;
const HEIGHT_PX = 272;
const CHART_TOP_PX = 40;
const CHART_PX = 96;
const BAR_PX = 4;
const SIDE_PX = 16;
const KEPT = 400;
const WINDOW_MS = 3_000;
/** Told apart by colour-blind people too, on dark ground. */
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
  readonly element: HTMLCanvasElement;
  #frames: TraceFrame[] = [];

  constructor() {
    this.element = h("canvas", {
      class: "trace",
      attrs: { "data-trace": "", role: "img", "aria-label": texts().trace.title, hidden: "" },
    });
  }

  toggle(open: boolean): void {
    this.element.hidden = !open;
    if (open) this.#draw();
    else this.#frames = [];
  }

  get open(): boolean {
    return !this.element.hidden;
  }

  add(trace: AgentMessageOf<"trace">): void {
    if (!this.open) return;
    this.#frames = [...this.#frames, ...trace.frames].slice(-KEPT);
    this.#draw();
  }

  #draw(): void {
    const ratio = window.devicePixelRatio;
    this.element.width = Math.round(WIDTH_PX * ratio);
    this.element.height = Math.round(HEIGHT_PX * ratio);
    const pen = this.element.getContext("2d");
    if (pen === null) return;
    pen.scale(ratio, ratio);
    const t = texts().trace;
    pen.fillStyle = "rgba(14, 20, 23, 0.92)";
    pen.fillRect(0, 0, WIDTH_PX, HEIGHT_PX);
    text(pen, t.title, SIDE_PX, 24, "#f1f5f6", 600);
    const summary = summarise(this.#frames, WINDOW_MS);
    if (summary === null) {
      text(pen, t.waiting, SIDE_PX, CHART_TOP_PX + 30, "#9fb0b7");
      return;
    }
    text(
      pen,
      t.rate(summary.framesPerS.toFixed(1), summary.mbitPerS.toFixed(summary.mbitPerS < 1 ? 2 : 1)),
      WIDTH_PX - SIDE_PX,
      24,
      "#c9d5da",
      400,
      "right",
    );
    this.#bars(pen);
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
        pen.fillStyle = colour;
        pen.fillRect(x, y - 9, 10, 10);
      }
      text(pen, name, x + 16, y, "#dfe7ea", colour === "" ? 600 : 400);
      text(pen, `${ms(spread.p50)} / ${ms(spread.p90)}`, x + 184, y, "#dfe7ea", colour === "" ? 600 : 400, "right");
    }
    text(pen, "p50 / p90 ms", SIDE_PX, top, "#9fb0b7");
  }

  #bars(pen: CanvasRenderingContext2D): void {
    const room = WIDTH_PX - 2 * SIDE_PX;
    const frames = this.#frames.slice(-Math.floor(room / (BAR_PX + 1)));
    const highest = Math.max(10, ...frames.map((frame) => totalMs(stageTimes(frame))));
    const scale = Math.ceil(highest / 10) * 10;
    const bottom = CHART_TOP_PX + CHART_PX;
    for (const part of [0.5, 1]) {
      pen.fillStyle = "rgba(255, 255, 255, 0.14)";
      pen.fillRect(SIDE_PX, bottom - part * CHART_PX, room, 1);
      text(pen, `${part * scale} ms`, SIDE_PX + 2, bottom - part * CHART_PX + 12, "#9fb0b7", 400, "left", 10);
    }
    for (const [index, frame] of frames.entries()) {
      const times = stageTimes(frame);
      let y = bottom;
      for (const stage of STAGES) {
        const height = ((times[stage] ?? 0) / scale) * CHART_PX;
        y -= height;
        pen.fillStyle = COLOURS[stage];
        pen.fillRect(WIDTH_PX - SIDE_PX - (frames.length - index) * (BAR_PX + 1), y, BAR_PX, height);
      }
    }
    pen.fillStyle = "rgba(255, 255, 255, 0.4)";
    pen.fillRect(SIDE_PX, bottom, room, 1);
  }
}

function ms(value: number): string {
  return Number.isFinite(value) ? value.toFixed(1) : "–";
}

function text(
  pen: CanvasRenderingContext2D,
  words: string,
  x: number,
  y: number,
  colour: string,
  weight = 400,
  align: CanvasTextAlign = "left",
  size = 12,
): void {
  pen.font = `${weight} ${size}px ${FONT}`;
  pen.fillStyle = colour;
  pen.textAlign = align;
  pen.fillText(words, x, y);
}
