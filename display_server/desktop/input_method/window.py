"""The list's window: it is no window manager's, and takes no focus. The X server alone repaints it."""

from __future__ import annotations

from collections.abc import Sequence

import xcffib.xproto
from PIL import Image

from display_server.desktop.input_method.table import Rectangle
from display_server.desktop.x11.monitors import Monitor
from display_server.desktop.x11.x_connection import XConnection
from display_server.errors import DesktopError

TITLE = "Lightbox candidates"
#: Between caret and list, px.
DISTANCE_PX = 4
#: What the window's depth must be for the pictures that are put into it: 4 bytes a pixel, blue first.
DEPTH = 24


class ListWindow:
    """Hidden at first. Raises DesktopError, as every method does once the X server is gone."""

    def __init__(self, connection: XConnection) -> None:
        self._connection = connection
        self._core = connection.core
        screen = connection.screen
        if screen.root_depth != DEPTH:
            raise DesktopError(
                f"The display {connection.display} has depth {screen.root_depth}; the list needs {DEPTH}."
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
        """An RGB image, its corner there on the screen."""
        x = xcffib.xproto
        width, height = image.size
        data = image.convert("RGBX").tobytes("raw", "BGRX")
        pixmap = self._connection.x.generate_id()
        place = x.ConfigWindow
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
            self._core.FreePixmap(pixmap)  # the window keeps it
            self._core.ConfigureWindow(
                self.id,
                place.X | place.Y | place.Width | place.Height | place.StackMode,
                [at[0], at[1], width, height, x.StackMode.Above],
            )
            self._core.MapWindow(self.id)
            self._core.ClearArea(False, self.id, 0, 0, 0, 0)
        self._connection.flush()

    def hide(self) -> None:
        with self._connection.requests():
            self._core.UnmapWindow(self.id)
        self._connection.flush()


def placed(size: tuple[int, int], caret: Rectangle, monitors: Sequence[Monitor]) -> tuple[int, int]:
    """Where a list of this size goes, on the caret's monitor: below the caret, else above or beside it."""
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
