"""Moves windows of programs that a change of monitors left out of reach."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import xcffib
import xcffib.xproto

from display_server.desktop.x11.monitors import Monitor, reachable_position
from display_server.desktop.x11.x_connection import XConnection
from display_server.errors import CaptureError

#: How many 32-bit words of a property are read. A desktop never has as many windows.
_PROPERTY_MAX_WORDS = 4096


class Windows:
    """The windows of one X screen, over a connection of its own. Every call blocks for a few round trips."""

    def __init__(self, display: str, xauthority: Path | None) -> None:
        """Raises CaptureError, as every method does when the connection is lost."""
        self._connection = XConnection(display, xauthority, failure=CaptureError)
        self._core = self._connection.core
        self._root = self._connection.root
        self._client_list = self._atom("_NET_CLIENT_LIST")
        self._frame_extents = self._atom("_NET_FRAME_EXTENTS")

    def close(self) -> None:
        self._connection.close()

    def move_into_reach(self, monitors: Sequence[Monitor]) -> int:
        """Moves the windows that are out of reach and returns how many were moved.

        Works with and without a window manager.
        """
        moved = 0
        with self._connection.requests():
            for window in self._clients():
                try:
                    moved += self._move_into_reach(window, monitors)
                except xcffib.Error:
                    continue  # the window was destroyed in the meantime
            self._core.GetInputFocus().reply()
        return moved

    def _move_into_reach(self, window: int, monitors: Sequence[Monitor]) -> bool:
        attributes = self._core.GetWindowAttributes(window).reply()
        if attributes.map_state != xcffib.xproto.MapState.Viewable or attributes.override_redirect:
            return False
        shape = self._core.GetGeometry(window).reply()
        corner = self._core.TranslateCoordinates(window, self._root, 0, 0).reply()
        left, right, top, bottom = self._frame(window)
        x, y = corner.dst_x - left, corner.dst_y - top
        place = reachable_position((x, y, shape.width + left + right, shape.height + top + bottom), monitors)
        if place is None:
            return False
        # With NorthWestGravity, the default, a window manager takes this as the position of the frame.
        mask = xcffib.xproto.ConfigWindow
        values = [coordinate & 0xFFFFFFFF for coordinate in place]
        self._core.ConfigureWindowChecked(window, mask.X | mask.Y, values).check()
        return True

    def _clients(self) -> list[int]:
        """Returns the windows that the window manager lists; without a list, all top-level windows."""
        listed = self._words(self._root, self._client_list, xcffib.xproto.Atom.WINDOW)
        if listed:
            return listed
        return list(self._core.QueryTree(self._root).reply().children)

    def _frame(self, window: int) -> tuple[int, int, int, int]:
        """Returns the width of the window's frame on its left, right, top and bottom, px."""
        words = self._words(window, self._frame_extents, xcffib.xproto.Atom.CARDINAL)
        return (words[0], words[1], words[2], words[3]) if len(words) == 4 else (0, 0, 0, 0)

    def _words(self, window: int, name: int, kind: int) -> list[int]:
        answer = self._core.GetProperty(False, window, name, kind, 0, _PROPERTY_MAX_WORDS).reply()
        return [int(word) for word in answer.value.to_atoms()] if answer.format == 32 else []

    def _atom(self, name: str) -> int:
        return int(self._core.InternAtom(False, len(name), name).reply().atom)
