/** The page that shows a desktop. `viewerPage` creates the parts and connects them; no part knows the page. */

import { PageClipboard } from "../../clipboard/page_clipboard.ts";
import { isIsolated, restartDisplay, screenLocked } from "../../gateway/gateway_client.ts";
import { NoticeCode } from "../../protocol/generated/wire_facts.ts";
import type { ConnectionState } from "../../worker/messages.ts";
import { h } from "../dom.ts";
import { askToEndByName } from "../end_desktop_dialog.ts";
import { leaveFullscreen, toggleFullscreen, unlockKeyboard } from "../fullscreen.ts";
import type { ScreenLock } from "../lock/screen_lock.ts";
import type { Page } from "../page.ts";
import { messagesChanged } from "../person_messages/person_messages.ts";
import { fingerSettings, language, setFingerSettings, setTouchMode, touchMode } from "../preferences.ts";
import type { SignInReason } from "../sign_out.ts";
import { texts } from "../texts.ts";
import { BackGuard } from "./back_guard.ts";
import { ClipboardChip } from "./clipboard_chip.ts";
import { CompositionPreview } from "./composition_preview.ts";
import { ConnectionNotice, type ConnectionSteps } from "./connection_notice.ts";
import { ConnectionStatus } from "./connection_status.ts";
import { FingerTools } from "./finger_tools.ts";
import { GestureHelp } from "./gesture_help.ts";
import { MonitorView, type PointerListener, TOUCH_FIRST } from "./monitor_view.ts";
import { MonitorControls, type MonitorNavigation } from "./monitors/monitor_controls.ts";
import { ShownMonitors } from "./monitors/shown_monitors.ts";
import { askBeforeUnload, watchPageLifecycle } from "./page_lifecycle.ts";
import { SoftKeyboard } from "./soft_keyboard.ts";
import { Toast } from "./toast.ts";
import { Toolbar, type ToolbarCommand } from "./toolbar.ts";
import { TraceOverlay } from "./trace_overlay.ts";
import { unsupportedPage } from "./unsupported_page.ts";
import { type ViewerEvent, ViewerWorker } from "./viewer_worker.ts";
import { Viewport } from "./viewport.ts";
import { WakeLock } from "./wake_lock.ts";
import { WindowInput } from "./window_input.ts";

export interface ViewerOptions {
  readonly desktop: string;
  /** The monitor's number, from 0. */
  readonly monitor: number;
  /** The monitor takes this window's size, whatever the person chose. */
  readonly fitWindow: boolean;
  /** Two monitors are shown side by side where there is room. */
  readonly split: boolean;
  readonly showDesktopList: () => void;
  /** Shows another monitor in this window. */
  readonly showMonitor: (monitor: number) => void;
  /** Remembers for the next page whether two monitors are shown. */
  readonly rememberSplit: (on: boolean) => void;
  readonly signedOut: (reason: SignInReason) => void;
  readonly signOut: () => void;
  readonly lock: () => void;
  readonly screen: ScreenLock;
}

export function viewerPage(options: ViewerOptions): Page {
  const { desktop, monitor } = options;
  const viewport = new Viewport(monitor, { surface: texts().surface(desktop), field: texts().field });
  let worker: ViewerWorker;
  try {
    worker = new ViewerWorker(desktop, monitor, viewport.canvas);
  } catch (error) {
    viewport.close();
    return unsupportedPage(options, String(error));
  }
  return composePage(options, viewport, worker);
}

function composePage(options: ViewerOptions, viewport: Viewport, worker: ViewerWorker): Page {
  const { desktop, monitor } = options;
  const element = h("main", { class: "viewer" }, h("h1", { class: "sr-only" }, desktop));
  const abort = new AbortController();
  const { signal } = abort;
  let changingMonitor = false;
  let phase: ConnectionState["phase"] = "connecting";

  // ── what the person sees besides the monitors ──────────────────────────────────────────────────────────────────

  const toast = new Toast();
  const trace = new TraceOverlay();
  const preview = new CompositionPreview(viewport);
  const wakeLock = new WakeLock();
  /** Gives the keyboard to the desktop; after the end of the connection, to the step that is offered. */
  const focusDesktop = (): void => {
    const step = phase === "ended" ? notice.element.querySelector("button") : null;
    if (step === null) viewport.focusField();
    else step.focus();
  };
  const guard = new BackGuard(options.showDesktopList, focusDesktop);

  // ── clipboard and keyboard ─────────────────────────────────────────────────────────────────────────────────────

  const clipboardPeers = new BroadcastChannel(`lightbox clipboard ${desktop}`);
  const clipboard = new PageClipboard(
    worker,
    {
      offerChanged: (format) => chip.show(format !== null),
      notify: (notice) => toast.show(texts().messages.clipboard[notice]),
    },
    clipboardPeers,
  );
  const chip = new ClipboardChip(() => clipboard.copyOffered());
  const input = new WindowInput(viewport.field, worker, clipboard, preview);

  // ── the monitors that the window shows ─────────────────────────────────────────────────────────────────────────

  const pointerListener: PointerListener = {
    surfacePressed: (event) => {
      toolbar.fold();
      fingers.fold();
      // A finger on the surface must not raise the soft keyboard; its button does.
      if (event.pointerType !== "touch") focusDesktop();
    },
    syncModifiers: (event) => input.syncModifiers(event),
    controlHeld: () => input.controlHeld,
    relativeMouseSeen: () => toast.show(texts().messages.relativeMouse),
  };
  const navigation: MonitorNavigation = {
    showMonitor: (number) => {
      // The next page shows the monitor in the same window, which stays full screen.
      changingMonitor = true;
      options.showMonitor(number);
    },
    rememberSplit: options.rememberSplit,
  };
  const steps: ConnectionSteps = {
    reconnect: () => shown.reconnect(true),
    showDesktopList: options.showDesktopList,
    signIn: () => options.signedOut("expired"),
    showFirstMonitor: () => navigation.showMonitor(0),
    restartDisplay: () =>
      void restartDisplay(desktop).then((answer) => {
        if (!answer.ok) toast.show(texts().messages.restartFailed);
      }),
    endDesktop: () =>
      void askToEndByName(desktop).then((ending) => {
        if (ending === "restart") navigation.showMonitor(monitor);
        else if (ending === "end") options.showDesktopList();
        else focusDesktop();
      }),
  };
  const shown = new ShownMonitors();
  const fingers = new FingerTools(fingerSettings(desktop), matchMedia(TOUCH_FIRST).matches, signal);
  shown.setFinger(fingers.settings);
  const view = new MonitorView(monitor, viewport, worker, input.sink, shown, pointerListener);
  const monitors = new MonitorControls(
    {
      desktop,
      monitor,
      fitWindow: options.fitWindow,
      split: options.split,
      page: element,
      sinkFor: (connection) => input.sinkFor(connection),
      navigation,
      steps,
    },
    shown,
    worker,
    toast,
    pointerListener,
  );
  const gestures = new GestureHelp(
    touchMode(),
    fingers.settings.tool,
    (mode) => {
      setTouchMode(mode);
      shown.setTouchMode(mode);
    },
    focusDesktop,
  );
  const softKeyboard = new SoftKeyboard(element, viewport, input.keyBar, shown, signal);
  const notice = new ConnectionNotice(steps);
  const status = new ConnectionStatus(element, notice, () => options.screen.limits.blankMs);
  const toolbar = new Toolbar(view.badge, desktop, monitors.strip.element);

  // ── connections between the parts ──────────────────────────────────────────────────────────────────────────────

  /** Releases everything that is held, here and on the desktop. */
  const releaseInput = (): void => {
    const buttons = view.pointer.forget();
    if (input.forget() || buttons) worker.send({ type: "release" });
    monitors.release();
  };
  const updateToolbar = (): void =>
    toolbar.show({
      actual: viewport.state.mode === "actual",
      fullscreen: document.fullscreenElement !== null,
      keyboard: softKeyboard.keyBarOpen,
      trace: trace.open,
      paste: clipboard.canPaste,
    });
  const redraw = (): void => {
    document.documentElement.lang = language();
    toolbar.redraw();
    shown.redraw();
    notice.redraw();
    input.keyBar.redraw();
    trace.redraw();
    fingers.redraw();
    if (gestures.open) gestures.redraw();
    monitors.redraw();
    updateTitle();
  };
  /** The display stays on while the desktop is shown to somebody who uses it. */
  const updateWakeLock = (): void => wakeLock.setWanted(phase !== "ended" && options.screen.state === "open");
  const updateTitle = (): void => {
    document.title = `${monitors.title} · ${texts().product}`;
  };
  const onEvent = (event: ViewerEvent): void => {
    monitors.handle(event);
    switch (event.kind) {
      case "layout":
        updateTitle();
        return;
      case "connection":
        phase = event.state.phase;
        status.show(event.state);
        if (phase === "ended") {
          focusDesktop();
          messagesChanged.emit(); // what was said of this desktop is over
        }
        if (event.state.phase === "ended" && event.state.reason === "locked") screenLocked.emit();
        updateWakeLock();
        if (event.state.phase === "connected") return;
        clipboard.disconnected();
        // Modifiers that are forgotten here must not be pressed again on the next connection.
        if (input.forget()) worker.send({ type: "release" });
        return;
      case "caret":
        preview.place();
        return;
      case "replaced":
        toast.show(texts().messages.replaced);
        return;
      case "liveness":
        notice.setSilent(event.silent);
        for (const part of event.parts) if (part !== "x-server") toast.show(texts().messages.silentParts[part]);
        return;
      case "trace":
        trace.add(event.trace, event.roundTripMs);
        return;
      case "clipboard":
        clipboard.stateChanged(event.state);
        updateToolbar();
        return;
      case "clipboard-answer":
        clipboard.contentReceived(event.answer);
        return;
      case "notice":
        if (event.code === NoticeCode.MESSAGE_WAITING) messagesChanged.emit();
        else toast.show(texts().messages.notices[event.code] ?? event.message);
    }
  };
  const commands: Readonly<Record<ToolbarCommand, () => void>> = {
    fullscreen: () => void toggleFullscreen(true).then(focusDesktop),
    view: () => {
      const { oneToOne } = viewport.state;
      shown.setViewMode(viewport.state.mode === "actual" ? "fit" : "actual");
      if (oneToOne && viewport.state.oneToOne) toast.show(texts().messages.fits);
    },
    keyboard: () => softKeyboard.setKeyBarOpen(!softKeyboard.keyBarOpen),
    monitors: () => monitors.panel.setOpen(true),
    touch: () => gestures.setOpen(true),
    trace: () => trace.setOpen(!trace.open),
    paste: () => void clipboard.sendBrowserClipboard(),
    desktops: options.showDesktopList,
    lock: options.lock,
    signOut: options.signOut,
    language: redraw,
    focusDesktop,
  };

  worker.events.on(onEvent);
  options.screen.changed.on(() => {
    if (!signal.aborted) updateWakeLock();
  });
  toolbar.commands.on((command) => commands[command]());
  view.badge.toggled.on((open) => {
    if (open) void isIsolated(desktop).then((isolated) => isolated !== null && view.badge.setIsolated(isolated));
  });
  viewport.changes.on(updateToolbar);
  trace.toggled.on((open) => {
    worker.watchTrace(open);
    updateToolbar();
    if (!open) focusDesktop();
  });
  document.addEventListener("fullscreenchange", updateToolbar, { signal });
  monitors.panel.closed.on(focusDesktop);
  monitors.desktopReturned.on(() => {
    if (document.documentElement.dataset.connection === "moved") shown.reconnect(true);
  });
  fingers.chosen.on((settings) => {
    setFingerSettings(desktop, settings);
    shown.setFinger(settings);
    gestures.setTool(settings.tool);
  });
  input.keyBar.buttonChosen.on((button) => shown.setTouchButton(button));
  input.toolbarRequested.on(() => {
    releaseInput();
    toolbar.focus();
  });
  softKeyboard.closing.on(releaseInput);
  softKeyboard.changed.on(() => {
    monitors.keyboardChanged(softKeyboard.coversWindow);
    updateToolbar();
  });
  watchPageLifecycle(
    {
      inputInterrupted: releaseInput,
      networkMayHaveChanged: () => shown.reconnect(false),
      windowFocused: () => {
        const sending = clipboard.pageFocused();
        if (sending !== null) input.waitFor(sending);
        focusDesktop();
      },
    },
    signal,
  );
  askBeforeUnload(() => phase === "connected", signal);
  // A press beside the surface must not take the focus from the text field; a press on a scroll bar has its usual effect.
  viewport.element.addEventListener(
    "mousedown",
    (event) =>
      event.target !== viewport.canvas && event.offsetX < viewport.element.clientWidth && event.preventDefault(),
    { signal },
  );

  element.append(
    viewport.element,
    h("div", { class: "dimmer", attrs: { "aria-hidden": "true" } }),
    notice.element,
    toolbar.element,
    preview.element,
    trace.element,
    toast.element,
    view.magnifier.ring,
    view.magnifier.loupe,
    view.zoomChip.element,
    chip.element,
    fingers.element,
    gestures.element,
    monitors.panel.element,
    guard.element,
    input.keyBar.element,
  );
  return {
    element,
    title: desktop,
    shown: () => {
      status.start();
      focusDesktop();
      guard.arm();
      viewport.updateLayout();
    },
    back: () => guard.back(),
    close: (locked) => {
      const windowStays = changingMonitor || locked === "locked";
      if (!windowStays) monitors.leave();
      abort.abort();
      releaseInput();
      view.close();
      input.close();
      monitors.close();
      wakeLock.close();
      chip.close();
      clipboardPeers.close();
      worker.close();
      toolbar.close();
      toast.close();
      unlockKeyboard();
      if (!windowStays) leaveFullscreen();
      status.close();
    },
  };
}
