/**
 * Remembers how the monitors are laid out on this device, and restores that layout when the desktop comes back from
 * another device.
 */

import type { DesktopLayout } from "../../../protocol/messages.ts";
import { Emitter } from "../../emitter.ts";
import { loadJson, storeJson } from "../../preferences.ts";
import type { LayoutRequests } from "../viewer_worker.ts";
import { parseLayout, sameLayout } from "./monitor_order.ts";

export class DeviceLayout {
  /** Announces that another window of this browser took the desktop back to this device. */
  readonly returned = new Emitter<void>();
  readonly #desktop: string;
  readonly #requests: LayoutRequests;
  /** Connects the windows of this browser that show the desktop. */
  readonly #channel: BroadcastChannel;
  /** The desktop just came back to this window; the other windows are notified when its layout is settled. */
  #returning = false;

  constructor(desktop: string, requests: LayoutRequests) {
    this.#desktop = desktop;
    this.#requests = requests;
    this.#channel = new BroadcastChannel(`lightbox.back.${desktop}`);
    this.#channel.onmessage = () => this.returned.emit();
  }

  /** The desktop moved to another device. */
  desktopMoved(): void {
    storeJson(this.#key("away"), true);
  }

  /**
   * Handles a layout that the agent announces.
   *
   * After the desktop came back, requests this device's own layout and returns true if it differs: the layout that
   * answers the request follows. Otherwise stores the layout and returns false.
   */
  setLayout(layout: DesktopLayout): boolean {
    if (this.#restore(layout)) return true;
    storeJson(this.#key("layout"), layout.monitors);
    storeJson(this.#key("text"), layout.scale);
    if (this.#returning) this.#channel.postMessage("back");
    this.#returning = false;
    return false;
  }

  close(): void {
    this.#channel.close();
  }

  #restore(layout: DesktopLayout): boolean {
    if (loadJson(this.#key("away")) !== true) return false;
    storeJson(this.#key("away"), false);
    this.#returning = true;
    if (layout.screen_max === null) return false;
    const [width, height] = layout.screen_max;
    const monitors = parseLayout(loadJson(this.#key("layout")), { width, height });
    const text = loadJson(this.#key("text"));
    const scale = typeof text === "number" ? text : layout.scale;
    if (monitors === null || (sameLayout(monitors, layout.monitors) && scale === layout.scale)) return false;
    this.#requests.requestLayout(monitors, scale);
    return true;
  }

  #key(what: "layout" | "text" | "away"): string {
    return `${what}.${this.#desktop}`;
  }
}
