/** A second monitor beside the window's own: its own connection, picture and badge; fingers and mouse on it, the keyboard is the window's. */

import type { Hands } from "../../../input/hands.ts";
import { PointerInput } from "../../../input/pointer.ts";
import type { Gesture, TouchMode } from "../../../input/touch_table.ts";
import type { Monitor } from "../../../protocol/messages.ts";
import type { ConnectionNews } from "../../../worker/messages.ts";
import { h } from "../../dom.ts";
import { texts } from "../../texts.ts";
import { Badge } from "../badge.ts";
import { Magnifier } from "../magnifier.ts";
import { Note } from "../note.ts";
import { Stage, type StageView } from "../stage.ts";
import { type News, ViewerLink } from "../viewer_link.ts";
import { ZoomChip } from "../zoom_chip.ts";

export interface PaneActs {
  /** Hands that carry a pointer by this link, through the window's own keys. */
  hands(link: Hands): Hands;
  /** Where a place on the page lies on this monitor, px, if it is over the window's own picture: a drag may end there. */
  across(x: number, y: number, from: Monitor): { readonly x: number; readonly y: number } | null;
  pressed(event: PointerEvent): void;
  modifiers(event: MouseEvent): void;
  toList(): void;
  signIn(): void;
  /** Its monitor is gone. */
  gone(): void;
}

export class Pane {
  readonly element: HTMLElement;
  readonly monitor: number;
  readonly #acts: PaneActs;
  readonly #stage: Stage;
  readonly #badge: Badge;
  readonly #note: Note;
  readonly #magnifier: Magnifier;
  readonly #zoomChip = new ZoomChip(() => this.#stage.unzoom());
  readonly #link: ViewerLink;
  readonly #pointer: PointerInput;
  readonly #touchFirst = matchMedia("(hover: none) and (pointer: coarse)").matches;
  #view: StageView | null = null;
  #place: Monitor | null = null;

  /** Throws when there is no 2D canvas or no worker. */
  constructor(desktop: string, monitor: number, mode: TouchMode, acts: PaneActs) {
    this.monitor = monitor;
    this.#acts = acts;
    const t = texts();
    this.#stage = new Stage(monitor, t.surface(desktop), t.field, (view) => this.#viewChanged(view));
    // The keyboard belongs to the window's own field.
    this.#stage.field.disabled = true;
    this.#badge = new Badge(monitor, (open) => this.#link.watch(open, false));
    this.#note = new Note({
      retry: () => this.#link.retry(true),
      toList: () => acts.toList(),
      signIn: () => acts.signIn(),
      firstMonitor: () => acts.gone(),
    });
    this.#magnifier = new Magnifier(this.#stage.canvas, (x, y) => this.#stage.locate(x, y));
    this.element = h(
      "section",
      { class: "pane", attrs: { "aria-label": t.monitors.name(monitor + 1), "data-pane": String(monitor) } },
      this.#stage.element,
      h("div", { class: "veil", attrs: { "aria-hidden": "true" } }),
      this.#note.element,
      this.#magnifier.ring,
      this.#magnifier.loupe,
      this.#zoomChip.element,
      h(
        "div",
        { class: "bar", attrs: { "data-open": "false" } },
        h(
          "div",
          { class: "tab" },
          this.#badge.element,
          h("span", { class: "pane-number", attrs: { "aria-hidden": "true" } }, String(monitor + 1)),
        ),
        this.#badge.popover,
      ),
    );
    this.#link = new ViewerLink(desktop, monitor, this.#stage.canvas, false, (news) => this.#news(news));
    const { canvas } = this.#stage;
    this.#pointer = new PointerInput(
      canvas,
      this.#stage.element,
      acts.hands(this.#link),
      (x, y) => (this.#place === null ? null : acts.across(x, y, this.#place)) ?? this.#stage.around(x, y),
      mode,
      {
        pressed: (event) => {
          this.#stage.placeField(event.clientX, event.clientY);
          acts.pressed(event);
        },
        modifiers: (event) => acts.modifiers(event),
        touched: (x, y) => {
          this.#stage.pointAt(x, y, true);
          if (this.#pointer.touchMode === "trackpad") this.#stage.reveal(x, y);
        },
        pointed: () => {
          this.#stage.ghost.hidden = true;
        },
        gesture: (gesture, finger) => this.#magnifier.follow(gesture, finger),
        view: (x, y, dxPx, dyPx, factor) => this.#stage.view(x, y, dxPx, dyPx, factor),
        scale: () => this.#stage.scale,
        inside: (x, y) => this.#stage.holds(x, y),
      },
    );
  }

  get canvas(): HTMLCanvasElement {
    return this.#stage.canvas;
  }

  /** Device px. */
  get room(): { readonly width: number; readonly height: number } {
    return this.#stage.room;
  }

  /** Where a place on the page lies, in px of the monitor `from`; null where it is not over this picture. */
  across(x: number, y: number, from: Monitor): { readonly x: number; readonly y: number } | null {
    if (this.#place === null || !this.#stage.holds(x, y)) return null;
    const found = this.#stage.locate(x, y);
    return { x: found.x + this.#place.x - from.x, y: found.y + this.#place.y - from.y };
  }

  get gesture(): Gesture {
    return this.#pointer.gesture;
  }

  stifle(): void {
    this.#pointer.stifle();
  }

  set touchMode(mode: TouchMode) {
    this.#pointer.touchMode = mode;
  }

  set touchButton(button: number) {
    this.#pointer.touchButton = button;
  }

  /** The person chose fit or 1:1 for all pictures. */
  viewChosen(): void {
    this.#stage.unzoom();
  }

  cover(coverPx: number): void {
    this.#stage.cover(coverPx);
  }

  retry(force: boolean): void {
    this.#link.retry(force);
  }

  redraw(): void {
    this.#badge.redraw();
    this.#note.redraw();
  }

  /** Nothing may stay held that we cannot see being let go. */
  release(): void {
    if (this.#pointer.forget()) this.#link.act({ type: "release" });
  }

  /** Whether somebody can see it. */
  tellView(): void {
    const { oneToOne, ratio } = this.#view ?? { oneToOne: false, ratio: window.devicePixelRatio };
    this.#link.view(document.visibilityState === "visible", oneToOne, ratio);
  }

  close(): void {
    this.release();
    this.#pointer.close();
    this.#magnifier.hide();
    this.#link.close();
    this.#stage.close();
    this.#badge.close();
    this.#note.close();
    this.element.remove();
  }

  #news(news: News): void {
    switch (news.kind) {
      case "verdict":
        this.#badge.show(news.state, news.epoch, news.ageMs, news.ratio);
        return;
      case "connection":
        this.#connection(news.news);
        return;
      case "layout":
        this.#place = news.monitor;
        return;
      case "cursor":
        this.#stage.cursor(news.cursor);
        return;
      case "pointer": {
        if (this.#place === null) return;
        const x = news.x - this.#place.x;
        const y = news.y - this.#place.y;
        this.#stage.pointAt(x, y, this.#touchFirst);
        this.#pointer.placed(x, y);
        return;
      }
      case "status":
        this.#badge.figures(news.status);
        return;
      default:
        return; // Clipboard, frame times and notices are the window's own.
    }
  }

  #connection(news: ConnectionNews): void {
    this.element.dataset.phase = news.phase;
    if (news.phase === "ended" && news.reason === "monitor") {
      this.#acts.gone();
      return;
    }
    this.#note.say(news);
    if (news.phase === "connected") {
      this.#badge.monitor(news.monitor);
      this.#stage.open(news.monitor);
    } else this.#pointer.forget();
  }

  #viewChanged(view: StageView): void {
    this.#view = view;
    this.#pointer.pannable = view.pannable;
    this.#zoomChip.show(view.zoomed ? view.scale : null);
    this.tellView();
  }
}
