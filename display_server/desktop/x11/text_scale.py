"""Sets the text size of programs: by the X resource Xft.dpi for new programs, by XSETTINGS for running ones.

GTK programs follow at once, Qt programs when they are started the next time. This process becomes the
XSETTINGS manager only once somebody asks for a scale, and only if no settings daemon runs.
"""

from __future__ import annotations

import asyncio
import re
import struct
from pathlib import Path
from typing import Any

import xcffib
import xcffib.xproto

from display_server.desktop.x11.x_connection import XConnection
from display_server.errors import CaptureError

#: The resolution at a scale of 100 %, dots per inch.
DPI = 96
#: XSETTINGS express dots per inch in units of 1/1024.
_XSETTINGS_UNIT = 1024
_RESOURCE = "Xft.dpi"
_RESOURCE_LINE = re.compile(rf"^{re.escape(_RESOURCE)}\s*:\s*([0-9.]+)\s*$", re.MULTILINE)
_SETTING = b"Xft/DPI"
#: How much of the resource database is read, 32-bit words. A desktop's database is far shorter.
_RESOURCES_MAX = 65_536
#: The header of the XSETTINGS property: byte order (0 is little-endian), serial, number of settings.
_SETTINGS = struct.Struct("<B3xII")
#: The begin of an integer setting: type (0), length of the name. The padded name follows.
_INTEGER_HEAD = struct.Struct("<BxH")
#: The end of an integer setting: serial of its last change, value.
_INTEGER_BODY = struct.Struct("<Ii")
#: A ClientMessage event of format 32: code, format, sequence, window, type, five u32.
_CLIENT_MESSAGE = struct.Struct("=BBHII5I")


class TextScale:
    """The text scale of one X display, over a connection of its own.

    Every call blocks for a few round trips. Every method may raise CaptureError.
    """

    def __init__(self, display: str, xauthority: Path | None) -> None:
        """Connects, and restores the scale that an earlier process of this display had set."""
        self._connection = XConnection(display, xauthority, failure=CaptureError)
        self._core = self._connection.core
        self._root = self._connection.root
        self._serial = 0
        self._manager_window: int | None = None
        with self._connection.requests():
            found = percent_in(_resources(self._connection))
        self.percent = found or 100
        if found is not None:
            # Programs that were started at another scale would return to it without a settings manager.
            self.set(found)

    def close(self) -> None:
        self._connection.close()

    def set(self, percent: int) -> None:
        """Applies the scale to running programs and to those that start later."""
        self.percent = percent
        dots = round(DPI * percent / 100)
        with self._connection.requests():
            self._set_resource(dots)
            if self._manager_window is None:
                self._become_settings_manager(dots)
            else:
                self._set_setting(dots)
            self._core.GetInputFocus().reply()

    def _set_resource(self, dots: int) -> None:
        """Replaces Xft.dpi and keeps all other resources."""
        others = _RESOURCE_LINE.sub("", _resources(self._connection)).strip("\n")
        lines = [*(line for line in others.splitlines() if line), f"{_RESOURCE}:\t{dots}", ""]
        data = "\n".join(lines).encode("latin-1")
        name, kind = xcffib.xproto.Atom.RESOURCE_MANAGER, xcffib.xproto.Atom.STRING
        replace = xcffib.xproto.PropMode.Replace
        self._core.ChangeProperty(replace, self._root, name, kind, 8, len(data), data)

    def _become_settings_manager(self, dots: int) -> None:
        """Takes the XSETTINGS selection, unless another process owns it."""
        selection = self._atom(f"_XSETTINGS_S{self._connection.x.pref_screen}")
        if self._core.GetSelectionOwner(selection).reply().owner:
            return
        window = self._connection.x.generate_id()
        input_only = xcffib.xproto.WindowClass.InputOnly
        self._core.CreateWindow(0, window, self._root, -1, -1, 1, 1, 0, input_only, 0, 0, [])
        self._core.SetSelectionOwner(window, selection, xcffib.xproto.Time.CurrentTime)
        self._manager_window = window
        self._set_setting(dots)
        event = _CLIENT_MESSAGE.pack(33, 32, 0, self._root, self._atom("MANAGER"), 0, selection, window, 0, 0)
        self._core.SendEvent(False, self._root, xcffib.xproto.EventMask.StructureNotify, event)

    def _set_setting(self, dots: int) -> None:
        self._serial += 1
        data = _SETTINGS.pack(0, self._serial, 1) + _INTEGER_HEAD.pack(0, len(_SETTING))
        data += _SETTING.ljust(-(-len(_SETTING) // 4) * 4, b"\0")
        data += _INTEGER_BODY.pack(self._serial, dots * _XSETTINGS_UNIT)
        name = self._atom("_XSETTINGS_SETTINGS")
        replace = xcffib.xproto.PropMode.Replace
        self._core.ChangeProperty(replace, self._manager_window, name, name, 8, len(data), data)

    def _atom(self, name: str) -> int:
        return int(self._core.InternAtom(False, len(name), name).reply().atom)


class TextScaleWatch:
    """Notices when the text scale of a display changes, over a connection of its own."""

    def __init__(self, display: str, xauthority: Path | None) -> None:
        """Connects, blocking. Raises Malfunction, as every method does when the connection is lost."""
        self._connection = XConnection(display, xauthority)
        self._changed = asyncio.Event()

    def open(self) -> None:
        """Begins to notice changes."""
        mask = xcffib.xproto.EventMask.PropertyChange
        attribute = xcffib.xproto.CW.EventMask
        with self._connection.requests():
            self._connection.core.ChangeWindowAttributes(self._connection.root, attribute, [mask])
        self._connection.on_event = self._on_event
        self._connection.on_lost = lambda _error: self._changed.set()
        self._connection.watch()

    async def read(self) -> int:
        """Returns the present scale, percent."""
        with self._connection.requests():
            cookie = _request_resources(self._connection)
        await self._connection.round_trip()
        return percent_in(_decode(cookie)) or 100

    async def wait_for_change(self) -> None:
        """Returns when the scale may have changed since the last call."""
        await self._changed.wait()
        self._connection.ensure_alive()
        self._changed.clear()

    def close(self) -> None:
        """Disconnects. Safe to call twice."""
        self._connection.close()

    def _on_event(self, event: Any) -> None:
        if (
            isinstance(event, xcffib.xproto.PropertyNotifyEvent)
            and event.atom == xcffib.xproto.Atom.RESOURCE_MANAGER
        ):
            self._changed.set()


def percent_of(connection: XConnection) -> int:
    """Returns the text scale that the display's resources have. Raises the connection's failure."""
    with connection.requests():
        return percent_in(_resources(connection)) or 100


def percent_in(resources: str) -> int | None:
    """Returns the text scale, percent, that X resources contain; None if they contain none."""
    found = _RESOURCE_LINE.search(resources)
    return round(float(found[1]) / DPI * 100) if found else None


def _resources(connection: XConnection) -> str:
    return _decode(_request_resources(connection))


def _request_resources(connection: XConnection) -> Any:
    name, kind = xcffib.xproto.Atom.RESOURCE_MANAGER, xcffib.xproto.Atom.STRING
    return connection.core.GetProperty(False, connection.root, name, kind, 0, _RESOURCES_MAX)


def _decode(cookie: Any) -> str:
    return bytes(cookie.reply().value.buf()).decode("latin-1")
