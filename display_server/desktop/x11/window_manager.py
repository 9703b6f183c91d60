"""Detects whether a window manager runs on a display (EWMH, `_NET_SUPPORTING_WM_CHECK`)."""

from __future__ import annotations

from pathlib import Path

import xcffib.xproto

from display_server.desktop.x11.x_connection import XConnection


class WindowManagerProbe:
    """Asks the X server over a connection of its own, which it closes once a window manager was found."""

    def __init__(self, display: str, xauthority: Path | None) -> None:
        """Connects, blocking. Raises Malfunction."""
        self._connection: XConnection | None = XConnection(display, xauthority)
        name = "_NET_SUPPORTING_WM_CHECK"
        self._property = int(self._connection.core.InternAtom(False, len(name), name).reply().atom)

    def __call__(self) -> bool:
        """Returns whether a window manager has announced itself. Blocks for one round trip."""
        connection = self._connection
        if connection is None:
            return True
        window_type = xcffib.xproto.Atom.WINDOW
        reply = connection.core.GetProperty(False, connection.root, self._property, window_type, 0, 1).reply()
        if not reply.value_len:
            return False
        self.close()
        return True

    def close(self) -> None:
        """Closes the connection. Safe to call twice."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
