"""A browser with a visible window on its own X server, used with an X mouse and keyboard."""

from __future__ import annotations

import os
import time
from abc import abstractmethod
from pathlib import Path

from tests.e2e.browsers import hangul
from tests.e2e.browsers.browser import Browser, Button
from tests.e2e.browsers.input_method import HangulInputMethod
from tests.e2e.browsers.x_input import XInput
from tests.e2e.processes import Program, start_x_server, wait_for

#: Space around the page for the window's toolbars, px.
WINDOW_MARGIN_PX = 240
#: X11 numbers of the buttons.
NUMBERS = {Button.LEFT: 1, Button.MIDDLE: 2, Button.RIGHT: 3, Button.BACK: 8, Button.FORWARD: 9}
#: Shown while the position of the page in its window is determined.
BLANK_PAGE = "data:text/html,<title>blank</title>"
#: How long a window may take to appear or to change, s.
WINDOW_TIMEOUT_S = 90.0
#: Time that a window gets to follow a resize request, s.
RESIZE_SETTLES_S = 0.3
#: Delay after each key of a composition, s: 25 keys per second are more than any person types.
COMPOSE_INTERVAL_S = 0.03
#: Nothing is requested from the internet: pages come from this host, all else goes to a proxy that does not
#: exist.
NO_NETWORK = {
    "http_proxy": "http://127.0.0.1:9",
    "https_proxy": "http://127.0.0.1:9",
    "no_proxy": "127.0.0.1",
}


class XBrowser(Browser):
    """Owns the X server and its input devices.

    Subclasses start the engine in `environment` and call `resize`.
    """

    def __init__(
        self, log: Path, home: Path, width_px: int, height_px: int, *, input_method: bool = True
    ) -> None:
        """Without an `input_method` the engine composes dead keys itself, as on most Linux desktops."""
        log.write_bytes(b"")
        self._programs: list[Program] = []
        x_server, self.display = start_x_server(
            log, width_px=width_px + WINDOW_MARGIN_PX, height_px=height_px + WINDOW_MARGIN_PX
        )
        self._programs.append(x_server)
        self._programs.append(
            Program(["openbox"], log=log, env={**os.environ, "DISPLAY": self.display, "HOME": str(home)})
        )
        self._input = XInput(self.display)
        self._left, self._top = 0, 0
        self.environment = {
            **os.environ,
            **NO_NETWORK,
            "DBUS_SESSION_BUS_ADDRESS": f"unix:path={home}/bus",
            "NO_AT_BRIDGE": "1",
            "HOME": str(home),
            "DISPLAY": self.display,
            "GDK_BACKEND": "x11",
            "LANG": "C.UTF-8",
            "MOZ_ENABLE_WAYLAND": "0",
        }
        self.environment.pop("XAUTHORITY", None)
        bus = ["dbus-daemon", "--session", "--nofork", f"--address=unix:path={home}/bus"]
        self._programs.append(
            Program(bus, log=log, env=self.environment)
        )  # otherwise GTK starts one that outlives it
        wait_for((home / "bus").exists, timeout_s=WINDOW_TIMEOUT_S, what="a message bus")
        if input_method:
            hangul_input_method = HangulInputMethod(log, home, self.environment)
            self._programs.append(hangul_input_method.program)
            self.environment = hangul_input_method.environment
        else:
            self.environment["GSETTINGS_BACKEND"] = "memory"
            for name in ("GTK_IM_MODULE", "XMODIFIERS"):
                self.environment.pop(name, None)

    @abstractmethod
    def navigate(self, url: str) -> None:
        """Navigates and returns when the page has loaded."""

    def open(self, url: str) -> None:
        self.navigate(url)
        self._focus()

    def resize(self, width_px: int, height_px: int) -> None:
        """Sizes the window so that the page has this size, and determines the page's position in it."""
        window = wait_for(
            self._input.largest_window, timeout_s=WINDOW_TIMEOUT_S, what=f"a window of {self.engine}"
        )
        self.navigate(BLANK_PAGE)
        outer = [width_px, height_px]

        def fits() -> bool:
            """Corrects the window's size by the difference; the window needs a moment to follow."""
            self._input.resize(window, *outer)
            time.sleep(RESIZE_SETTLES_S)
            inner = self.evaluate("return [innerWidth, innerHeight]")
            # Based on the actual size: on a busy host the window may not have followed yet.
            actual = self._input.size_of(window)
            outer[:] = [
                max(1, actual[0] + width_px - inner[0]),
                max(1, actual[1] + height_px - inner[1]),
            ]
            return bool(inner == [width_px, height_px])

        wait_for(fits, timeout_s=WINDOW_TIMEOUT_S, what=f"a page of {width_px}x{height_px}")
        self._input.move(width_px // 2, height_px // 2)
        self.press()
        self.release()  # at first the engine's toolbar has the focus
        self._focus()
        self.evaluate(
            "window.seen = null;"
            "addEventListener('mousemove', (e) => { seen = [e.clientX, e.clientY]; }, true)"
        )
        nudge = [outer[0] // 2, outer[1] // 2]

        def seen() -> list[int]:
            nudge[0] += 1
            self._input.move(*nudge)
            place: list[int] = self.evaluate(
                "await new Promise((done) => setTimeout(done, 50));"
                "const place = seen; seen = null; return place"
            )
            return place

        place = wait_for(seen, timeout_s=WINDOW_TIMEOUT_S, what="the page to receive the mouse")
        self._left, self._top = nudge[0] - place[0], nudge[1] - place[1]

    def _focus(self) -> None:
        def focused() -> bool:
            window = self._input.largest_window()
            if window is not None:
                self._input.focus(window)
            return bool(self.evaluate("return document.hasFocus()"))

        wait_for(focused, timeout_s=WINDOW_TIMEOUT_S, what=f"the page of {self.engine} to have the focus")

    def move(self, x: float, y: float) -> None:
        self._input.move(round(x) + self._left, round(y) + self._top)

    def press(self, button: Button = Button.LEFT) -> None:
        self._input.button(NUMBERS[button], down=True)

    def release(self, button: Button = Button.LEFT) -> None:
        self._input.button(NUMBERS[button], down=False)

    def wheel(self, x: float, y: float, notches: int) -> None:
        self.move(x, y)
        self._input.wheel(notches)

    def key_down(self, key: str) -> None:
        self._input.key(key, down=True)

    def key_up(self, key: str) -> None:
        self._input.key(key, down=False)

    def compose(self, word: str) -> None:
        self.tap("HangulMode")
        for key in hangul.keys(word):
            self.tap(key)
            time.sleep(COMPOSE_INTERVAL_S)
        self.tap("HangulMode")

    def lose_focus(self) -> None:
        self._input.focus_elsewhere()
        wait_for(
            lambda: not self.evaluate("return document.hasFocus()"),
            timeout_s=WINDOW_TIMEOUT_S,
            what=f"the page of {self.engine} to lose the focus",
        )

    def regain_focus(self) -> None:
        self._focus()

    def close(self) -> None:
        if self._programs:
            self._input.close()
        while self._programs:
            self._programs.pop().stop()
