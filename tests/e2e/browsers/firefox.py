"""Unmodified Firefox, controlled by WebDriver BiDi directly over its WebSocket."""

from __future__ import annotations

import base64
import itertools
import json
import os
import re
import shutil
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from websockets.sync.client import ClientConnection, connect

from benchmarks.links.network import SERVER_ADDRESS
from tests.e2e.browsers.browser import CALL_TIMEOUT_S, BrowserError
from tests.e2e.browsers.touch import LONG_PRESS_LIMIT_S, Touches, TouchInput, actions, within
from tests.e2e.browsers.x_browser import XBrowser
from tests.e2e.processes import Program, wait_for

EXECUTABLE = "firefox-esr"
#: How long Firefox may take to start, s.
START_TIMEOUT_S = 120.0
#: Nothing is requested from the internet: pages come from this host, all else goes to a proxy that does not
#: exist.
PREFERENCES: dict[str, bool | int | str] = {
    # Firefox's recommended settings for tests ignore the X server's focus, and so input methods.
    "remote.prefs.recommended": False,
    "app.update.enabled": False,
    # A test that opens another address is not asked whether it wants to leave the desktop.
    "dom.disable_beforeunload": True,
    "browser.aboutwelcome.enabled": False,
    "browser.newtabpage.enabled": False,
    "browser.safebrowsing.malware.enabled": False,
    "browser.safebrowsing.phishing.enabled": False,
    "browser.sessionstore.resume_from_crash": False,
    "browser.startup.page": 0,
    "browser.uitour.enabled": False,
    # Firefox ignores clicks directly after a page was shown; a test clicks sooner than a person.
    "dom.input_events.security.minNumTicks": 0,
    "dom.input_events.security.minTimeElapsedInMS": 0,
    "dom.disable_open_during_load": False,
    "extensions.getAddons.cache.enabled": False,
    "media.gmp-manager.updateEnabled": False,
    "signon.rememberSignons": False,
    "services.settings.server": "http://127.0.0.1:9/",
    "termsofuse.bypassNotification": True,
    "toolkit.telemetry.enabled": False,
    "network.proxy.type": 1,
    "network.proxy.http": "127.0.0.1",
    "network.proxy.http_port": 9,
    "network.proxy.ssl": "127.0.0.1",
    "network.proxy.ssl_port": 9,
    "network.proxy.no_proxies_on": f"127.0.0.1,{SERVER_ADDRESS}",
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "browser.shell.checkDefaultBrowser": False,
    "browser.startup.homepage_override.mstone": "ignore",
    "datareporting.policy.dataSubmissionEnabled": False,
    "layout.css.devPixelsPerPx": "1.0",
    "browser.tabs.inTitlebar": 0,
    "ui.prefersReducedMotion": 1,
}


class Firefox(XBrowser, TouchInput):
    """Sends one BiDi command at a time and waits for its answer; events in between are kept."""

    engine = "firefox"

    def __init__(
        self,
        log_folder: Path,
        *,
        width_px: int,
        height_px: int,
        touch: bool = False,
        input_method: bool = True,
        preferences: Mapping[str, bool | int | str] | None = None,
    ) -> None:
        """`touch` emulates a touch screen; `preferences` are settings of Firefox beside the usual ones."""
        self._profile = Path(tempfile.mkdtemp(prefix="lightbox-firefox-"))
        self._console: list[str] = []
        self._prompts: list[str] = []
        self._fingers: Touches = {}
        self._numbers = itertools.count(1)
        self._open = ExitStack()
        self._socket: ClientConnection | None = None
        # Each process has its own log, because the address is read from it.
        log = log_folder / f"firefox-{os.getpid()}.log"
        super().__init__(log, self._profile, width_px, height_px, input_method=input_method)
        lines = [
            f"user_pref({json.dumps(name)}, {json.dumps(value)});"
            for name, value in {
                **PREFERENCES,
                "dom.w3c_touch_events.enabled": int(touch),
                **(preferences or {}),
            }.items()
        ]
        (self._profile / "user.js").write_text("\n".join(lines))
        arguments = [
            "--no-remote",
            "--profile",
            str(self._profile),
            "--remote-debugging-port",
            "0",
            "about:blank",
        ]
        self._program = Program([EXECUTABLE, *arguments], log=log, env=self.environment)
        self._programs.append(self._program)
        try:
            self._start(width_px, height_px)
        except BaseException:
            self.close()
            raise

    def _start(self, width_px: int, height_px: int) -> None:
        def address() -> str | None:
            assert self._program.running, f"Firefox ended:\n{self._program.log_tail()}"
            found = re.search(
                r"WebDriver BiDi listening on (ws://127\.0\.0\.1:\d+)", self._program.log.read_text()
            )
            return found and found.group(1)

        base = wait_for(address, timeout_s=START_TIMEOUT_S, what="Firefox's BiDi address")
        self._socket = self._open.enter_context(
            connect(f"{base}/session", max_size=None, compression=None, proxy=None)
        )
        # By itself the driver accepts the question whether to leave a page.
        wanted = {"acceptInsecureCerts": True, "unhandledPromptBehavior": {"beforeUnload": "ignore"}}
        self.send("session.new", {"capabilities": {"alwaysMatch": wanted}})
        self.send("session.subscribe", {"events": ["log.entryAdded", "browsingContext.userPromptOpened"]})
        tree = self.send("browsingContext.getTree", {"maxDepth": 0})
        self._context: str = tree["contexts"][0]["context"]
        self.resize(width_px, height_px)

    @property
    def context(self) -> str:
        """BiDi's name of the page's tab."""
        return self._context

    def send(self, method: str, parameters: dict[str, Any]) -> Any:
        """Sends a BiDi command and returns its result. Raises BrowserError with Firefox's message."""
        assert self._socket is not None
        number = next(self._numbers)
        deadline = time.monotonic() + CALL_TIMEOUT_S
        self._socket.send(json.dumps({"id": number, "method": method, "params": parameters}))
        while True:
            try:
                message = json.loads(self._socket.recv(max(0.0, deadline - time.monotonic())))
            except TimeoutError as error:
                raise BrowserError(f"{method} was not answered in {CALL_TIMEOUT_S:g} s") from error
            if message.get("type") == "event":
                self._on_event(message["method"], message["params"])
            elif message.get("id") == number:
                if message["type"] == "error":
                    raise BrowserError(f"{method}: {message['error']}: {message['message']}")
                return message["result"]

    def _on_event(self, method: str, parameters: dict[str, Any]) -> None:
        if method == "log.entryAdded":
            kind = "uncaught" if parameters.get("type") == "javascript" else parameters.get("level")
            self._console.append(f"{kind}: {parameters.get('text')}")
        elif method == "browsingContext.userPromptOpened":
            self._prompts.append(parameters["type"])

    def navigate(self, url: str) -> None:
        self.send("browsingContext.navigate", {"context": self._context, "url": url, "wait": "complete"})

    def evaluate(self, body: str) -> Any:
        return self._evaluate(body, gesture=False)

    def evaluate_in_gesture(self, body: str) -> Any:
        """Runs `body` as if the person had just clicked, so that the page may write the clipboard."""
        return self._evaluate(body, gesture=True)

    def _evaluate(self, body: str, *, gesture: bool) -> Any:
        answer = self.send(
            "script.callFunction",
            {
                "functionDeclaration": (
                    f"async () => JSON.stringify((await (async () => {{ {body}\n }})()) ?? null)"
                ),
                "target": {"context": self._context},
                "awaitPromise": True,
                "userActivation": gesture,
            },
        )
        if answer["type"] == "exception":
            raise BrowserError(answer["exceptionDetails"]["text"])
        return json.loads(answer["result"]["value"])

    def screenshot(self, path: Path | None = None) -> bytes:
        answer = self.send(
            "browsingContext.captureScreenshot", {"context": self._context, "origin": "viewport"}
        )
        png = base64.b64decode(answer["data"])
        if path is not None:
            path.write_bytes(png)
        return png

    def touch(self, fingers: Touches) -> None:
        """Updates one finger at a time: of several new fingers in one event Firefox uses only the first."""
        for number in sorted(self._fingers.keys() | fingers.keys()):
            before = {n: place for n, place in self._fingers.items() if n == number}
            after = {n: place for n, place in fingers.items() if n == number}
            if before != after:
                parameters = {"context": self._context, "actions": actions(before, after)}
                self.send("input.performActions", parameters)
        self._fingers = dict(fingers)

    def tap_together(self, places: Sequence[tuple[float, float]], hold_ms: int = 60) -> None:
        """Taps with several fingers in one command. With `touch`, a busy host could separate them."""
        one = [actions({}, {0: place})[0]["actions"] for place in places]
        ticks = 2 * len(places) + 1
        sources = []
        for number, down in enumerate(one):
            steps: list[Any] = [{"type": "pause", "duration": 0} for _ in range(ticks + len(places))]
            steps[2 * number : 2 * number + 2] = down
            steps[ticks - 1] = {"type": "pause", "duration": hold_ms}
            steps[ticks + number] = {"type": "pointerUp", "button": 0}
            touch = {"pointerType": "touch"}
            sources.append(
                {"type": "pointer", "id": f"finger {number + 1}", "parameters": touch, "actions": steps}
            )
        with within(LONG_PRESS_LIMIT_S):
            self.send("input.performActions", {"context": self._context, "actions": sources})

    def prompts(self) -> list[str]:
        """Returns the types of the browser's own questions that were opened, for example `beforeunload`."""
        # Earlier events arrive before the answer, which a question in a page does not delay.
        self.send("browsingContext.getTree", {"maxDepth": 0})
        return list(self._prompts)

    def answer_prompt(self, *, accept: bool) -> None:
        """Answers the browser's own question that is open."""
        self.send("browsingContext.handleUserPrompt", {"context": self._context, "accept": accept})

    def console(self) -> list[str]:
        self.evaluate("return 0")  # earlier events arrive before the answer
        return list(self._console)

    def close(self) -> None:
        self._open.close()
        super().close()
        shutil.rmtree(self._profile, ignore_errors=True)
