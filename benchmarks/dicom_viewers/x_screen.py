"""An X screen without a window manager, on which one viewer runs at a time."""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import xcffib
import xcffib.xproto
import xcffib.xtest

from benchmarks.dicom_viewers.expected import Picture

_ALL_PLANES = 0xFFFFFFFF
#: How often the screen is read, s.
_POLL_S = 0.1
#: Buttons of a wheel, and the codes of XTEST events (X11/X.h).
WHEEL_DOWN = 5
_BUTTON_PRESS, _BUTTON_RELEASE, _MOTION = 4, 5, 6


class XScreen:
    """An Xvfb of a size, px. `environment` is that of the programs that shall appear on it."""

    def __init__(self, width: int, height: int) -> None:
        reader, writer = os.pipe()
        command = [
            "Xvfb",
            "-displayfd",
            str(writer),
            "-screen",
            "0",
            f"{width}x{height}x24",
            "-nolisten",
            "tcp",
        ]
        self._process = subprocess.Popen(command, pass_fds=[writer], stderr=subprocess.DEVNULL)
        os.close(writer)
        with os.fdopen(reader) as numbers:
            self.display = ":" + numbers.readline().strip()
        left_out = ("XAUTHORITY", "DBUS_SESSION_BUS_ADDRESS")
        inherited = {name: value for name, value in os.environ.items() if name not in left_out}
        self.environment = {**inherited, "DISPLAY": self.display, "NO_AT_BRIDGE": "1"}
        self._x: Any = xcffib.Connection(display=self.display)  # type: ignore[no-untyped-call]
        self._root = self._x.get_setup().roots[0].root
        self._size = width, height
        self._test = self._x(xcffib.xtest.key)

    def close(self) -> None:
        self._x.disconnect()
        self._process.kill()
        self._process.wait()

    def picture(self) -> Picture:
        """Returns the pixels of the screen."""
        width, height = self._size
        image = self._x.core.GetImage(
            xcffib.xproto.ImageFormat.ZPixmap, self._root, 0, 0, width, height, _ALL_PLANES
        ).reply()
        raw = np.frombuffer(image.data.buf(), np.uint8).reshape(height, width, 4)
        return raw[:, :, 2::-1].copy()

    def windows(self) -> list[int]:
        """Returns the visible top-level windows."""
        found = []
        for window in self._x.core.QueryTree(self._root).reply().children:
            with contextlib.suppress(xcffib.xproto.WindowError):
                attributes = self._x.core.GetWindowAttributes(window).reply()
                shape = self._x.core.GetGeometry(window).reply()
                visible = attributes.map_state == xcffib.xproto.MapState.Viewable
                if visible and shape.width > 1 and shape.height > 1:
                    found.append(int(window))
        return found

    def fill_with(self, window: int) -> None:
        """Gives a window the size of the screen, and the keyboard."""
        fields = xcffib.xproto.ConfigWindow
        mask = fields.X | fields.Y | fields.Width | fields.Height
        # The window may be closed, or hidden, in between.
        with contextlib.suppress(xcffib.xproto.WindowError, xcffib.xproto.MatchError):
            self._x.core.ConfigureWindowChecked(window, mask, [0, 0, *self._size]).check()
            focus = xcffib.xproto.InputFocus.PointerRoot
            self._x.core.SetInputFocusChecked(focus, window, xcffib.CurrentTime).check()

    def move_pointer(self, x: int, y: int) -> None:
        self._test.FakeInput(_MOTION, 0, 0, self._root, x, y, 0)
        self._x.flush()

    def turn_wheel(self, notches: int) -> None:
        for _ in range(notches):
            for kind in (_BUTTON_PRESS, _BUTTON_RELEASE):
                self._test.FakeInput(kind, WHEEL_DOWN, 0, self._root, 0, 0, 0)
        self._x.core.GetInputFocus().reply()

    def wait_until_still(
        self, quiet_s: float, limit_s: float, ended: Callable[[], bool]
    ) -> tuple[Picture, float]:
        """Waits until the screen has not changed for `quiet_s`, the limit passed, or the program ended.

        Returns the screen, and after how long it changed last, s.
        """
        began = changed = time.monotonic()
        last = self.picture()
        while time.monotonic() - began < limit_s and not ended():
            time.sleep(_POLL_S)
            now = self.picture()
            if not np.array_equal(now, last):
                last, changed = now, time.monotonic()
            elif time.monotonic() - changed >= quiet_s:
                break
        return last, changed - began


@contextlib.contextmanager
def x_screen(width: int, height: int) -> Iterator[XScreen]:
    screen = XScreen(width, height)
    try:
        yield screen
    finally:
        screen.close()
