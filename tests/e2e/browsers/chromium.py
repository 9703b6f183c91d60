"""Headless Chromium, controlled by Playwright."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from playwright.sync_api import Browser as PlaywrightBrowser
from playwright.sync_api import BrowserContext, CDPSession, ConsoleMessage, Page, Playwright, sync_playwright
from playwright.sync_api import Error as PlaywrightError

from benchmarks.links.network import SERVER_ADDRESS
from tests.e2e.browsers import hangul
from tests.e2e.browsers.browser import CALL_TIMEOUT_S, CLICK_S, Browser, BrowserError, Button

T = TypeVar("T")

EXECUTABLE = "/usr/bin/chromium"
#: The same engine without the browser's own window. It starts with a third of the work; it installs no pages.
HEADLESS_SHELL = "/usr/bin/chromium-headless-shell"
#: Addresses that the browser may reach: this host, and the server in a network that a test creates.
SERVERS = ("127.0.0.1", SERVER_ADDRESS)
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--force-color-profile=srgb",
    # WebRTC works within this host, without revealing its addresses to the network.
    "--allow-loopback-in-peer-connection",
    "--ignore-certificate-errors",  # also for TURN; Playwright's option applies to pages only
    "--disable-features=WebRtcHideLocalIpsWithMdns",
    "--host-resolver-rules=" + ", ".join(["MAP * ~NOTFOUND", *(f"EXCLUDE {host}" for host in SERVERS)]),
)
#: Wheel distance of one notch, CSS px.
NOTCH_PX = 120
#: Code of a key that US keyboards lack.
FOREIGN_CODE = "IntlBackslash"
#: Playwright's names of the mouse buttons.
BUTTONS: dict[Button, Any] = {Button.LEFT: "left", Button.MIDDLE: "middle", Button.RIGHT: "right"}
#: Buttons that Playwright does not have: their names in DevTools and their bits in `MouseEvent.buttons`.
SIDE_BUTTONS = {Button.BACK: ("back", 8), Button.FORWARD: ("forward", 16)}


class ChromiumProcess:
    """A running Chromium. Each `Chromium` that uses it has its own cookies, storage and permissions.

    Only the clipboard is the same for all of them. Playwright has a thread of its own, because its blocking
    interface keeps an event loop running, which would disturb asynchronous tests of the same run.
    """

    def __init__(self, flags: Sequence[str] = (), *, executable: str = EXECUTABLE) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="playwright")
        self._playwright: Playwright
        self.browser: PlaywrightBrowser
        self.run(lambda: self._start(executable, [*FLAGS, *flags]))

    def _start(self, executable: str, flags: list[str]) -> None:
        self._playwright = sync_playwright().start()
        self.browser = self._playwright.chromium.launch(executable_path=executable, args=flags)

    @property
    def running(self) -> bool:
        return self.browser.is_connected()

    def run(self, call: Callable[[], T]) -> T:
        """Runs a call that uses Playwright in its thread."""
        try:
            return self._thread.submit(call).result(CALL_TIMEOUT_S + 10)
        except PlaywrightError as error:
            raise BrowserError(str(error)) from error

    def close(self) -> None:
        def work() -> None:
            self.browser.close()
            self._playwright.stop()

        self.run(work)
        self._thread.shutdown()


class Chromium(Browser):
    """One window of a Chromium process."""

    engine = "chromium"
    #: Command-line options that its process needs beside the usual ones.
    process_flags: tuple[str, ...] = ()

    def __init__(
        self, log_folder: Path, *, width_px: int, height_px: int, process: ChromiumProcess | None = None
    ) -> None:
        """Without a running `process` it starts one, which ends with it."""
        self._own_process = ChromiumProcess(self.process_flags) if process is None else None
        self._console: list[str] = []
        self._closed = False
        self._context: BrowserContext
        self.page: Page
        self.cdp: CDPSession
        running = process or self._own_process
        assert running is not None
        self._process = running
        self.run(lambda: self._open_window(width_px, height_px))

    def _open_window(self, width_px: int, height_px: int) -> None:
        self._context = self._new_context(width_px, height_px)
        self._context.set_default_timeout(CALL_TIMEOUT_S * 1000)
        self._control(self._context.new_page())

    def _new_context(self, width_px: int, height_px: int) -> BrowserContext:
        return self._process.browser.new_context(
            ignore_https_errors=True, viewport={"width": width_px, "height": height_px}, locale="en-US"
        )

    def _control(self, page: Page) -> None:
        self.page = page
        page.on("console", self._on_console)
        page.on("pageerror", lambda error: self._console.append(f"uncaught: {error}"))
        self.cdp = page.context.new_cdp_session(page)

    def _on_console(self, message: ConsoleMessage) -> None:
        self._console.append(f"{message.type}: {message.text}")

    @property
    def running(self) -> bool:
        return self._process.running

    def run(self, call: Callable[[], T]) -> T:
        """Runs a call that uses `page` or `cdp` in Playwright's thread."""
        return self._process.run(call)

    def open(self, url: str) -> None:
        self.run(lambda: self.page.goto(url))

    def evaluate(self, body: str) -> Any:
        script = f"async () => JSON.stringify((await (async () => {{ {body}\n }})()) ?? null)"
        return json.loads(self.run(lambda: self.page.evaluate(script)))

    def move(self, x: float, y: float) -> None:
        self.run(lambda: self.page.mouse.move(x, y))

    def press(self, button: Button = Button.LEFT) -> None:
        self.run(lambda: self.page.mouse.down(button=BUTTONS[button]))

    def release(self, button: Button = Button.LEFT) -> None:
        self.run(lambda: self.page.mouse.up(button=BUTTONS[button]))

    def click(self, x: float, y: float, button: Button = Button.LEFT, count: int = 1) -> None:
        if button in SIDE_BUTTONS:
            self._side_click(x, y, *SIDE_BUTTONS[button])
            return
        self.run(
            lambda: self.page.mouse.click(
                x, y, button=BUTTONS[button], click_count=count, delay=1000 * CLICK_S
            )
        )

    def _side_click(self, x: float, y: float, name: str, bit: int) -> None:
        def work() -> None:
            self.page.mouse.move(x, y)
            for kind, held in (("mousePressed", bit), ("mouseReleased", 0)):
                event = {"type": kind, "x": x, "y": y, "button": name, "buttons": held, "clickCount": 1}
                self.cdp.send("Input.dispatchMouseEvent", event)

        self.run(work)

    def wheel(self, x: float, y: float, notches: int) -> None:
        def turn() -> None:
            self.page.mouse.move(x, y)
            for _ in range(abs(notches)):
                self.page.mouse.wheel(0, NOTCH_PX if notches > 0 else -NOTCH_PX)

        self.run(turn)

    def key_down(self, key: str) -> None:
        if key.isascii():
            self.run(lambda: self.page.keyboard.down(key))
        else:
            self._foreign_key("keyDown", key)

    def key_up(self, key: str) -> None:
        if key.isascii():
            self.run(lambda: self.page.keyboard.up(key))
        else:
            self._foreign_key("keyUp", key)

    def _foreign_key(self, kind: str, key: str) -> None:
        """Sends a key of another layout, which a US keyboard lacks."""
        event = {"type": kind, "key": key, "code": FOREIGN_CODE}
        if kind == "keyDown":
            event["text"] = key
        self.run(lambda: self.cdp.send("Input.dispatchKeyEvent", event))

    def compose(self, word: str) -> None:
        """Types as with an input method: each key is a keydown with key code 229 and a new composition."""

        def work() -> None:
            for syllable in word:
                for step in hangul.steps(syllable):
                    self._input_method_key("rawKeyDown")
                    self.cdp.send(
                        "Input.imeSetComposition",
                        {"text": step, "selectionStart": len(step), "selectionEnd": len(step)},
                    )
                    self._input_method_key("keyUp")
                self.cdp.send("Input.insertText", {"text": syllable})

        self.run(work)

    def _input_method_key(self, kind: str) -> None:
        self.cdp.send(
            "Input.dispatchKeyEvent",
            {"type": kind, "key": "Process", "code": "KeyG", "windowsVirtualKeyCode": 229},
        )

    def lose_focus(self) -> None:
        """A headless window always has the focus, so the page receives an artificial event."""
        self.evaluate("dispatchEvent(new Event('blur'))")

    def regain_focus(self) -> None:
        self.evaluate("dispatchEvent(new Event('focus'))")

    def screenshot(self, path: Path | None = None) -> bytes:
        return self.run(lambda: self.page.screenshot(path=path))

    def resize(self, width_px: int, height_px: int) -> None:
        self.run(lambda: self.page.set_viewport_size({"width": width_px, "height": height_px}))

    def console(self) -> list[str]:
        self.run(lambda: self.page.evaluate("0"))  # Playwright delivers events while it waits for an answer
        return list(self._console)

    def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        if self._own_process is not None:
            self._own_process.close()
        else:
            self.run(self._context.close)
