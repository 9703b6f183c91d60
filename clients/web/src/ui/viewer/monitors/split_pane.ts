/**
 * The second monitor of a split view: it has its own connection, viewport and badge, and takes pointer input. The
 * keyboard belongs to the window's own monitor.
 */

import type { InputSink } from "../../../input/input_sink.ts";
import type { ConnectionState } from "../../../worker/messages.ts";
import { h } from "../../dom.ts";
import { Emitter } from "../../emitter.ts";
import { texts } from "../../texts.ts";
import { BarPosition } from "../bar_position.ts";
import { ConnectionNotice, type ConnectionSteps } from "../connection_notice.ts";
import { MonitorView, type PointerListener } from "../monitor_view.ts";
import { ViewerWorker } from "../viewer_worker.ts";
import { Viewport } from "../viewport.ts";
import type { ShownMonitors } from "./shown_monitors.ts";

export interface SplitPaneOptions {
  readonly desktop: string;
  readonly monitor: number;
  /** Returns where pointer input of this pane is sent; `connection` is the pane's own. */
  readonly sinkFor: (connection: InputSink) => InputSink;
  readonly steps: Pick<ConnectionSteps, "showDesktopList" | "signIn" | "restartDisplay" | "endDesktop">;
}

export class SplitPane {
  readonly element: HTMLElement;
  readonly view: MonitorView;
  /** Announces that the pane's monitor does not exist any more. */
  readonly monitorRemoved = new Emitter<void>();
  readonly #shown: ShownMonitors;
  readonly #worker: ViewerWorker;
  readonly #notice: ConnectionNotice;

  /** Throws when the browser has no 2D canvas or no workers. */
  constructor(options: SplitPaneOptions, shown: ShownMonitors, listener: PointerListener) {
    const { desktop, monitor, steps } = options;
    const t = texts();
    const viewport = new Viewport(monitor, { surface: t.surface(desktop), field: t.field });
    // Text goes to the field of the window's own monitor.
    viewport.field.disabled = true;
    this.#shown = shown;
    this.#worker = new ViewerWorker(desktop, monitor, viewport.canvas);
    this.view = new MonitorView(monitor, viewport, this.#worker, options.sinkFor(this.#worker), shown, listener);
    this.#notice = new ConnectionNotice({
      reconnect: () => this.#worker.reconnect(true),
      showDesktopList: () => steps.showDesktopList(),
      signIn: () => steps.signIn(),
      showFirstMonitor: () => this.monitorRemoved.emit(),
      restartDisplay: () => steps.restartDisplay(),
      endDesktop: () => steps.endDesktop(),
    });
    const { badge, magnifier, zoomChip } = this.view;
    const number = h("span", { class: "pane-number", attrs: { "aria-hidden": "true" } }, String(monitor + 1));
    const tab = h("div", { class: "tab" }, badge.element, number);
    const bar = h(
      "div",
      { class: "bar", attrs: { "data-open": "false" } },
      tab,
      h("div", { class: "drop" }, badge.popover),
    );
    new BarPosition(bar, tab, "bar.pane");
    this.element = h(
      "section",
      { class: "pane", attrs: { "aria-label": t.monitors.name(monitor + 1), "data-pane": String(monitor) } },
      viewport.element,
      h("div", { class: "dimmer", attrs: { "aria-hidden": "true" } }),
      this.#notice.element,
      magnifier.ring,
      magnifier.loupe,
      zoomChip.element,
      bar,
    );
    // Clipboard, trace and notices come over the window's own connection.
    this.#worker.events.on((event) => event.kind === "connection" && this.#onConnection(event.state));
  }

  /** Redraws all texts after the language changed; `ShownMonitors` redraws the badge. */
  redraw(): void {
    this.#notice.redraw();
  }

  /** Releases pressed buttons on the desktop. */
  release(): void {
    if (this.view.pointer.forget()) this.#worker.send({ type: "release" });
  }

  close(): void {
    this.#shown.remove(this.view);
    this.release();
    this.view.close();
    this.#worker.close();
    this.#notice.close();
    this.element.remove();
  }

  #onConnection(state: ConnectionState): void {
    this.element.dataset.phase = state.phase;
    if (state.phase === "ended" && state.reason === "monitor") this.monitorRemoved.emit();
    else this.#notice.show(state);
  }
}
