"""Reads a desktop from its X server, independently of the product: the reference for what viewers show."""

from __future__ import annotations

import contextlib
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xcffib
import xcffib.damage
import xcffib.xproto
from numpy.typing import NDArray

from tests.e2e.processes import NO_BUS

ALL_PLANES = 0xFFFFFFFF
#: Modifier bits of XQueryPointer's mask that a held key sets: Shift, Control, Mod1…Mod5 (Lock is not held).
HELD_MODIFIERS = 0b11111101
HELD_BUTTONS = 0b11111 << 8


@dataclass(frozen=True, slots=True)
class Window:
    """A managed window, in desktop pixels."""

    id: int
    title: str
    x: int
    y: int
    width: int
    height: int


class XDisplay:
    """A separate client of a desktop's X server."""

    def __init__(self, display: str, xauthority: Path | None) -> None:
        self.name = display
        self.environment = {**os.environ, **NO_BUS, "DISPLAY": display}
        self.environment.pop("XAUTHORITY", None)
        if xauthority is not None:
            self.environment["XAUTHORITY"] = str(xauthority)
        self._x = self.connect()
        self._root = self._x.get_setup().roots[0].root
        self._damage: int | None = None

    def connect(self) -> Any:
        """Opens a new xcffib connection to this display."""
        before = os.environ.get("XAUTHORITY")
        # libxcb reads the authority file from the environment only.
        os.environ["XAUTHORITY"] = self.environment.get("XAUTHORITY", "")
        try:
            return xcffib.Connection(display=self.name)  # type: ignore[no-untyped-call]
        finally:
            if before is None:
                del os.environ["XAUTHORITY"]
            else:
                os.environ["XAUTHORITY"] = before

    def size(self) -> tuple[int, int]:
        shape = self._x.core.GetGeometry(self._root).reply()
        return shape.width, shape.height

    def pixels(self) -> NDArray[np.uint8]:
        """Returns the root window's pixels, (height, width, 3) RGB, by XGetImage."""
        width, height = self.size()
        image = self._x.core.GetImage(
            xcffib.xproto.ImageFormat.ZPixmap, self._root, 0, 0, width, height, ALL_PLANES
        ).reply()
        raw = np.frombuffer(image.data.buf(), np.uint8).reshape(height, width, 4)
        return raw[:, :, 2::-1].copy()

    def changed(self) -> bool:
        """Returns whether anything was drawn since the last call; the first call returns True."""
        extension = self._x(xcffib.damage.key)
        if self._damage is None:
            extension.QueryVersion(1, 1).reply()
            self._damage = self._x.generate_id()
            extension.Create(self._damage, self._root, xcffib.damage.ReportLevel.NonEmpty)
            return True
        # A change after this request is reported by a new event.
        extension.Subtract(self._damage, 0, 0)
        self._x.core.GetInputFocus().reply()
        found = False
        while (event := self._x.poll_for_event()) is not None:
            found = found or isinstance(event, xcffib.damage.NotifyEvent)
        return found

    def held(self) -> tuple[list[int], int]:
        """Returns the pressed keycodes and the mask of held modifiers and buttons."""
        keymap = self._x.core.QueryKeymap().reply().keys
        down = [8 * byte + bit for byte in range(32) for bit in range(8) if keymap[byte] >> bit & 1]
        return down, self._x.core.QueryPointer(self._root).reply().mask & (HELD_MODIFIERS | HELD_BUTTONS)

    def pointer(self) -> tuple[int, int]:
        answer = self._x.core.QueryPointer(self._root).reply()
        return answer.root_x, answer.root_y

    def windows(self) -> list[Window]:
        """Returns the window manager's windows, or without one the mapped children of the root window."""
        listed = self._words(self._root, "_NET_CLIENT_LIST", xcffib.xproto.Atom.WINDOW)
        ids = listed or self._mapped_children()
        found = []
        for window in ids:
            with contextlib.suppress(xcffib.xproto.DrawableError, xcffib.xproto.WindowError):
                found.append(self._describe(window))  # it may vanish meanwhile
        return found

    def stacked(self) -> list[int]:
        """Returns the numbers of the window manager's windows, the topmost one last."""
        return self._words(self._root, "_NET_CLIENT_LIST_STACKING", xcffib.xproto.Atom.WINDOW)

    def borders(self, window: int) -> tuple[int, int, int, int]:
        """Returns what the frame adds to a window at its left, right, upper and lower edge, px."""
        words = self._words(window, "_NET_FRAME_EXTENTS", xcffib.xproto.Atom.CARDINAL)
        left, right, top, bottom = words or [0, 0, 0, 0]
        return left, right, top, bottom

    def popups(self) -> list[Window]:
        """Returns visible windows that the window manager ignores: menus and candidate windows."""
        found = []
        for window in self._mapped_children():
            with contextlib.suppress(xcffib.xproto.DrawableError, xcffib.xproto.WindowError):
                if self._x.core.GetWindowAttributes(window).reply().override_redirect:
                    found.append(self._describe(window))
        return found

    def close(self) -> None:
        self._x.disconnect()

    def run(self, *argv: str) -> str:
        """Runs an X program on this display and returns its output."""
        return subprocess.run(argv, env=self.environment, check=True, capture_output=True, text=True).stdout

    def _words(self, window: int, name: str, kind: int) -> list[int]:
        """Returns the words of a property; none if the window does not have it."""
        answer = self._x.core.GetProperty(False, window, self._atom(name), kind, 0, 1024).reply()
        return [int(word) for word in answer.value.to_atoms()] if answer.value_len else []

    def _mapped_children(self) -> list[int]:
        viewable = xcffib.xproto.MapState.Viewable
        found = []
        for window in self._x.core.QueryTree(self._root).reply().children:
            with contextlib.suppress(xcffib.xproto.WindowError):  # it may vanish while it is asked
                if self._x.core.GetWindowAttributes(window).reply().map_state == viewable:
                    found.append(window)
        return found

    def _describe(self, window: int) -> Window:
        shape = self._x.core.GetGeometry(window).reply()
        place = self._x.core.TranslateCoordinates(window, self._root, 0, 0).reply()
        title = b""
        for name in ("_NET_WM_NAME", "WM_NAME"):
            anything = xcffib.xproto.GetPropertyType.Any
            answer = self._x.core.GetProperty(False, window, self._atom(name), anything, 0, 256).reply()
            title = title or bytes(answer.value.buf())
        return Window(
            window, title.decode(errors="replace"), place.dst_x, place.dst_y, shape.width, shape.height
        )

    def _atom(self, name: str) -> int:
        return int(self._x.core.InternAtom(False, len(name), name).reply().atom)
