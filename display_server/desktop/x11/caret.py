"""The position of the text caret: a property of the root window.

Programs report it to the input method, whose panel writes it; the agent reads it. A property needs no channel
between the two processes, survives the restart of either, and ends with the desktop.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import xcffib.xproto

from display_server.desktop.x11.x_connection import XConnection

PROPERTY = "_LIGHTBOX_CARET"
#: (x, y, width, height) on the screen, px.
Caret = tuple[int, int, int, int]
#: The property's value: four CARDINALs that are signed numbers.
_VALUE = struct.Struct("=4i")
#: Coordinates that the protocol can express, px. Any program of the desktop may write the property.
_COORDINATE_MIN, _COORDINATE_MAX = -32_768, 32_767


class CaretProperty:
    """Writes the property over a connection that somebody else owns."""

    def __init__(self, connection: XConnection) -> None:
        self._connection = connection
        self._atom = _atom(connection)
        self._written: Caret | None = None
        self.write(None)

    def write(self, caret: Caret | None) -> None:
        """Sets the caret; None if no program reports one. Raises the connection's failure when it is lost."""
        if caret == self._written and caret is not None:
            return
        connection, core = self._connection, self._connection.core
        with connection.requests():
            if caret is None:
                core.DeleteProperty(connection.root, self._atom)
            else:
                replace, kind = xcffib.xproto.PropMode.Replace, xcffib.xproto.Atom.CARDINAL
                core.ChangeProperty(replace, connection.root, self._atom, kind, 32, 4, _VALUE.pack(*caret))
        connection.flush()
        self._written = caret


class CaretWatch:
    """Follows the property of one display, over a connection of its own."""

    def __init__(self, display: str, xauthority: Path | None) -> None:
        self._display = display
        self._xauthority = xauthority
        self._connection: XConnection | None = None
        self._atom = 0
        #: The caret; None while no program reports one.
        self.caret: Caret | None = None
        self.on_changed: Callable[[], None] = lambda: None

    async def open(self) -> None:
        """Connects, and reads what an earlier process wrote. Raises Malfunction."""
        connection = XConnection(self._display, self._xauthority)
        self._connection = connection
        self._atom = _atom(connection)
        events = [xcffib.xproto.EventMask.PropertyChange]
        connection.core.ChangeWindowAttributes(connection.root, xcffib.xproto.CW.EventMask, events)
        connection.on_event = self._on_event
        connection.watch()
        await self._read()

    async def close(self) -> None:
        """Disconnects. Safe to call twice."""
        if self._connection is not None:
            self._connection.close()

    def _on_event(self, event: Any) -> None:
        if isinstance(event, xcffib.xproto.PropertyNotifyEvent) and event.atom == self._atom:
            self._read()

    def _read(self) -> Any:
        """Requests the value; returns a future that is done when it has arrived."""
        connection = self._connection
        assert connection is not None, "open() comes first"
        with connection.requests():
            kind = xcffib.xproto.Atom.CARDINAL
            cookie = connection.core.GetProperty(False, connection.root, self._atom, kind, 0, 4)

        def on_reply() -> None:
            caret = parse_caret(bytes(cookie.reply().value.buf()))
            if caret != self.caret:
                self.caret = caret
                self.on_changed()

        return connection.round_trip(on_reply)


def parse_caret(value: bytes) -> Caret | None:
    """Returns the caret that a value of the property names, within what the protocol can express.

    Returns None if the value is missing, malformed or has no height.
    """
    if len(value) != _VALUE.size:
        return None
    x, y, width, height = _VALUE.unpack(value)
    if height <= 0:
        return None
    return _clamped(x), _clamped(y), max(0, _clamped(width)), _clamped(height)


def _clamped(value: int) -> int:
    return max(_COORDINATE_MIN, min(_COORDINATE_MAX, value))


def _atom(connection: XConnection) -> int:
    return int(connection.core.InternAtom(False, len(PROPERTY), PROPERTY).reply().atom)
