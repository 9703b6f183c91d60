"""Chromium with a visible window on its own X server, so that it receives the keys of real devices."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from playwright.sync_api import BrowserContext, ConsoleMessage, Page, Playwright, sync_playwright
from playwright.sync_api import Error as PlaywrightError

from tests.e2e.browsers.browser import CALL_TIMEOUT_S, BrowserError
from tests.e2e.browsers.chromium import EXECUTABLE, FLAGS
from tests.e2e.browsers.x_browser import XBrowser

T = TypeVar("T")


class ChromiumOnX(XBrowser):
    """Playwright opens pages and reads them; mouse and keys come from the X server."""

    engine = "chromium"

    def __init__(self, log_folder: Path, *, width_px: int, height_px: int, input_method: bool = True) -> None:
        self._profile = Path(tempfile.mkdtemp(prefix="lightbox-chromium-"))
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="playwright")
        self._console: list[str] = []
        self._playwright: Playwright | None = None
        self._context: BrowserContext
        self.page: Page
        log = log_folder / "chromium-on-x.log"
        super().__init__(log, self._profile, width_px, height_px, input_method=input_method)
        try:
            self.run(self._start)
            self.resize(width_px, height_px)
        except BaseException:
            self.close()
            raise

    def _start(self) -> None:
        self._playwright = sync_playwright().start()
        self._context = self._playwright.chromium.launch_persistent_context(
            self._profile / "profile",
            executable_path=EXECUTABLE,
            headless=False,
            args=[*FLAGS, "--ozone-platform=x11"],
            env=dict(self.environment),
            ignore_https_errors=True,
            no_viewport=True,
            locale="en-US",
        )
        self._context.set_default_timeout(CALL_TIMEOUT_S * 1000)
        self.page = self._context.pages[0]
        self.page.on("console", self._on_console)
        self.page.on("pageerror", lambda error: self._console.append(f"uncaught: {error}"))

    def _on_console(self, message: ConsoleMessage) -> None:
        self._console.append(f"{message.type}: {message.text}")

    def run(self, call: Callable[[], T]) -> T:
        """Runs a call that uses `page` in Playwright's thread."""
        try:
            return self._thread.submit(call).result(CALL_TIMEOUT_S + 10)
        except PlaywrightError as error:
            raise BrowserError(str(error)) from error

    def navigate(self, url: str) -> None:
        self.run(lambda: self.page.goto(url))

    def evaluate(self, body: str) -> Any:
        script = f"async () => JSON.stringify((await (async () => {{ {body}\n }})()) ?? null)"
        return json.loads(self.run(lambda: self.page.evaluate(script)))

    def screenshot(self, path: Path | None = None) -> bytes:
        return self.run(lambda: self.page.screenshot(path=path))

    def console(self) -> list[str]:
        return list(self._console)

    def close(self) -> None:
        if self._playwright is not None:
            playwright, self._playwright = self._playwright, None

            def work() -> None:
                self._context.close()
                playwright.stop()

            try:
                self.run(work)
            except BrowserError as error:  # its X server is stopped below, which ends it
                print(f"Chromium did not close: {error}")
            self._thread.shutdown()
        super().close()
        shutil.rmtree(self._profile, ignore_errors=True)
