"""Windows that cover the monitors of an X screen and show a picture each, without any toolkit."""

from __future__ import annotations

import select
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import xcffib
import xcffib.randr
import xcffib.xproto

from display_server.desktop.display_check.sheet import Picture
from display_server.errors import Malfunction

#: Bytes of picture per request: well below what any X server takes.
BAND_BYTES = 128 * 1024
DEPTH = 24

Rect = tuple[int, int, int, int]  # x, y, width, height


@dataclass(frozen=True, slots=True)
class _Cover:
    window: int
    pixmap: int
    width: int
    height: int


class Screen:
    """`draw` gives each monitor's picture by its size; it is asked again when the monitors change."""

    def __init__(self, draw: Callable[[int, int], Picture], typed: Callable[[str], None]) -> None:
        """Connects to $DISPLAY. Raises Malfunction."""
        self._draw = draw
        self._typed = typed
        try:
            connection: Any = xcffib.Connection()  # type: ignore[no-untyped-call]
        except xcffib.ConnectionException as error:
            raise Malfunction(f"The X display does not answer ({error}).") from error
        self._x = connection
        self._core = connection.core
        self._screen = self._x.get_setup().roots[self._x.pref_screen]
        if self._screen.root_depth != DEPTH:
            raise Malfunction(f"The patterns need a depth of {DEPTH}, not {self._screen.root_depth}.")
        self._randr = self._x(xcffib.randr.key)
        self._randr.SelectInput(self._screen.root, xcffib.randr.NotifyMask.ScreenChange)
        self._context = self._x.generate_id()
        self._core.CreateGC(self._context, self._screen.root, 0, [])
        self._covers: dict[Rect, _Cover] = {}
        self._blank = self._blank_cursor()

    def run(self) -> None:
        """Shows pictures and hands over typed characters until the X server goes."""
        self.redraw()
        try:
            while True:
                select.select([self._x.get_file_descriptor()], [], [])
                self._take_events()
        except xcffib.ConnectionException:
            return

    def redraw(self) -> None:
        """Everything anew, on the monitors that there are now."""
        monitors = self._monitors()
        for place in self._covers.keys() - set(monitors):
            cover = self._covers.pop(place)
            self._core.DestroyWindow(cover.window)
            self._core.FreePixmap(cover.pixmap)
        for place in monitors:
            cover = self._covers.get(place) or self._cover(place)
            self._covers[place] = cover
            self._put(cover, self._draw(cover.width, cover.height))
        first = self._covers[monitors[0]].window
        self._core.SetInputFocus(xcffib.xproto.InputFocus.PointerRoot, first, xcffib.CurrentTime)
        self._x.flush()

    def _take_events(self) -> None:
        changed = False
        while (event := self._x.poll_for_event()) is not None:
            if isinstance(event, xcffib.xproto.ExposeEvent):
                for cover in self._covers.values():
                    if cover.window == event.window:
                        self._show(cover)
                self._x.flush()
            elif isinstance(event, xcffib.xproto.KeyPressEvent):
                if character := self._character(event.detail):
                    self._typed(character)
            elif isinstance(event, xcffib.randr.ScreenChangeNotifyEvent):
                changed = True
        if changed:
            self.redraw()

    def _monitors(self) -> list[Rect]:
        reply = self._randr.GetMonitors(self._screen.root, True).reply()
        found = [(m.x, m.y, m.width, m.height) for m in reply.monitors]
        if found:
            return found
        whole = self._core.GetGeometry(self._screen.root).reply()
        return [(0, 0, whole.width, whole.height)]

    def _cover(self, place: Rect) -> _Cover:
        x, y, width, height = place
        window, pixmap = self._x.generate_id(), self._x.generate_id()
        masks, events = xcffib.xproto.CW, xcffib.xproto.EventMask
        values = [
            self._screen.black_pixel,
            1,
            events.Exposure | events.KeyPress,
            self._blank,
        ]
        self._core.CreateWindow(
            DEPTH,
            window,
            self._screen.root,
            x,
            y,
            width,
            height,
            0,
            xcffib.xproto.WindowClass.InputOutput,
            self._screen.root_visual,
            masks.BackPixel | masks.OverrideRedirect | masks.EventMask | masks.Cursor,
            values,
        )
        self._core.CreatePixmap(DEPTH, pixmap, window, width, height)
        self._core.MapWindow(window)
        return _Cover(window, pixmap, width, height)

    def _put(self, cover: _Cover, picture: Picture) -> None:
        """Into the pixmap in bands, then into the window at once: nobody sees half a pattern."""
        raw = np.zeros((cover.height, cover.width, 4), np.uint8)
        raw[:, :, 2::-1] = picture
        rows = max(BAND_BYTES // (4 * cover.width), 1)
        for top in range(0, cover.height, rows):
            band = raw[top : top + rows]
            self._core.PutImage(
                xcffib.xproto.ImageFormat.ZPixmap,
                cover.pixmap,
                self._context,
                cover.width,
                band.shape[0],
                0,
                top,
                0,
                DEPTH,
                band.size,
                band.tobytes(),
            )
        self._show(cover)

    def _show(self, cover: _Cover) -> None:
        size = cover.width, cover.height
        self._core.CopyArea(cover.pixmap, cover.window, self._context, 0, 0, 0, 0, *size)

    def _blank_cursor(self) -> int:
        """The pointer would stand in the pattern."""
        pixmap, cursor = self._x.generate_id(), self._x.generate_id()
        self._core.CreatePixmap(1, pixmap, self._screen.root, 1, 1)
        self._core.CreateCursor(cursor, pixmap, pixmap, 0, 0, 0, 0, 0, 0, 0, 0)
        self._core.FreePixmap(pixmap)
        return int(cursor)

    def _character(self, keycode: int) -> str:
        """What the key gives without modifiers, now: input methods rebind keys. Empty when it is no ASCII."""
        symbols = self._core.GetKeyboardMapping(keycode, 1).reply().keysyms
        symbol = symbols[0] if symbols else 0
        return "\n" if symbol == 0xFF0D else chr(symbol) if 0x20 <= symbol < 0x7F else ""
