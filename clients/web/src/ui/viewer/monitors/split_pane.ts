/** A second monitor beside the window's own: its own connection, picture and badge; fingers and mouse on it, the keyboard is the window's. */

import type { InputSink } from "../../../input/input_sink.ts";
import type { PointerInput } from "../../../input/pointer.ts";
import type { Gesture, TouchMode } from "../../../input/touch_table.ts";
import type { Monitor } from "../../../protocol/messages.ts";
import type { ConnectionState } from "../../../worker/messages.ts";
import { h } from "../../dom.ts";
import { texts } from "../../texts.ts";
import { MonitorView, type Place } from "../monitor_view.ts";
import { Note } from "../connection_notice.ts";
import type { StageView } from "../viewport.ts";
import { type News, ViewerLink } from "../viewer_worker.ts";

export interface PaneActs {
  /** InputSink that carry a pointer by this link, through the window's own keys. */
  hands(link: InputSink): InputSink;
  /** Where a place on the page lies on this monitor, px, if it is over the window's own picture: a drag may end there. */
  across(x: number, y: number, from: Monitor): Place | null;
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
  readonly #picture: MonitorView;
  readonly #note: Note;
  readonly #link: ViewerLink;
  readonly #pointer: PointerInput;
  #view: StageView | null = null;

  /** Throws when there is no 2D canvas or no worker. */
  constructor(desktop: string, monitor: number, mode: TouchMode, acts: PaneActs) {
    this.monitor = monitor;
    this.#acts = acts;
    const t = texts();
    this.#picture = new MonitorView(desktop, monitor, {
      across: (x, y) => (this.#picture.place === null ? null : acts.across(x, y, this.#picture.place)),
      pressed: (event) => acts.pressed(event),
      modifiers: (event) => acts.modifiers(event),
      changed: (view) => {
        this.#view = view;
        this.tellView();
      },
      watched: (open) => this.#link.watch(open, false),
    });
    const { stage, badge, magnifier, zoomChip } = this.#picture;
    // The keyboard belongs to the window's own field.
    stage.field.disabled = true;
    this.#note = new Note({
      retry: () => this.#link.retry(true),
      toList: () => acts.toList(),
      signIn: () => acts.signIn(),
      firstMonitor: () => acts.gone(),
    });
    this.element = h(
      "section",
      { class: "pane", attrs: { "aria-label": t.monitors.name(monitor + 1), "data-pane": String(monitor) } },
      stage.element,
      h("div", { class: "veil", attrs: { "aria-hidden": "true" } }),
      this.#note.element,
      magnifier.ring,
      magnifier.loupe,
      zoomChip.element,
      h(
        "div",
        { class: "bar", attrs: { "data-open": "false" } },
        h(
          "div",
          { class: "tab" },
          badge.element,
          h("span", { class: "pane-number", attrs: { "aria-hidden": "true" } }, String(monitor + 1)),
        ),
        badge.popover,
      ),
    );
    this.#link = new ViewerLink(desktop, monitor, stage.canvas, (news) => this.#news(news));
    this.#pointer = this.#picture.take(acts.hands(this.#link), mode);
  }

  get canvas(): HTMLCanvasElement {
    return this.#picture.stage.canvas;
  }

  /** Device px. */
  get room(): { readonly width: number; readonly height: number } {
    return this.#picture.stage.room;
  }

  /** Where a place on the page lies, in px of the monitor `from`; null where it is not over this picture. */
  across(x: number, y: number, from: Monitor): Place | null {
    return this.#picture.around(x, y, from);
  }

  get gesture(): Gesture {
    return this.#pointer.gesture;
  }

  ignoreTouches(): void {
    this.#pointer.ignoreTouches();
  }

  set touchMode(mode: TouchMode) {
    this.#pointer.touchMode = mode;
  }

  set touchButton(button: number) {
    this.#pointer.touchButton = button;
  }

  /** The person chose fit or 1:1 for all pictures. */
  viewChosen(): void {
    this.#picture.stage.unzoom();
  }

  cover(coverPx: number): void {
    this.#picture.stage.cover(coverPx);
  }

  retry(force: boolean): void {
    this.#link.retry(force);
  }

  redraw(): void {
    this.#picture.badge.redraw();
    this.#note.redraw();
  }

  /** Nothing may stay held that we cannot see being let go. */
  release(): void {
    if (this.#pointer.forget()) this.#link.send({ type: "release" });
  }

  /** Whether somebody can see it. */
  tellView(): void {
    const { oneToOne, ratio } = this.#view ?? { oneToOne: false, ratio: window.devicePixelRatio };
    this.#link.view(document.visibilityState === "visible", oneToOne, ratio);
  }

  close(): void {
    this.release();
    this.#picture.close();
    this.#link.close();
    this.#note.close();
    this.element.remove();
  }

  /** Clipboard, frame times and notices are the window's own. */
  #news(news: News): void {
    if (news.kind === "connection") this.#connection(news.state);
    else this.#picture.news(news);
  }

  #connection(news: ConnectionState): void {
    this.element.dataset.phase = news.phase;
    if (news.phase === "ended" && news.reason === "monitor") {
      this.#acts.gone();
      return;
    }
    this.#note.say(news);
    if (news.phase === "connected") this.#picture.open(news.monitor);
    else this.#pointer.forget();
  }
}
