"""WebKitGTK's MiniBrowser on its own X server, controlled by WebDriver directly over HTTP."""

from __future__ import annotations

import base64
import json
import os
import shutil
import tempfile
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from tests.e2e.browsers.browser import CALL_TIMEOUT_S, BrowserError
from tests.e2e.browsers.x_browser import XBrowser
from tests.e2e.processes import Program, free_port, wait_for

DRIVER = "WebKitWebDriver"
LIBRARIES = Path("/usr/lib")
#: How long driver and browser may take to start, s.
START_TIMEOUT_S = 90.0
#: Keeps a page from asking before it is left.
NEVER_ASK = "addEventListener('beforeunload', (event) => event.stopImmediatePropagation(), { capture: true })"


def minibrowser() -> Path:
    """Returns MiniBrowser's path: Debian installs it beside the library. Raises BrowserError."""
    for found in sorted(LIBRARIES.glob("*/webkit2gtk-4.*/MiniBrowser")):
        return found
    raise BrowserError("MiniBrowser is missing: apt-get install webkit2gtk-driver")


class WebKit(XBrowser):
    """The engine closest to Safari that runs on Linux. Its driver gives no access to the console."""

    engine = "webkit"

    def __init__(self, log_folder: Path, *, width_px: int, height_px: int, input_method: bool = True) -> None:
        self._home = Path(tempfile.mkdtemp(prefix="lightbox-webkit-"))
        self._base = ""
        log = log_folder / f"webkit-{os.getpid()}.log"
        super().__init__(log, self._home, width_px, height_px, input_method=input_method)
        try:
            self._start(log, width_px, height_px)
        except BaseException:
            self.close()
            raise

    def _start(self, log: Path, width_px: int, height_px: int) -> None:
        port = free_port()
        environment = {**self.environment, "WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS": "1"}
        driver = Program([DRIVER, "--host=127.0.0.1", f"--port={port}"], log=log, env=environment)
        self._programs.append(driver)
        base = f"http://127.0.0.1:{port}"

        def ready() -> bool:
            assert driver.running, f"WebKitWebDriver ended:\n{driver.log_tail()}"
            try:
                return bool(self._request("GET", f"{base}/status")["ready"])
            except OSError:
                return False

        wait_for(ready, timeout_s=START_TIMEOUT_S, what="WebKitWebDriver's readiness")
        options = {"binary": str(minibrowser()), "args": ["--automation"]}
        session = self._request(
            "POST",
            f"{base}/session",
            {
                "capabilities": {
                    "alwaysMatch": {"acceptInsecureCerts": True, "webkitgtk:browserOptions": options}
                }
            },
        )
        self._base = f"{base}/session/{session['sessionId']}"
        limit_ms = int(CALL_TIMEOUT_S * 1000)
        self.send("POST", "timeouts", {"script": limit_ms, "pageLoad": limit_ms})
        self.resize(width_px, height_px)

    def _request(self, method: str, url: str, body: dict[str, Any] | None = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(url, data, {"Content-Type": "application/json"}, method=method)
        try:
            with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(
                request, timeout=CALL_TIMEOUT_S + 10
            ) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            value = json.load(error)["value"]
            raise BrowserError(f"{url.rpartition('/')[2]}: {value['error']}: {value['message']}") from error

    def send(self, method: str, command: str, body: dict[str, Any] | None = None) -> Any:
        """Sends a WebDriver command of this session. Raises BrowserError with the driver's message."""
        return self._request(method, f"{self._base}/{command}", body)

    def navigate(self, url: str) -> None:
        # WebKit would ask whether the test wants to leave the desktop, and has no setting against it.
        self.evaluate(NEVER_ASK)
        self.send("POST", "url", {"url": url})

    def evaluate(self, body: str) -> Any:
        script = f"return (async () => JSON.stringify((await (async () => {{ {body}\n }})()) ?? null))()"
        return json.loads(self.send("POST", "execute/sync", {"script": script, "args": []}))

    def screenshot(self, path: Path | None = None) -> bytes:
        png = base64.b64decode(self.send("GET", "screenshot"))
        if path is not None:
            path.write_bytes(png)
        return png

    def console(self) -> list[str]:
        return []

    def close(self) -> None:
        if self._base:
            base, self._base = self._base, ""
            try:
                self._request("DELETE", base)
            except (OSError, BrowserError) as error:  # the driver is killed below anyway
                print(f"WebKit did not end its session: {error}")
        super().close()
        shutil.rmtree(self._home, ignore_errors=True)
