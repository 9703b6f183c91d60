"""Windows of programs: those that a change of monitors left out of reach are brought back."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import xcffib
import xcffib.xproto

from display_server.desktop.x11.monitors import Monitor, reachable_position
from display_server.desktop.x11.x_connection import XConnection
from display_server.errors import CaptureError

#: More windows than this are no desktop's, 32-bit words of a property.
_CLIENTS_MAX = 4096


class Windows:
    """Over a connection of its own. Every call blocks for a few round trips."""

    def __init__(self, display: str, xauthority: Path | None) -> None:
        """Raises CaptureError, as every method does once the server is gone."""
        self._connection = XConnection(display, xauthority, failure=CaptureError)
        self._core = self._connection.core
        self._root = self._connection.root
        self._client_list = self._atom("_NET_CLIENT_LIST")
        self._extents = self._atom("_NET_FRAME_EXTENTS")

    def close(self) -> None:
        self._connection.close()

    def bring_back(self, monitors: Sequence[Monitor]) -> int:
        """How many were moved. With a window manager or without."""
        moved = 0
        with self._connection.requests():
            for window in self._clients():
                try:
                    moved += self._bring_back(window, monitors)
                except xcffib.Error:
                    continue  # it was closed meanwhile
            self._core.GetInputFocus().reply()
        return moved

    def _bring_back(self, window: int, monitors: Sequence[Monitor]) -> bool:
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
        # With the usual gravity a window manager takes this as the place of the frame.
        mask = xcffib.xproto.ConfigWindow
        values = [coordinate & 0xFFFFFFFF for coordinate in place]
        self._core.ConfigureWindowChecked(window, mask.X | mask.Y, values).check()
        return True

    def _clients(self) -> list[int]:
        listed = self._words(self._root, self._client_list, xcffib.xproto.Atom.WINDOW)
        if listed:
            return listed
        return list(self._core.QueryTree(self._root).reply().children)

    def _frame(self, window: int) -> tuple[int, int, int, int]:
        """Left, right, top, bottom, px."""
        words = self._words(window, self._extents, xcffib.xproto.Atom.CARDINAL)
        return (words[0], words[1], words[2], words[3]) if len(words) == 4 else (0, 0, 0, 0)

    def _words(self, window: int, name: int, kind: int) -> list[int]:
        answer = self._core.GetProperty(False, window, name, kind, 0, _CLIENTS_MAX).reply()
        return [int(word) for word in answer.value.to_atoms()] if answer.format == 32 else []

    def _atom(self, name: str) -> int:
        return int(self._core.InternAtom(False, len(name), name).reply().atom)
