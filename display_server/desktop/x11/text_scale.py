"""Sets the text size of programs: by the X resource Xft.dpi for new programs, by XSETTINGS for running ones.

GTK programs follow at once, Qt programs when they are started the next time. This process becomes the
XSETTINGS manager only once somebody asks for another scale than 100 %, and only if no settings daemon runs.
"""

from __future__ import annotations

import re
import struct
from pathlib import Path

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
        self.percent = percent_of(self._connection)
        if self.percent != 100:
            self.set(self.percent)

    def close(self) -> None:
        self._connection.close()

    def set(self, percent: int) -> None:
        """Applies the scale to running programs and to those that start later."""
        self.percent = percent
        dots = round(DPI * percent / 100)
        with self._connection.requests():
            self._set_resource(dots)
            if self._manager_window is None and percent != 100:
                self._become_settings_manager()
            if self._manager_window is not None:
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

    def _become_settings_manager(self) -> None:
        """Takes the XSETTINGS selection, unless another process owns it."""
        selection = self._atom(f"_XSETTINGS_S{self._connection.x.pref_screen}")
        if self._core.GetSelectionOwner(selection).reply().owner:
            return
        window = self._connection.x.generate_id()
        input_only = xcffib.xproto.WindowClass.InputOnly
        self._core.CreateWindow(0, window, self._root, -1, -1, 1, 1, 0, input_only, 0, 0, [])
        self._core.SetSelectionOwner(window, selection, xcffib.xproto.Time.CurrentTime)
        self._manager_window = window
        self._set_setting(DPI)
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


def percent_of(connection: XConnection) -> int:
    """Returns the text scale that the display's resources have. Raises the connection's failure."""
    with connection.requests():
        found = _RESOURCE_LINE.search(_resources(connection))
    return round(float(found[1]) / DPI * 100) if found else 100


def _resources(connection: XConnection) -> str:
    name, kind = xcffib.xproto.Atom.RESOURCE_MANAGER, xcffib.xproto.Atom.STRING
    answer = connection.core.GetProperty(False, connection.root, name, kind, 0, _RESOURCES_MAX).reply()
    return bytes(answer.value.buf()).decode("latin-1")
