/** One monitor on the page: its viewport, its badge, and pointer input on it. */

import type { Box } from "../../input/geometry.ts";
import type { InputSink } from "../../input/input_sink.ts";
import { PointerInput } from "../../input/pointer.ts";
import { RelativeMouse } from "../../input/relative_mouse.ts";
import type { Gesture } from "../../input/touch_table.ts";
import type { Monitor } from "../../protocol/messages.ts";
import { touchMode } from "../preferences.ts";
import { Badge } from "./badge.ts";
import { Magnifier } from "./magnifier.ts";
import type { ShownMonitors } from "./monitors/shown_monitors.ts";
import { reportView } from "./view_report.ts";
import type { ViewerEvent, ViewerWorker } from "./viewer_worker.ts";
import type { Viewport } from "./viewport.ts";
import { ZoomChip } from "./zoom_chip.ts";

/** Whether fingers are the device's main pointer. */
export const TOUCH_FIRST = "(hover: none) and (pointer: coarse)";

/** A position on a monitor, px. */
export interface MonitorPosition {
  readonly x: number;
  readonly y: number;
}

/** What a press on the surface, or any mouse event, means for the keyboard. */
export interface PointerListener {
  /** Called when the surface is pressed: the keyboard focus belongs to the desktop now. */
  surfacePressed(event: PointerEvent): void;
  /** Called with mouse events: modifiers that were released unnoticed are released on the desktop. */
  syncModifiers(event: MouseEvent): void;
  /** Returns whether Ctrl is pressed on the desktop. */
  controlHeld(): boolean;
  /** Called when a program on the desktop takes the mouse relatively, which a browser cannot serve. */
  relativeMouseSeen(): void;
}

export class MonitorView {
  /** The monitor's number, from 0. */
  readonly monitor: number;
  readonly viewport: Viewport;
  readonly badge: Badge;
  readonly magnifier: Magnifier;
  readonly zoomChip = new ZoomChip(() => this.viewport.resetZoom());
  readonly pointer: PointerInput;
  readonly #worker: ViewerWorker;
  readonly #abort = new AbortController();
  readonly #relativeMouse = new RelativeMouse();
  readonly #listener: PointerListener;
  /** The monitor as the agent describes it; null before the first connection. */
  #placement: Monitor | null = null;

  /** Pointer input is sent to `sink`; a drag may continue on another monitor of `shown`. */
  constructor(
    monitor: number,
    viewport: Viewport,
    worker: ViewerWorker,
    sink: InputSink,
    shown: ShownMonitors,
    listener: PointerListener,
  ) {
    this.monitor = monitor;
    this.viewport = viewport;
    this.#worker = worker;
    this.#listener = listener;
    this.badge = new Badge(monitor);
    this.magnifier = new Magnifier(viewport.canvas, (x, y) => viewport.pixelAt(x, y));
    const touchFirst = matchMedia(TOUCH_FIRST).matches;
    this.pointer = new PointerInput(
      viewport.canvas,
      viewport.element,
      sink,
      (x, y) => shown.positionOutside(this, x, y) ?? viewport.unclampedPixelAt(x, y),
      touchMode(),
      {
        pressed: (event) => {
          viewport.moveField(event.clientX, event.clientY);
          listener.surfacePressed(event);
        },
        syncModifiers: (event) => listener.syncModifiers(event),
        controlHeld: () => listener.controlHeld(),
        touchCursorMoved: (x, y) => {
          viewport.showCursor(x, y, true);
          if (this.pointer.touchMode === "trackpad") viewport.revealPixel(x, y);
        },
        mouseOrPenMoved: () => {
          this.#relativeMouse.mouseMoved();
          viewport.cursor.hide();
        },
        gestureChanged: (gesture, finger) => this.magnifier.follow(gesture, finger),
        panAndZoom: (x, y, dxPx, dyPx, factor) => viewport.panAndZoom(x, y, dxPx, dyPx, factor),
        monitorScale: () => viewport.surfaceScale,
        isOnSurface: (x, y) => viewport.contains(x, y),
      },
    );
    viewport.changes.on((state) => {
      this.pointer.pannable = state.pannable;
      this.zoomChip.show(state.zoomed ? state.scale : null);
      this.badge.setScaling(state.scaling);
    });
    reportView(viewport, worker, this.#abort.signal);
    this.badge.toggled.on((open) => worker.watchStatus(open));
    worker.events.on((event) => this.#onEvent(event, touchFirst));
    shown.add(this);
  }

  /** What the fingers on this monitor are doing. */
  get gesture(): Gesture {
    return this.pointer.gesture;
  }

  /** The monitor's position and size on the desktop; null before the first connection. */
  get placement(): Monitor | null {
    return this.#placement;
  }

  /** Returns the position under a page position in px of the monitor `origin`; null where this surface is not under it. */
  positionRelativeTo(origin: Monitor, clientX: number, clientY: number): MonitorPosition | null {
    if (this.#placement === null || !this.viewport.contains(clientX, clientY)) return null;
    const { x, y } = this.viewport.pixelAt(clientX, clientY);
    return { x: x + this.#placement.x - origin.x, y: y + this.#placement.y - origin.y };
  }

  reconnect(force: boolean): void {
    this.#worker.reconnect(force);
  }

  close(): void {
    this.#abort.abort();
    this.pointer.close();
    this.magnifier.hide();
    this.viewport.close();
    this.badge.close();
  }

  #onEvent(event: ViewerEvent, touchFirst: boolean): void {
    switch (event.kind) {
      case "connection":
        if (event.state.phase === "connected") this.#onConnected(event.state.monitor);
        else this.pointer.forget();
        return;
      case "verdict":
        this.badge.showState(event.state, event.epoch, event.ageMs, event.ratio, event.readbackAltered);
        return;
      case "layout":
        this.#placement = event.monitor;
        return;
      case "cursor":
        this.viewport.cursor.setShape(event.cursor);
        return;
      case "pointer": {
        if (this.#placement === null) return;
        if (this.#relativeMouse.pointerReported(event.x, event.y)) this.#listener.relativeMouseSeen();
        const x = event.x - this.#placement.x;
        const y = event.y - this.#placement.y;
        this.viewport.showCursor(x, y, touchFirst);
        this.pointer.setCursor(x, y);
        return;
      }
      case "caret":
        this.#onCaret(event.caret);
        return;
      case "status":
        this.badge.showStatus(event.status);
    }
  }

  /** The viewport knows the caret only while it is on this monitor. */
  #onCaret(caret: Box | null): void {
    const monitor = this.#placement;
    if (caret === null || monitor === null) {
      this.viewport.setCaret(null);
      return;
    }
    const x = caret.x - monitor.x;
    const y = caret.y - monitor.y;
    const inside = x >= 0 && y >= 0 && x < monitor.width && y < monitor.height;
    this.viewport.setCaret(inside ? { x, y, width: caret.width, height: caret.height } : null);
  }

  #onConnected(monitor: Monitor): void {
    this.#placement = monitor;
    this.badge.setMonitor(monitor);
    this.viewport.setSurfaceSize(monitor);
  }
}
