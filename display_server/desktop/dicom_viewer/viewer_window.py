"""The viewer's X window: shows the parts that `drawing.py` draws and passes events on, without a toolkit."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import xcffib
import xcffib.xproto

from display_server.desktop.dicom_viewer.geometry import Rect, Words
from display_server.desktop.dicom_viewer.icon import window_icon
from display_server.desktop.x11.text_scale import percent_of
from display_server.desktop.x11.x_connection import XConnection
from display_server.errors import DesktopError

#: WM_CLASS: instance and class, by which window managers place the window.
WM_CLASS = "lightbox-dicom-viewer", "Lightbox-dicom-viewer"
#: The selection that the running viewer of a display owns; others pass their files to its window.
SELECTION = "_LIGHTBOX_DICOM_VIEWER"
#: The property of that window to which others append files: UTF-8 paths, each ended by a zero byte.
OPEN_PROPERTY = "_LIGHTBOX_DICOM_OPEN"
#: The screen depth that the pixel format needs, bits.
DEPTH = 24
#: How much of an image one request sends, bytes. Requests are limited to 256 KiB without BIG-REQUESTS.
BAND_BYTES = 128 * 1024
#: How much of the property with files is read, 32-bit words.
_FILES_MAX_WORDS = 1 << 18
#: A ClientMessage event of format 32: code, format, sequence, window, type, five u32.
_CLIENT_MESSAGE = struct.Struct("=BBHII5I")


def pass_to_running_viewer(connection: XConnection, paths: list[Path]) -> bool:
    """Passes files to the viewer that runs on this display. Returns whether there is one."""
    core = connection.core
    with connection.requests():
        owner = core.GetSelectionOwner(_atom(connection, SELECTION)).reply().owner
        if not owner:
            return False
        data = b"".join(str(path).encode("utf-8", "surrogateescape") + b"\0" for path in paths)
        kind = _atom(connection, "UTF8_STRING")
        mode = xcffib.xproto.PropMode.Append
        try:
            core.ChangePropertyChecked(
                mode, owner, _atom(connection, OPEN_PROPERTY), kind, 8, len(data), data
            ).check()
        except xcffib.xproto.WindowError:
            return False  # it ended in between
    return True


class ViewerWindow:
    """A window that a window manager manages.

    `on_event` gets the events that the viewer handles itself: buttons, motion and keys. `on_resize` gets
    width and height, px. `on_open` gets files that another process passed. `on_expose` is called when parts
    have to be drawn again, `on_close` when the person closes the window. `on_text_scale` gets the desktop's
    new text scale, %. Every method raises DesktopError when the connection is lost.
    """

    def __init__(self, connection: XConnection, title: str, width: int, height: int) -> None:
        if connection.screen.root_depth != DEPTH:
            raise DesktopError(
                f"The viewer needs depth {DEPTH}; {connection.display} has {connection.screen.root_depth}.",
                next_step=f"Start the X server with a screen of depth {DEPTH}.",
            )
        self._connection = connection
        self._core = connection.core
        self.on_event: Callable[[Any], None] = lambda _event: None
        self.on_resize: Callable[[int, int], None] = lambda _width, _height: None
        self.on_open: Callable[[list[Path]], None] = lambda _paths: None
        self.on_expose: Callable[[], None] = lambda: None
        self.on_close: Callable[[], None] = lambda: None
        self.on_text_scale: Callable[[int], None] = lambda _percent: None
        self.id: int = connection.x.generate_id()
        self._context: int = connection.x.generate_id()
        self._mapped = False
        self._delete = _atom(connection, "WM_DELETE_WINDOW")
        self._protocols = _atom(connection, "WM_PROTOCOLS")
        self._files = _atom(connection, OPEN_PROPERTY)
        self._create(title, width, height)
        connection.on_event = self._handle

    def own_selection(self) -> None:
        """Becomes the viewer to which others pass their files."""
        with self._connection.requests():
            self._core.SetSelectionOwner(self.id, _atom(self._connection, SELECTION), xcffib.CurrentTime)
        self._connection.flush()

    def put(self, words: Words, place: Rect) -> None:
        """Draws a part: (height, width) words 0x00RRGGBB at a place of the window."""
        height, width = words.shape
        if not width or not height:
            return
        rows = max(BAND_BYTES // (4 * width), 1)
        with self._connection.requests():
            for top in range(0, height, rows):
                band = words[top : top + rows]
                self._core.PutImage(
                    xcffib.xproto.ImageFormat.ZPixmap,
                    self.id,
                    self._context,
                    width,
                    band.shape[0],
                    place[0],
                    place[1] + top,
                    0,
                    DEPTH,
                    band.nbytes,
                    band.tobytes(),
                )

    def show(self) -> None:
        """Makes the window visible, once it has something to show, and sends what was drawn."""
        if not self._mapped:
            self._mapped = True
            with self._connection.requests():
                self._core.MapWindow(self.id)
        self._connection.flush()

    def set_title(self, title: str) -> None:
        data = title.encode()
        for name, kind in (("_NET_WM_NAME", "UTF8_STRING"), ("WM_NAME", "STRING")):
            text = data if kind == "UTF8_STRING" else title.encode("latin-1", "replace")
            self._set_property(_atom(self._connection, name), _atom(self._connection, kind), 8, text)

    def raise_window(self) -> None:
        """Asks the window manager to show and focus the window."""
        root = self._connection.root
        kind = _atom(self._connection, "_NET_ACTIVE_WINDOW")
        event = _CLIENT_MESSAGE.pack(33, 32, 0, self.id, kind, 2, 0, 0, 0, 0)
        masks = xcffib.xproto.EventMask
        with self._connection.requests():
            self._core.SendEvent(False, root, masks.SubstructureRedirect | masks.SubstructureNotify, event)
        self._connection.flush()

    def keysym(self, keycode: int) -> int:
        """Returns the symbol of a key without modifiers. Text input changes symbols, so none is kept."""
        symbols = self._core.GetKeyboardMapping(keycode, 1).reply().keysyms
        return int(symbols[0]) if symbols else 0

    def _create(self, title: str, width: int, height: int) -> None:
        x = xcffib.xproto
        masks, events = x.CW, x.EventMask
        wanted = events.Exposure | events.StructureNotify | events.PropertyChange | events.KeyPress
        wanted |= events.ButtonPress | events.ButtonRelease | events.ButtonMotion
        with self._connection.requests():
            self._core.CreateWindow(
                DEPTH,
                self.id,
                self._connection.root,
                0,
                0,
                width,
                height,
                0,
                x.WindowClass.InputOutput,
                self._connection.screen.root_visual,
                masks.BackPixel | masks.EventMask,
                [self._connection.screen.black_pixel, wanted],
            )
            self._core.CreateGC(self._context, self._connection.root, x.GC.GraphicsExposures, [0])
            self._core.ChangeWindowAttributes(self._connection.root, masks.EventMask, [events.PropertyChange])
            self._set_property(x.Atom.WM_CLASS, x.Atom.STRING, 8, "\0".join((*WM_CLASS, "")).encode())
            self._set_property(self._protocols, x.Atom.ATOM, 32, struct.pack("=I", self._delete))
            icon = _atom(self._connection, "_NET_WM_ICON")
            self._set_property(icon, x.Atom.CARDINAL, 32, window_icon())
            self.set_title(title)
        self._connection.flush()

    def _set_property(self, name: int, kind: int, unit_bits: int, data: bytes) -> None:
        count = len(data) // (unit_bits // 8)
        with self._connection.requests():
            self._core.ChangeProperty(
                xcffib.xproto.PropMode.Replace, self.id, name, kind, unit_bits, count, data
            )

    def _handle(self, event: Any) -> None:
        x = xcffib.xproto
        if isinstance(event, x.ConfigureNotifyEvent) and event.window == self.id:
            self.on_resize(event.width, event.height)
        elif isinstance(event, x.ExposeEvent):
            self.on_expose()
        elif isinstance(event, x.ClientMessageEvent):
            if event.type == self._protocols and event.data.data32[0] == self._delete:
                self.on_close()
        elif isinstance(event, x.PropertyNotifyEvent) and event.window == self._connection.root:
            if event.atom == x.Atom.RESOURCE_MANAGER:
                self.on_text_scale(percent_of(self._connection))
        elif isinstance(event, x.PropertyNotifyEvent):
            if event.window == self.id and event.atom == self._files and event.state == x.Property.NewValue:
                self.on_open(self._take_files())
        elif isinstance(event, x.DestroyNotifyEvent) and event.window == self.id:
            self.on_close()
        else:
            self.on_event(event)

    def _take_files(self) -> list[Path]:
        """Reads and removes the property with files."""
        with self._connection.requests():
            answer = self._core.GetProperty(
                True, self.id, self._files, xcffib.xproto.GetPropertyType.Any, 0, _FILES_MAX_WORDS
            ).reply()
        parts = bytes(answer.value.buf()).split(b"\0")
        return [Path(part.decode("utf-8", "surrogateescape")) for part in parts if part]


def _atom(connection: XConnection, name: str) -> int:
    return int(connection.core.InternAtom(False, len(name), name).reply().atom)
