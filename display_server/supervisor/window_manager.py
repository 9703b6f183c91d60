"""Whether a window manager runs on a display, as EWMH has it tell."""

from __future__ import annotations

from typing import Any

import xcffib
import xcffib.xproto

from display_server.desktop.x11.x_connection import XConnection
from display_server.supervisor.x_server import XServer


class WindowManagerProbe:
    """Asks over a connection of its own. Once it said yes it lets go of that."""

    def __init__(self, server: XServer) -> None:
        self._connection: XConnection | None = XConnection(server.display, server.xauthority)
        self._supporting = self._atom(self._connection.core, "_NET_SUPPORTING_WM_CHECK")

    def __call__(self) -> bool:
        connection = self._connection
        if connection is None:
            return True
        window_type = xcffib.xproto.Atom.WINDOW
        answer = connection.core.GetProperty(
            False, connection.root, self._supporting, window_type, 0, 1
        ).reply()
        if not answer.value_len:
            return False
        self.close()
        return True

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    @staticmethod
    def _atom(core: Any, name: str) -> int:
        return int(core.InternAtom(False, len(name), name).reply().atom)
