"""Windows that cover the monitors of an X screen and show an image each. They use no toolkit."""

from __future__ import annotations

import select
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import xcffib
import xcffib.randr
import xcffib.xproto

from display_server.desktop.display_check.canvas import Pixels
from display_server.errors import Malfunction

#: How much of an image one request sends, bytes. Requests are limited to 256 KiB without BIG-REQUESTS.
BAND_BYTES = 128 * 1024
#: The screen depth that the pixel format of this module needs, bits.
DEPTH = 24
#: The keysym of Enter (X11/keysymdef.h).
_RETURN = 0xFF0D

#: x, y, width, height, px.
Rect = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class _MonitorWindow:
    """A window and the pixmap with its image."""

    window: int
    pixmap: int
    width: int
    height: int


class MonitorWindows:
    """One window per monitor of the screen of $DISPLAY.

    `draw` returns the image for a width and height, px; it is called again when the monitors change. `on_key`
    gets each character that is typed, `\\n` for Enter.
    """

    def __init__(self, draw: Callable[[int, int], Pixels], on_key: Callable[[str], None]) -> None:
        """Connects to $DISPLAY. Raises Malfunction."""
        self._draw = draw
        self._on_key = on_key
        try:
            connection: Any = xcffib.Connection()  # type: ignore[no-untyped-call]
        except xcffib.ConnectionException as error:
            raise Malfunction("The X server of this desktop does not answer.") from error
        self._x = connection
        self._core = connection.core
        self._screen = self._x.get_setup().roots[self._x.pref_screen]
        if self._screen.root_depth != DEPTH:
            raise Malfunction(
                f"The display check needs depth {DEPTH}; the screen has {self._screen.root_depth}."
            )
        self._randr = self._x(xcffib.randr.key)
        self._randr.SelectInput(self._screen.root, xcffib.randr.NotifyMask.ScreenChange)
        self._context = self._x.generate_id()
        self._core.CreateGC(self._context, self._screen.root, 0, [])
        self._windows: dict[Rect, _MonitorWindow] = {}
        self._blank_cursor = self._create_blank_cursor()

    def run(self) -> None:
        """Shows the images and handles keys until the X server ends."""
        self.redraw()
        try:
            while True:
                select.select([self._x.get_file_descriptor()], [], [])
                self._handle_events()
        except xcffib.ConnectionException:
            return

    def redraw(self) -> None:
        """Draws all images again, on the current monitors."""
        monitors = self._monitors()
        for place in self._windows.keys() - set(monitors):
            shown = self._windows.pop(place)
            self._core.DestroyWindow(shown.window)
            self._core.FreePixmap(shown.pixmap)
        for place in monitors:
            shown = self._windows.get(place) or self._create_window(place)
            self._windows[place] = shown
            self._put(shown, self._draw(shown.width, shown.height))
        first = self._windows[monitors[0]].window
        self._core.SetInputFocus(xcffib.xproto.InputFocus.PointerRoot, first, xcffib.CurrentTime)
        self._x.flush()

    def _handle_events(self) -> None:
        changed = False
        while (event := self._x.poll_for_event()) is not None:
            if isinstance(event, xcffib.xproto.ExposeEvent):
                for shown in self._windows.values():
                    if shown.window == event.window:
                        self._show(shown)
                self._x.flush()
            elif isinstance(event, xcffib.xproto.KeyPressEvent):
                if character := self._character(event.detail):
                    self._on_key(character)
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

    def _create_window(self, place: Rect) -> _MonitorWindow:
        x, y, width, height = place
        window, pixmap = self._x.generate_id(), self._x.generate_id()
        masks, events = xcffib.xproto.CW, xcffib.xproto.EventMask
        values = [
            self._screen.black_pixel,
            1,
            events.Exposure | events.KeyPress,
            self._blank_cursor,
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
        return _MonitorWindow(window, pixmap, width, height)

    def _put(self, shown: _MonitorWindow, image: Pixels) -> None:
        """Sends the image to the pixmap in bands and then shows it at once, never only a part of it."""
        raw = np.zeros((shown.height, shown.width, 4), np.uint8)
        raw[:, :, 2::-1] = image
        rows = max(BAND_BYTES // (4 * shown.width), 1)
        for top in range(0, shown.height, rows):
            band = raw[top : top + rows]
            self._core.PutImage(
                xcffib.xproto.ImageFormat.ZPixmap,
                shown.pixmap,
                self._context,
                shown.width,
                band.shape[0],
                0,
                top,
                0,
                DEPTH,
                band.size,
                band.tobytes(),
            )
        self._show(shown)

    def _show(self, shown: _MonitorWindow) -> None:
        size = shown.width, shown.height
        self._core.CopyArea(shown.pixmap, shown.window, self._context, 0, 0, 0, 0, *size)

    def _create_blank_cursor(self) -> int:
        """Creates an invisible cursor, because the pointer would cover a part of the pattern."""
        pixmap, cursor = self._x.generate_id(), self._x.generate_id()
        self._core.CreatePixmap(1, pixmap, self._screen.root, 1, 1)
        self._core.CreateCursor(cursor, pixmap, pixmap, 0, 0, 0, 0, 0, 0, 0, 0)
        self._core.FreePixmap(pixmap)
        return int(cursor)

    def _character(self, keycode: int) -> str:
        """Returns the character of a key without modifiers; empty unless it is printable ASCII or Enter.

        The X server is asked each time, because text input binds other characters to keys while it types.
        """
        symbols = self._core.GetKeyboardMapping(keycode, 1).reply().keysyms
        symbol = symbols[0] if symbols else 0
        return "\n" if symbol == _RETURN else chr(symbol) if 0x20 <= symbol < 0x7F else ""
