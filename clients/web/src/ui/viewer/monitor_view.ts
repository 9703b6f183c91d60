/** One monitor on the page, its badge, and what fingers and mouse do on it: what a window's own picture and one beside it have in common. */

import type { InputSink } from "../../input/input_sink.ts";
import { PointerInput } from "../../input/pointer.ts";
import type { TouchMode } from "../../input/touch_table.ts";
import type { Monitor } from "../../protocol/messages.ts";
import { texts } from "../texts.ts";
import { Badge } from "./badge.ts";
import { Magnifier } from "./magnifier.ts";
import { Stage, type StageView } from "./viewport.ts";
import type { News } from "./viewer_worker.ts";
import { ZoomChip } from "./zoom_chip.ts";

export interface Place {
  readonly x: number;
  readonly y: number;
}

export interface MonitorViewHooks {
  /** A place on the page in px of this monitor, where another picture of the window is: a drag may end there. */
  across(x: number, y: number): Place | null;
  pressed(event: PointerEvent): void;
  modifiers(event: MouseEvent): void;
  /** The picture has another size or scale. */
  changed(view: StageView): void;
  /** The badge's figures were opened or closed. */
  watched(open: boolean): void;
}

export class MonitorView {
  readonly stage: Stage;
  readonly badge: Badge;
  readonly magnifier: Magnifier;
  readonly zoomChip = new ZoomChip(() => this.stage.unzoom());
  readonly touchFirst = matchMedia("(hover: none) and (pointer: coarse)").matches;
  readonly #hooks: MonitorViewHooks;
  #pointer: PointerInput | null = null;
  #place: Monitor | null = null;

  constructor(desktop: string, monitor: number, hooks: MonitorViewHooks) {
    this.#hooks = hooks;
    this.stage = new Stage(monitor, texts().surface(desktop), texts().field, (view) => this.#changed(view));
    this.badge = new Badge(monitor, (open) => hooks.watched(open));
    this.magnifier = new Magnifier(this.stage.canvas, (x, y) => this.stage.locate(x, y));
  }

  /** Where the monitor stands on the desktop; null before the first word of it. */
  get place(): Monitor | null {
    return this.#place;
  }

  /** From now on fingers and mouse on the picture act by these hands. */
  take(hands: InputSink, mode: TouchMode): PointerInput {
    const { stage } = this;
    const pointer = new PointerInput(
      stage.canvas,
      stage.element,
      hands,
      (x, y) => this.#hooks.across(x, y) ?? stage.around(x, y),
      mode,
      {
        pressed: (event) => {
          stage.placeField(event.clientX, event.clientY);
          this.#hooks.pressed(event);
        },
        syncModifiers: (event) => this.#hooks.modifiers(event),
        touchCursorMoved: (x, y) => {
          stage.pointAt(x, y, true);
          if (pointer.touchMode === "trackpad") stage.reveal(x, y);
        },
        mouseOrPenMoved: () => stage.hideGhost(),
        gestureChanged: (gesture, finger) => this.magnifier.follow(gesture, finger),
        panAndZoom: (x, y, dxPx, dyPx, factor) => stage.view(x, y, dxPx, dyPx, factor),
        monitorScale: () => stage.scale,
        isOnSurface: (x, y) => stage.holds(x, y),
      },
    );
    this.#pointer = pointer;
    return pointer;
  }

  /** Where a place on the page lies, in px of the monitor `from`; null where it is not over this picture. */
  around(x: number, y: number, from: Monitor): Place | null {
    if (this.#place === null || !this.stage.holds(x, y)) return null;
    const found = this.stage.locate(x, y);
    return { x: found.x + this.#place.x - from.x, y: found.y + this.#place.y - from.y };
  }

  /** What the worker tells of the picture itself. */
  news(news: News): void {
    switch (news.kind) {
      case "verdict":
        this.badge.show(news.state, news.epoch, news.ageMs, news.ratio);
        return;
      case "layout":
        this.#place = news.monitor;
        return;
      case "cursor":
        this.stage.cursor(news.cursor);
        return;
      case "pointer": {
        if (this.#place === null) return;
        const x = news.x - this.#place.x;
        const y = news.y - this.#place.y;
        this.stage.pointAt(x, y, this.touchFirst);
        this.#pointer?.setCursor(x, y);
        return;
      }
      case "status":
        this.badge.figures(news.status);
    }
  }

  /** It is connected, and has this size. */
  open(monitor: Monitor): void {
    this.#place = monitor;
    this.badge.monitor(monitor);
    this.stage.open(monitor);
  }

  close(): void {
    this.#pointer?.close();
    this.magnifier.hide();
    this.stage.close();
    this.badge.close();
  }

  #changed(view: StageView): void {
    if (this.#pointer !== null) this.#pointer.pannable = view.pannable;
    this.zoomChip.show(view.zoomed ? view.scale : null);
    this.badge.scaling(view.scaling);
    this.#hooks.changed(view);
  }
}
