/**
 * Everything that one window does about monitors: strip, panel and split view, keys and swipes that switch monitors,
 * windows for the other monitors, and layouts that follow windows or displays.
 */

import type { InputSink } from "../../../input/input_sink.ts";
import type { Gesture } from "../../../input/touch_table.ts";
import type { DesktopLayout, Monitor } from "../../../protocol/messages.ts";
import type { ConnectionState } from "../../../worker/messages.ts";
import type { Emitter } from "../../emitter.ts";
import { texts } from "../../texts.ts";
import type { ConnectionSteps } from "../connection_notice.ts";
import type { PointerListener } from "../monitor_view.ts";
import type { Announcer } from "../toast.ts";
import type { LayoutRequests, ViewerEvent } from "../viewer_worker.ts";
import { ClosedWindows } from "./closed_windows.ts";
import { DeviceLayout } from "./device_layout.ts";
import { DisplaySync } from "./display_sync.ts";
import { displaySize } from "./monitor_layout.ts";
import { monitorAfter } from "./monitor_order.ts";
import { MonitorStrip } from "./monitor_strip.ts";
import { openWindow, rememberPosition, supportsDisplays } from "./monitor_windows.ts";
import { MonitorsPanel } from "./monitors_panel.ts";
import type { ShownMonitors } from "./shown_monitors.ts";
import { SizeSync } from "./size_sync.ts";
import { SplitPane } from "./split_pane.ts";
import { SplitView } from "./split_view.ts";
import { listenForSwipes, type Swipe } from "./swipe_core.ts";
import { MonitorThumbnails } from "./thumbnails.ts";

/** Fingers that switch monitors with a swipe on the surface; one finger drags, two scroll and zoom. */
const SWIPING_FINGERS = 3;
/** Gestures that hold something on the desktop: the monitor under them must not be switched. */
const HOLDING: ReadonlySet<Gesture> = new Set(["drag", "adjust", "aim", "tap-drag"]);

/** Shows another monitor in this window, and remembers that the person wants a split view. */
export interface MonitorNavigation {
  showMonitor(monitor: number): void;
  rememberSplit(on: boolean): void;
}

export interface MonitorControlsOptions {
  readonly desktop: string;
  /** The window's own monitor. */
  readonly monitor: number;
  /** The monitor takes the window's size, whatever the person chose. */
  readonly fitWindow: boolean;
  /** Two monitors are shown side by side where there is room. */
  readonly split: boolean;
  /** The page's element, which holds the viewports. */
  readonly page: HTMLElement;
  /** Returns where pointer input on a second monitor is sent; `connection` is that monitor's. */
  readonly sinkFor: (connection: InputSink) => InputSink;
  readonly navigation: MonitorNavigation;
  readonly steps: Pick<ConnectionSteps, "showDesktopList" | "signIn" | "restartDisplay" | "endDesktop">;
}

export class MonitorControls {
  readonly panel: MonitorsPanel;
  readonly strip: MonitorStrip;
  /** Announces that another window took the desktop back to this device. */
  readonly desktopReturned: Emitter<void>;
  readonly #options: MonitorControlsOptions;
  readonly #shown: ShownMonitors;
  readonly #requests: LayoutRequests;
  readonly #announcer: Announcer;
  readonly #thumbnails: MonitorThumbnails;
  readonly #splitView: SplitView;
  readonly #sizeSync: SizeSync;
  readonly #displaySync: DisplaySync;
  readonly #deviceLayout: DeviceLayout;
  readonly #closedWindows: ClosedWindows;
  readonly #abort = new AbortController();
  #layout: DesktopLayout | null = null;
  /** The person chose a layout without the monitor that this window shows. */
  #removesOwn = false;

  constructor(
    options: MonitorControlsOptions,
    shown: ShownMonitors,
    requests: LayoutRequests,
    announcer: Announcer,
    listener: PointerListener,
  ) {
    const { desktop, monitor, page } = options;
    const { signal } = this.#abort;
    this.#options = options;
    this.#shown = shown;
    this.#requests = requests;
    this.#announcer = announcer;
    this.#thumbnails = new MonitorThumbnails(desktop, shown);
    this.#splitView = new SplitView(
      { page, monitor, wanted: options.split, createPane: (number) => this.#createPane(number, listener) },
      signal,
    );
    this.#displaySync = new DisplaySync(desktop, requests, announcer, signal);
    this.#sizeSync = new SizeSync(
      { desktop, always: options.fitWindow, followsDisplays: () => this.#displaySync.active },
      shown,
      requests,
      signal,
    );
    this.#deviceLayout = new DeviceLayout(desktop, requests);
    this.desktopReturned = this.#deviceLayout.returned;
    this.#closedWindows = new ClosedWindows(desktop, () => shown.numbers, signal);
    this.strip = new MonitorStrip(signal);
    this.panel = new MonitorsPanel(
      () => ({
        shown: shown.numbers,
        keepsSizes: this.#sizeSync.keepsSizes,
        split: this.#splitView.state,
        display: displaySize({ width: screen.width, height: screen.height, devicePixelRatio }),
      }),
      this.#thumbnails,
      supportsDisplays(),
    );
    this.#connectParts();
    window.addEventListener("pagehide", () => rememberPosition(desktop, monitor), { signal });
    // In the capture phase, before the keys are sent to the desktop.
    window.addEventListener("keydown", (event) => this.#onKey(event), { signal, capture: true });
    listenForSwipes(
      page,
      SWIPING_FINGERS,
      signal,
      () => this.#takeFingers(),
      (swipe) => this.#onSwipe(swipe),
    );
  }

  /** The window's title: windows of several monitors have different ones. */
  get title(): string {
    const { desktop, monitor } = this.#options;
    return this.#monitors.length > 1 ? `${desktop} · ${texts().monitors.name(monitor + 1)}` : desktop;
  }

  handle(event: ViewerEvent): void {
    if (event.kind === "layout") this.#onLayout(event.layout);
    else if (event.kind === "connection") this.#onConnection(event.state);
    else if (event.kind === "replaced") this.#forgetLayout();
  }

  /** The extra keys or a soft keyboard were shown or hidden; `raised` tells whether a soft keyboard is up. */
  keyboardChanged(raised: boolean): void {
    this.#sizeSync.keyboardChanged(raised);
  }

  /** Releases pressed buttons on the second monitor. */
  release(): void {
    this.#splitView.pane?.release();
  }

  /** Redraws all texts after the language changed. */
  redraw(): void {
    if (this.panel.open) this.panel.redraw();
    this.strip.redraw();
    this.#splitView.pane?.redraw();
  }

  /** The person leaves the desktop, and does not only show another monitor in this window. */
  leave(): void {
    this.#closedWindows.announceClosed();
  }

  close(): void {
    rememberPosition(this.#options.desktop, this.#options.monitor);
    this.#abort.abort();
    this.#splitView.close();
    this.#thumbnails.close();
    this.#deviceLayout.close();
    this.#closedWindows.close();
  }

  #connectParts(): void {
    const { panel, strip } = this;
    this.#splitView.changed.on(() => {
      this.#thumbnails.shownChanged();
      this.#closedWindows.shownChanged();
      this.#updateStrip();
    });
    // The page's own resize event does not come when the window is divided.
    this.#splitView.resized.on(() => this.#sizeSync.schedule());
    this.#closedWindows.closed.on((monitor) => this.#requests.gather(monitor));
    this.#sizeSync.restored.on(() => this.#announcer.show(texts().messages.monitors.restored));
    strip.chosen.on((monitor) => this.#show(monitor));
    strip.swiped.on((swipe) => this.#onSwipe(swipe));
    strip.splitChosen.on((on) => this.#setSplit(on));
    panel.chosen.on((monitor) => this.#show(monitor));
    panel.windowRequested.on((monitors) => this.#openWindows(monitors));
    panel.splitChosen.on((on) => this.#setSplit(on));
    panel.displaysRequested.on(() => void this.#useDisplays());
    panel.keepSizesChosen.on((keep) => this.#sizeSync.setKeepsSizes(keep));
    panel.layoutChosen.on(({ monitors, scale, sizesChosen }) => {
      this.#displaySync.stop();
      // The next change of the window must not undo the sizes that the person chose.
      if (sizesChosen) this.#sizeSync.setKeepsSizes(true);
      if (scale !== this.#layout?.scale) this.#sizeSync.setTextScale(scale);
      this.#sizeSync.layoutChosen(monitors);
      this.#removesOwn = !monitors.some(({ id }) => id === this.#options.monitor);
      this.#requests.requestLayout(monitors, scale);
    });
  }

  #createPane(monitor: number, listener: PointerListener): SplitPane {
    const { desktop, sinkFor, steps } = this.#options;
    const pane = new SplitPane({ desktop, monitor, sinkFor, steps }, this.#shown, listener);
    pane.monitorRemoved.on(() => this.#setSplit(false));
    return pane;
  }

  #onLayout(layout: DesktopLayout): void {
    this.#layout = layout;
    this.panel.setLayout(layout);
    this.#splitView.setMonitors(layout.monitors);
    this.#thumbnails.setMonitors(layout.monitors.map((monitor) => monitor.id));
    if (this.#deviceLayout.setLayout(layout)) return;
    this.#displaySync.setLayout(layout);
    this.#sizeSync.setLayout(layout);
  }

  #onConnection(state: ConnectionState): void {
    // The panel would cover the notice that offers the next step.
    if (state.phase === "ended" && this.panel.open) this.panel.setOpen(false);
    if (state.phase === "ended" && state.reason === "monitor") this.#onRemoved();
    if (state.phase === "ended" && state.reason === "moved") this.#forgetLayout();
  }

  /** The window's own monitor was removed: shows another one if the person did that, or sees another one already. */
  #onRemoved(): void {
    const partner = this.#splitView.pane?.view.monitor;
    if (this.#removesOwn) this.#options.navigation.showMonitor(0);
    else if (partner !== undefined) this.#options.navigation.showMonitor(partner);
  }

  /** The next layout is that of a desktop which does not have this device's sizes: they are requested again. */
  #forgetLayout(): void {
    this.#deviceLayout.desktopMoved();
    this.#sizeSync.desktopMoved();
  }

  /** Ctrl+Alt+1 to 6 show the monitor of that number. */
  #onKey(event: KeyboardEvent): void {
    const digit = /^Digit([1-6])$/.exec(event.code)?.[1];
    if (digit === undefined || !event.ctrlKey || !event.altKey || event.shiftKey || event.metaKey) return;
    const monitor = Number(digit) - 1;
    if (!this.#monitors.some(({ id }) => id === monitor)) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    this.#show(monitor);
  }

  /** Returns whether a swipe may start; if so, the fingers have no other meaning until they are lifted. */
  #takeFingers(): boolean {
    const { views } = this.#shown;
    if (views.some(({ gesture }) => HOLDING.has(gesture))) return false;
    // A hand over the middle of a split view has fingers on both monitors; each would see a drag or a scroll.
    for (const { pointer } of views) pointer.ignoreTouches();
    return true;
  }

  #onSwipe(swipe: Swipe): void {
    const monitor = monitorAfter(this.#monitors, this.#shown.numbers, swipe === "next" ? 1 : -1);
    if (monitor !== null) this.#options.navigation.showMonitor(monitor);
  }

  get #monitors(): readonly Monitor[] {
    return this.#layout?.monitors ?? [];
  }

  #show(monitor: number): void {
    if (this.#shown.numbers.includes(monitor)) this.panel.setOpen(false);
    else this.#options.navigation.showMonitor(monitor);
  }

  #setSplit(on: boolean): void {
    this.#options.navigation.rememberSplit(on);
    this.#splitView.setWanted(on);
  }

  #updateStrip(): void {
    this.strip.show({ monitors: this.#monitors, shown: this.#shown.numbers, split: this.#splitView.state });
    if (this.panel.open) this.panel.redraw();
  }

  /** Opens all windows at once, because browsers open windows only during the person's click. */
  #openWindows(monitors: readonly number[]): void {
    const blocked = monitors.filter((monitor) => !openWindow(this.#options.desktop, monitor));
    if (blocked.length > 0) this.#announcer.show(texts().messages.monitors.blocked);
  }

  async #useDisplays(): Promise<void> {
    const { monitor, navigation } = this.#options;
    const started = await this.#displaySync.start();
    if (started === null) return;
    this.panel.setOpen(false);
    if (started.own !== null && started.own !== monitor) navigation.showMonitor(started.own);
  }
}
