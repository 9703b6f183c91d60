"""The X window of the candidates. Window managers ignore it, and it never takes the keyboard focus."""

from __future__ import annotations

from collections.abc import Sequence

import xcffib.xproto
from PIL import Image

from display_server.desktop.input_method.lookup_table import Rectangle
from display_server.desktop.x11.monitors import Monitor
from display_server.desktop.x11.x_connection import XConnection
from display_server.errors import DesktopError

TITLE = "Lightbox candidates"
#: The distance between the caret and the window, px.
DISTANCE_PX = 4
#: The screen depth that the window's pixel format needs, bits: 4 bytes per pixel, blue first.
DEPTH = 24


class CandidateWindow:
    """A window that is hidden at first.

    Every method raises DesktopError when the connection to the X server is lost.
    """

    def __init__(self, connection: XConnection) -> None:
        self._connection = connection
        self._core = connection.core
        screen = connection.screen
        if screen.root_depth != DEPTH:
            raise DesktopError(
                f"The candidate window needs depth {DEPTH}; {connection.display} has {screen.root_depth}."
            )
        x = xcffib.xproto
        self.id: int = connection.x.generate_id()
        self._context: int = connection.x.generate_id()
        with connection.requests():
            mask = x.CW.OverrideRedirect | x.CW.SaveUnder | x.CW.EventMask
            values = [1, 1, x.EventMask.ButtonPress]
            self._core.CreateWindow(
                DEPTH,
                self.id,
                connection.root,
                0,
                0,
                1,
                1,
                0,
                x.WindowClass.InputOutput,
                screen.root_visual,
                mask,
                values,
            )
            self._core.ChangeProperty(
                x.PropMode.Replace, self.id, x.Atom.WM_NAME, x.Atom.STRING, 8, len(TITLE), TITLE
            )
            self._core.CreateGC(self._context, connection.root, 0, [])
        connection.flush()

    def show(self, image: Image.Image, at: tuple[int, int]) -> None:
        """Shows an RGB image; `at` is the position of its upper left corner on the screen, px."""
        x = xcffib.xproto
        width, height = image.size
        data = image.convert("RGBX").tobytes("raw", "BGRX")
        pixmap = self._connection.x.generate_id()
        field = x.ConfigWindow
        with self._connection.requests():
            self._core.CreatePixmap(DEPTH, pixmap, self.id, width, height)
            self._core.PutImage(
                x.ImageFormat.ZPixmap,
                pixmap,
                self._context,
                width,
                height,
                0,
                0,
                0,
                DEPTH,
                len(data),
                data,
            )
            self._core.ChangeWindowAttributes(self.id, x.CW.BackPixmap, [pixmap])
            self._core.FreePixmap(pixmap)  # the window keeps a reference
            self._core.ConfigureWindow(
                self.id,
                field.X | field.Y | field.Width | field.Height | field.StackMode,
                [at[0], at[1], width, height, x.StackMode.Above],
            )
            self._core.MapWindow(self.id)
            self._core.ClearArea(False, self.id, 0, 0, 0, 0)
        self._connection.flush()

    def hide(self) -> None:
        with self._connection.requests():
            self._core.UnmapWindow(self.id)
        self._connection.flush()


def window_position(size: tuple[int, int], caret: Rectangle, monitors: Sequence[Monitor]) -> tuple[int, int]:
    """Returns the position of a window of this size, px.

    The window is on the caret's monitor: below the caret if it fits there, else above it, else beside it.
    """
    x, y, caret_width, caret_height = caret
    monitor = min(monitors, key=lambda monitor: _distance(x, y, monitor))
    below, above = y + caret_height + DISTANCE_PX, y - DISTANCE_PX - size[1]
    right, left = x + caret_width + DISTANCE_PX, x - DISTANCE_PX - size[0]
    if below + size[1] <= monitor.bottom:
        wanted = x, below
    elif above >= monitor.y:
        wanted = x, above
    else:
        wanted = left if right + size[0] > monitor.right and left >= monitor.x else right, y
    return (
        max(monitor.x, min(wanted[0], monitor.right - size[0])),
        max(monitor.y, min(wanted[1], monitor.bottom - size[1])),
    )


def _distance(x: int, y: int, monitor: Monitor) -> int:
    return max(monitor.x - x, 0, x - monitor.right + 1) + max(monitor.y - y, 0, y - monitor.bottom + 1)
