/** The desktop's page: puts surface, worker, input, toolbar, badge, note and overlay together. */

import { signOut } from "../../door/door.ts";
import { KeyboardInput } from "../../input/keyboard.ts";
import type { Platform } from "../../input/keyboard_core.ts";
import { PointerInput } from "../../input/pointer.ts";
import type { AgentMessageOf, Monitor } from "../../protocol/messages.ts";
import type { ConnectionNews } from "../../worker/messages.ts";
import { h } from "../dom.ts";
import type { Page } from "../page.ts";
import { commandIsControl } from "../preferences.ts";
import { texts } from "../texts.ts";
import { Badge } from "./badge.ts";
import { Note } from "./note.ts";
import { Stage, type StageView } from "./stage.ts";
import { Toolbar } from "./toolbar.ts";
import { TraceOverlay } from "./trace_overlay.ts";
import { type News, ViewerLink } from "./viewer_link.ts";

export interface ViewerOptions {
  readonly desktop: string;
  readonly monitor: number;
  /** Paint in the worker (OffscreenCanvas) instead of in the page. */
  readonly surfaceInWorker: boolean;
  readonly toList: () => void;
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
  readonly #badge: Badge;
  readonly #toolbar: Toolbar;
  readonly #note: Note;
  readonly #trace = new TraceOverlay();
  readonly #composing = h("div", { class: "composing", attrs: { "aria-hidden": "true", hidden: "" } });
  readonly #notice = h("div", { class: "notice", attrs: { role: "status", hidden: "" } });
  readonly #abort = new AbortController();
  readonly #touchFirst = matchMedia("(hover: none) and (pointer: coarse)").matches;
  #link: ViewerLink | null = null;
  #pointer: PointerInput | null = null;
  #keyboard: KeyboardInput | null = null;
  #view: StageView = { oneToOne: false, ratio: 1, mode: "fit" };
  #monitor: Monitor | null = null;
  #everConnected = false;
  #softKeyboard = false;
  #noticeTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: ViewerOptions) {
    this.#options = options;
    this.title = options.desktop;
    this.#stage = new Stage(options.monitor, texts().surface(options.desktop), texts().field, (view) =>
      this.#viewChanged(view),
    );
    this.#badge = new Badge(options.monitor, () => this.#watch());
    this.#toolbar = new Toolbar(this.#badge, options.desktop, {
      fullscreen: () => void this.#fullscreen(),
      view: () => this.#stage.choose(this.#view.mode === "actual" ? "fit" : "actual"),
      keyboard: () => this.#setSoftKeyboard(!this.#softKeyboard),
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
      retry: () => this.#link?.retry(true),
      toList: () => options.toList(),
      signIn: () => options.signedOut(true),
    });
    this.element = h(
      "main",
      { class: "viewer" },
      this.#stage.element,
      h("div", { class: "veil", attrs: { "aria-hidden": "true" } }),
      this.#note.element,
      this.#composing,
      this.#trace.element,
      this.#notice,
      this.#toolbar.element,
    );
  }

  shown(): void {
    document.documentElement.dataset.connection = "connecting";
    document.documentElement.classList.add("viewing");
    const { desktop, monitor, surfaceInWorker } = this.#options;
    const { canvas, field } = this.#stage;
    try {
      this.#link = new ViewerLink(desktop, monitor, canvas, surfaceInWorker, (news) => this.#news(news));
    } catch (error) {
      this.#connection({ phase: "ended", reason: "unsupported", detail: String(error) });
      return;
    }
    this.#keyboard = new KeyboardInput(
      field,
      this.#link,
      { platform: platform(), commandIsControl: commandIsControl() },
      {
        composing: (text) => this.#showComposing(text),
        leave: () => {
          this.#release();
          this.#toolbar.enter();
        },
      },
    );
    this.#pointer = new PointerInput(canvas, this.#link, (x, y) => this.#stage.locate(x, y), {
      pressed: (event) => {
        this.#toolbar.fold();
        this.#stage.placeField(event.clientX, event.clientY);
        // A finger must not raise the soft keyboard by itself; its button does.
        if (event.pointerType !== "touch") this.#focus();
      },
      modifiers: (event) => this.#keyboard?.modifiers(event),
      touched: (x, y) => this.#stage.pointAt(x, y, true),
    });
    if (this.#touchFirst) field.inputMode = "none";
    this.#listen();
    this.#focus();
    this.#stage.arrange();
    this.#tellView();
  }

  close(): void {
    clearTimeout(this.#noticeTimer);
    this.#abort.abort();
    this.#release();
    this.#pointer?.close();
    this.#keyboard?.close();
    this.#link?.close();
    this.#stage.close();
    this.#badge.close();
    this.#toolbar.close();
    this.#note.close();
    (navigator as WithKeyboardLock).keyboard?.unlock?.();
    if (document.fullscreenElement !== null) void document.exitFullscreen();
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
        else this.#link?.retry(false);
        this.#tellView();
      },
      { signal },
    );
    window.addEventListener("online", () => this.#link?.retry(false), { signal });
    window.addEventListener("focus", () => this.#focus(), { signal });
    document.addEventListener("fullscreenchange", () => this.#showTools(), { signal });
  }

  // ── from the worker ──────────────────────────────────────────────────────────────────────────────────────────────────────────

  #news(news: News): void {
    switch (news.kind) {
      case "verdict":
        this.#badge.show(news.state, news.epoch, news.ageMs);
        return;
      case "connection":
        this.#connection(news.news);
        return;
      case "cursor":
        this.#cursor(news.cursor);
        return;
      case "pointer":
        if (this.#monitor !== null)
          this.#stage.pointAt(news.x - this.#monitor.x, news.y - this.#monitor.y, this.#touchFirst);
        return;
      case "status":
        this.#badge.figures(news.status);
        return;
      case "trace":
        this.#trace.add(news.trace);
        return;
      case "notice":
        this.#sayNotice(news.message);
    }
  }

  #connection(news: ConnectionNews): void {
    const { dataset } = document.documentElement;
    this.#note.say(news);
    this.element.dataset.phase = news.phase;
    if (news.phase === "connected") {
      this.#everConnected = true;
      this.#monitor = news.monitor;
      this.#badge.monitor(news.monitor);
      this.#stage.open(news.monitor);
      dataset.connection = "connected";
      return;
    }
    this.#keyboard?.forget();
    this.#pointer?.forget();
    if (news.phase === "ended") dataset.connection = news.reason === "moved" ? "moved" : "ended";
    else dataset.connection = this.#everConnected ? "reconnecting" : "connecting";
  }

  #cursor(cursor: AgentMessageOf<"cursor">): void {
    const { canvas, ghost } = this.#stage;
    if (cursor.png === null) {
      canvas.style.cursor = "none";
      ghost.removeAttribute("src");
      ghost.hidden = true;
      return;
    }
    const url = `data:image/png;base64,${cursor.png}`;
    // A hot spot outside the picture would make browsers drop the whole rule.
    const hotX = Math.max(0, Math.min(cursor.width - 1, cursor.hot_x));
    const hotY = Math.max(0, Math.min(cursor.height - 1, cursor.hot_y));
    canvas.style.cursor = `url("${url}") ${hotX} ${hotY}, default`;
    ghost.src = url;
    ghost.dataset.hotX = String(hotX);
    ghost.dataset.hotY = String(hotY);
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
    this.#link?.watch(this.#badge.open, this.#trace.open);
  }

  #release(): void {
    const keys = this.#keyboard?.forget() === true;
    const buttons = this.#pointer?.forget() === true;
    if (keys || buttons) this.#link?.act({ type: "release" });
  }

  // ── what the person sees ─────────────────────────────────────────────────────────────────────────────────────────────────────

  #showTools(): void {
    this.#toolbar.show({
      actual: this.#view.mode === "actual",
      fullscreen: document.fullscreenElement !== null,
      keyboard: this.#softKeyboard,
      trace: this.#trace.open,
    });
  }

  #redraw(): void {
    document.documentElement.lang = texts().settings.language === "View in English" ? "ko" : "en";
    this.#toolbar.redraw();
    this.#badge.redraw();
    this.#note.redraw();
  }

  #focus(): void {
    this.#stage.field.focus({ preventScroll: true });
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

  #setSoftKeyboard(on: boolean): void {
    this.#softKeyboard = on;
    const { field } = this.#stage;
    field.blur();
    field.inputMode = on || !this.#touchFirst ? "text" : "none";
    this.#focus();
    this.#showTools();
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
