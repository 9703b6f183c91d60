/** The desktop's page: puts surface, worker, input, toolbar, badge, note and overlay together. */

import { PageClipboard } from "../../clipboard/page_clipboard.ts";
import { signOut } from "../../gateway/gateway_client.ts";
import { KeyboardInput } from "../../input/keyboard.ts";
import type { Platform } from "../../input/keyboard_core.ts";
import type { PointerInput } from "../../input/pointer.ts";
import { StickyModifiers } from "../../input/sticky_modifiers.ts";
import type { ConnectionState } from "../../worker/messages.ts";
import { h } from "../dom.ts";
import type { Page } from "../page.ts";
import { commandIsControl, setTouchMode, touchMode } from "../preferences.ts";
import { texts } from "../texts.ts";
import { BackGuard } from "./back_guard.ts";
import { ClipboardChip } from "./clipboard_chip.ts";
import { GesturesPage } from "./gesture_help.ts";
import { ModifierBar } from "./key_bar.ts";
import { MonitorView } from "./monitor_view.ts";
import { MonitorControls } from "./monitors/monitor_controls.ts";
import { Ways } from "./monitors/input_router.ts";
import { Note } from "./connection_notice.ts";
import type { Stage, StageView } from "./viewport.ts";
import { Toolbar } from "./toolbar.ts";
import { TraceOverlay } from "./trace_overlay.ts";
import { type News, ViewerLink } from "./viewer_worker.ts";
import { WakeLock } from "./wake_lock.ts";

export interface ViewerOptions {
  readonly desktop: string;
  readonly monitor: number;
  /** The monitor takes this window's size. */
  readonly fitWindow: boolean;
  /** Two monitors side by side, where there is room. */
  readonly beside: boolean;
  readonly toList: () => void;
  /** Shows another monitor in this window. */
  readonly toMonitor: (monitor: number) => void;
  /** Whether two are shown, for the next page. */
  readonly keepBeside: (on: boolean) => void;
  readonly signedOut: (expired: boolean) => void;
}

/** Keyboard Lock, which TypeScript's library does not know: keys that the browser keeps for itself otherwise. */
type WithKeyboardLock = Navigator & { readonly keyboard?: { lock?(): Promise<void>; unlock?(): void } };

function platform(): Platform {
  const agent = navigator.userAgent;
  if (/Mac|iPhone|iPad/.test(agent)) return "mac";
  return agent.includes("Windows") ? "windows" : "other";
}

export function viewerPage(options: ViewerOptions): Page {
  return new ViewerPage(options);
}

class ViewerPage implements Page {
  readonly element: HTMLElement;
  readonly title: string;
  readonly #options: ViewerOptions;
  readonly #stage: Stage;
  readonly #picture: MonitorView;
  readonly #toolbar: Toolbar;
  readonly #note: Note;
  readonly #trace = new TraceOverlay();
  readonly #composing = h("div", { class: "composing", attrs: { "aria-hidden": "true", hidden: "" } });
  readonly #notice = h("div", { class: "notice", attrs: { role: "status", hidden: "" } });
  readonly #abort = new AbortController();
  readonly #gestures: GesturesPage;
  readonly #guard: BackGuard;
  readonly #monitors: MonitorControls;
  readonly #wakeLock = new WakeLock();
  #bar: ModifierBar | null = null;
  #hands: StickyModifiers | null = null;
  #ways: Ways | null = null;
  #link: ViewerLink | null = null;
  #pointer: PointerInput | null = null;
  #keyboard: KeyboardInput | null = null;
  #clipboard: PageClipboard | null = null;
  readonly #clipboardChip = new ClipboardChip(() => this.#clipboard?.copyOffered());
  #view: StageView = {
    oneToOne: false,
    ratio: 1,
    mode: "fit",
    scale: 1,
    scaling: "none",
    zoomed: false,
    pannable: false,
  };
  #everConnected = false;
  #softKeyboard = false;
  #switching = false;
  /** The focus leaves the field for a moment, by our own doing. */
  #raising = false;
  #noticeTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: ViewerOptions) {
    this.#options = options;
    this.title = options.desktop;
    this.#picture = new MonitorView(options.desktop, options.monitor, {
      across: (x, y) => this.#monitors.across(x, y),
      pressed: (event) => this.#pressed(event),
      modifiers: (event) => this.#keyboard?.syncModifiers(event),
      changed: (view) => this.#viewChanged(view),
      watched: () => this.#watch(),
    });
    this.#stage = this.#picture.stage;
    this.#monitors = new MonitorControls(
      {
        desktop: options.desktop,
        monitor: options.monitor,
        surface: this.#stage.canvas,
        room: () => this.#stage.room,
        fit: options.fitWindow,
        beside: options.beside,
      },
      {
        order: (monitors, scale) => this.#link?.layout(monitors, scale),
        show: (monitor) => this.#toMonitor(monitor),
        keepBeside: (on) => options.keepBeside(on),
        say: (message) => this.#sayNotice(message),
        back: () => document.documentElement.dataset.connection === "moved" && this.#retry(true),
        gesture: () => this.#pointer?.gesture ?? "idle",
        ignoreTouches: () => this.#pointer?.ignoreTouches(),
        closed: () => this.#focus(),
        hands: (link) => (this.#ways === null || this.#hands === null ? link : this.#ways.by(link, this.#hands)),
        across: (x, y, from) => this.#picture.around(x, y, from),
        pressed: (event) => this.#pressed(event),
        modifiers: (event) => this.#keyboard?.syncModifiers(event),
        toList: () => options.toList(),
        signIn: () => options.signedOut(true),
      },
    );
    this.#toolbar = new Toolbar(this.#picture.badge, options.desktop, this.#monitors.strip.element, {
      fullscreen: () => void this.#fullscreen(),
      view: () => {
        this.#stage.choose(this.#view.mode === "actual" ? "fit" : "actual");
        this.#monitors.viewChosen();
      },
      keyboard: () => this.#openKeys(this.#bar?.open !== true),
      monitors: () => this.#monitors.toggle(true),
      touch: () => this.#gestures.toggle(true),
      paste: () => void this.#clipboard?.sendBrowserClipboard(),
      trace: () => {
        this.#trace.toggle(!this.#trace.open);
        this.#watch();
        this.#showTools();
      },
      toList: () => options.toList(),
      signOut: () => void signOut().then(() => options.signedOut(false)),
      language: () => this.#redraw(),
      leave: () => this.#focus(),
    });
    this.#note = new Note({
      retry: () => this.#retry(true),
      toList: () => options.toList(),
      signIn: () => options.signedOut(true),
      firstMonitor: () => this.#toMonitor(0),
    });
    this.#gestures = new GesturesPage(
      touchMode(),
      (mode) => {
        setTouchMode(mode);
        if (this.#pointer !== null) this.#pointer.touchMode = mode;
        this.#monitors.touchMode = mode;
      },
      () => this.#focus(),
    );
    this.#guard = new BackGuard(
      () => options.toList(),
      () => this.#focus(),
    );
    this.element = h(
      "main",
      { class: "viewer" },
      this.#stage.element,
      h("div", { class: "veil", attrs: { "aria-hidden": "true" } }),
      this.#note.element,
      this.#composing,
      this.#trace.element,
      this.#notice,
      this.#picture.magnifier.ring,
      this.#picture.magnifier.loupe,
      this.#picture.zoomChip.element,
      this.#clipboardChip.element,
      this.#toolbar.element,
      this.#gestures.element,
      this.#monitors.panel.element,
      this.#guard.element,
    );
  }

  shown(): void {
    document.documentElement.dataset.connection = "connecting";
    document.documentElement.classList.add("viewing");
    const { desktop, monitor } = this.#options;
    const { canvas, field } = this.#stage;
    try {
      this.#link = new ViewerLink(desktop, monitor, canvas, (news) => this.#news(news));
    } catch (error) {
      this.#connection({ phase: "ended", reason: "unsupported", detail: String(error) });
      return;
    }
    this.#clipboard = new PageClipboard(this.#link, {
      offerChanged: (format) => this.#clipboardChip.show(format !== null),
      notify: (news) => this.#sayNotice(texts().clipboard[news]),
    });
    const ways = new Ways(this.#link);
    const hands = new StickyModifiers(ways, {
      changed: () => this.#bar?.redraw(),
      released: () => this.#bar?.pressed(),
    });
    this.#ways = ways;
    this.#hands = hands;
    this.#bar = new ModifierBar(
      hands,
      {
        modifier: (modifier) => hands.tap(modifier, performance.now()),
        button: (button) => {
          if (this.#pointer !== null) this.#pointer.touchButton = button;
          this.#monitors.touchButton = button;
        },
        softKeyboard: () => this.#setSoftKeyboard(!this.#softKeyboard),
        close: () => this.#openKeys(false),
      },
      (modifier) => hands.core.state(modifier),
    );
    this.element.append(this.#bar.element);
    this.#keyboard = new KeyboardInput(
      field,
      hands,
      { platform: platform(), commandIsControl: commandIsControl() },
      {
        compositionChanged: (text) => this.#showComposing(text),
        copyKeyPressed: () => this.#clipboard?.copyKeyPressed(),
        canPaste: () => this.#clipboard?.canPaste === true,
        paste: (data) => this.#clipboard?.paste(data) ?? Promise.resolve(),
        shortcutArmed: () => hands.core.shortcut,
        focusToolbar: () => {
          this.#release();
          this.#toolbar.enter();
        },
      },
    );
    this.#pointer = this.#picture.take(hands, touchMode());
    if (this.#picture.touchFirst) field.inputMode = "none";
    this.#listen();
    this.#monitors.open(this.element);
    this.#focus();
    this.#guard.arm();
    this.#stage.arrange();
    this.#tellView();
  }

  back(): boolean {
    return this.#guard.back();
  }

  close(): void {
    clearTimeout(this.#noticeTimer);
    this.#abort.abort();
    this.#release();
    this.#picture.close();
    this.#keyboard?.close();
    this.#bar?.close();
    this.#monitors.close();
    this.#wakeLock.close();
    this.#clipboardChip.close();
    this.#link?.close();
    this.#toolbar.close();
    this.#note.close();
    (navigator as WithKeyboardLock).keyboard?.unlock?.();
    if (document.fullscreenElement !== null && !this.#switching) void document.exitFullscreen();
    delete document.documentElement.dataset.connection;
    document.documentElement.classList.remove("viewing");
  }

  #listen(): void {
    const { signal } = this.#abort;
    // Beside the picture there is nothing to focus.
    this.#stage.element.addEventListener(
      "mousedown",
      (event) =>
        event.target !== this.#stage.canvas &&
        event.offsetX < this.#stage.element.clientWidth &&
        event.preventDefault(),
      { signal },
    );
    // Whatever is held must not stay held while we cannot see it being let go.
    window.addEventListener("blur", () => this.#release(), { signal });
    window.addEventListener("pagehide", () => this.#release(), { signal });
    document.addEventListener(
      "visibilitychange",
      () => {
        if (document.visibilityState === "hidden") this.#release();
        else this.#retry(false);
        this.#tellView();
      },
      { signal },
    );
    window.addEventListener("online", () => this.#retry(false), { signal });
    // From Wi-Fi to another, or to the mobile network: the old way is dead without a word.
    const { connection } = navigator as Navigator & { readonly connection?: EventTarget };
    connection?.addEventListener("change", () => this.#retry(false), { signal });
    window.addEventListener(
      "focus",
      () => {
        this.#clipboard?.pageFocused();
        this.#focus();
      },
      { signal },
    );
    document.addEventListener("fullscreenchange", () => this.#showTools(), { signal });
    // Turning the device takes fingers and keys from under the page without a word.
    screen.orientation?.addEventListener?.("change", () => this.#release(), { signal });
    for (const type of ["resize", "scroll"] as const)
      window.visualViewport?.addEventListener(type, () => this.#placeKeys(), { signal });
    this.#bar?.element.addEventListener("resize", () => this.#placeKeys(), { signal });
    // The system's own way to put the soft keyboard down takes the focus with it.
    this.#stage.field.addEventListener(
      "blur",
      () => {
        if (!this.#raising && this.#picture.touchFirst && this.#softKeyboard) this.#setSoftKeyboard(false, false);
      },
      { signal },
    );
  }

  // ── from the worker ──────────────────────────────────────────────────────────────────────────────────────────────────────────

  #news(news: News): void {
    switch (news.kind) {
      case "connection":
        this.#connection(news.state);
        return;
      case "layout":
        this.#picture.news(news);
        this.#monitors.layout(news.layout);
        return;
      case "trace":
        this.#trace.add(news.trace);
        return;
      case "clipboard":
        this.#clipboard?.stateChanged(news.state);
        this.#showTools();
        return;
      case "clipboard-answer":
        this.#clipboard?.contentReceived(news.answer);
        return;
      case "notice":
        this.#sayNotice(news.message);
        return;
      default:
        this.#picture.news(news);
    }
  }

  #connection(news: ConnectionState): void {
    const { dataset } = document.documentElement;
    this.#note.say(news);
    this.element.dataset.phase = news.phase;
    this.#wakeLock.hold(news.phase !== "ended");
    if (news.phase === "connected") {
      this.#everConnected = true;
      this.#picture.open(news.monitor);
      dataset.connection = "connected";
      return;
    }
    this.#clipboard?.disconnected();
    this.#keyboard?.forget();
    this.#pointer?.forget();
    this.#hands?.forget();
    this.#bar?.forget();
    if (news.phase === "ended" && news.reason === "moved") this.#monitors.moved();
    if (news.phase === "ended") dataset.connection = news.reason === "moved" ? "moved" : "ended";
    else dataset.connection = this.#everConnected ? "reconnecting" : "connecting";
  }

  // ── to the worker ────────────────────────────────────────────────────────────────────────────────────────────────────────────

  #viewChanged(view: StageView): void {
    this.#view = view;
    this.#tellView();
    this.#showTools();
  }

  #tellView(): void {
    this.#link?.view(document.visibilityState === "visible", this.#view.oneToOne, this.#view.ratio);
  }

  #watch(): void {
    this.#link?.watch(this.#picture.badge.open, this.#trace.open);
  }

  #release(): void {
    const keys = this.#keyboard?.forget() === true;
    const buttons = this.#pointer?.forget() === true;
    const modifiers = this.#hands?.forget() === true;
    this.#bar?.forget();
    this.#monitors.release();
    if (keys || buttons || modifiers) this.#link?.send({ type: "release" });
  }

  // ── what the person sees ─────────────────────────────────────────────────────────────────────────────────────────────────────

  #showTools(): void {
    this.#toolbar.show({
      actual: this.#view.mode === "actual",
      fullscreen: document.fullscreenElement !== null,
      keyboard: this.#bar?.open === true,
      trace: this.#trace.open,
      paste: this.#clipboard?.canPaste === true,
    });
  }

  #redraw(): void {
    document.documentElement.lang = texts().settings.language === "View in English" ? "ko" : "en";
    this.#toolbar.redraw();
    this.#picture.badge.redraw();
    this.#note.redraw();
    this.#bar?.redraw();
    if (this.#gestures.open) this.#gestures.redraw();
    this.#monitors.redraw();
  }

  /** A picture was pressed: the keyboard belongs to the desktop now. */
  #pressed(event: PointerEvent): void {
    this.#toolbar.fold();
    // A finger must not raise the soft keyboard by itself; its button does.
    if (event.pointerType !== "touch") this.#focus();
  }

  #retry(force: boolean): void {
    this.#link?.retry(force);
    this.#monitors.retry(force);
  }

  #focus(): void {
    const { field } = this.#stage;
    if (document.activeElement !== field) field.focus({ preventScroll: true });
  }

  /** The next page shows it in the same window, which stays as it is. */
  #toMonitor(monitor: number): void {
    this.#switching = true;
    this.#options.toMonitor(monitor);
  }

  async #fullscreen(): Promise<void> {
    const { keyboard } = navigator as WithKeyboardLock;
    try {
      if (document.fullscreenElement !== null) {
        keyboard?.unlock?.();
        await document.exitFullscreen();
      } else {
        await document.documentElement.requestFullscreen({ navigationUI: "hide" });
        await keyboard?.lock?.();
      }
    } catch (error) {
      // The browser may refuse either; the desktop works the same without.
      console.info("full screen:", error);
    }
    this.#focus();
  }

  /** The extra keys, and with them the soft keyboard where there is one. */
  #openKeys(open: boolean): void {
    if (this.#bar === null) return;
    if (!open) this.#release();
    this.#bar.open = open;
    this.#setSoftKeyboard(open && this.#picture.touchFirst);
    this.#showTools();
    this.#placeKeys();
  }

  /** Without `again` the focus is left where the person put it. */
  #setSoftKeyboard(on: boolean, again = true): void {
    this.#softKeyboard = on;
    this.#monitors.typing = on && this.#picture.touchFirst;
    const { field } = this.#stage;
    this.#raising = true;
    if (again) field.blur();
    field.inputMode = on || !this.#picture.touchFirst ? "text" : "none";
    if (again) this.#focus();
    this.#raising = false;
    if (this.#bar !== null) this.#bar.softKeyboard = on;
    this.#showTools();
  }

  /** Above the soft keyboard, which covers the page's lower edge without making it smaller. */
  #placeKeys(): void {
    const view = window.visualViewport;
    const pinched = Math.abs((view?.scale ?? 1) - 1) > 0.001;
    const keyboardPx = view === null || pinched ? 0 : Math.max(0, window.innerHeight - view.offsetTop - view.height);
    this.element.style.setProperty("--keyboard", `${keyboardPx}px`);
    const barPx = this.#bar?.open === true ? this.#bar.element.offsetHeight : 0;
    this.#stage.cover(keyboardPx + barPx);
    this.#monitors.cover(keyboardPx + barPx);
  }

  #showComposing(text: string): void {
    this.#composing.textContent = text;
    this.#composing.hidden = text === "";
  }

  #sayNotice(message: string): void {
    this.#notice.textContent = message;
    this.#notice.hidden = false;
    clearTimeout(this.#noticeTimer);
    this.#noticeTimer = setTimeout(() => {
      this.#notice.hidden = true;
    }, 8_000);
  }
}
