"""A window without a toolkit, in which a test shows images of its own."""

from __future__ import annotations

from typing import Any

import numpy as np
import xcffib
import xcffib.xproto
from numpy.typing import NDArray

from tests.e2e.x_desktop.display import XDisplay

#: Rows per request: a band stays well below the largest request that every X server accepts.
BAND_ROWS = 32


class PlainWindow:
    """A window above all others that the window manager ignores. Positions are desktop pixels."""

    def __init__(self, display: XDisplay, *, x: int, y: int, width: int, height: int) -> None:
        self._x: Any = display.connect()
        screen = self._x.get_setup().roots[0]
        self._depth = screen.root_depth
        self._window = self._x.generate_id()
        self._context = self._x.generate_id()
        mask = xcffib.xproto.CW
        values = [screen.black_pixel, 1]
        self._x.core.CreateWindow(
            self._depth,
            self._window,
            screen.root,
            x,
            y,
            width,
            height,
            0,
            xcffib.xproto.WindowClass.InputOutput,
            screen.root_visual,
            mask.BackPixel | mask.OverrideRedirect,
            values,
        )
        self._width, self._height = width, height
        self._x.core.CreateGC(self._context, self._window, 0, [])
        self._pixmap = self._create_pixmap()
        self._x.core.MapWindow(self._window)
        self._sync()

    def show(self, image: NDArray[np.uint8]) -> None:
        """Shows an image of (height, width) grey or (height, width, 3) RGB, at the upper left corner.

        Returns when it was drawn.
        """
        self._put(image, self._pixmap)
        self.present(self._pixmap, *image.shape[1::-1])

    def upload(self, image: NDArray[np.uint8]) -> int:
        """Stores an image in the X server and returns its pixmap for `present`."""
        pixmap = self._create_pixmap()
        self._put(image, pixmap)
        self._sync()
        return pixmap

    def present(self, pixmap: int, width: int | None = None, height: int | None = None) -> None:
        """Shows a pixmap, or its part of this size. Returns when it was drawn."""
        # A single copy, as in real programs: no capture may see half an image.
        self._x.core.CopyArea(
            pixmap, self._window, self._context, 0, 0, 0, 0, width or self._width, height or self._height
        )
        self._sync()

    def close(self) -> None:
        self._x.disconnect()

    def _create_pixmap(self) -> int:
        pixmap: int = self._x.generate_id()
        self._x.core.CreatePixmap(self._depth, pixmap, self._window, self._width, self._height)
        return pixmap

    def _put(self, image: NDArray[np.uint8], pixmap: int) -> None:
        colour = image if image.ndim == 3 else np.repeat(image[:, :, None], 3, axis=2)
        height, width = colour.shape[:2]
        raw = np.zeros((height, width, 4), np.uint8)
        raw[:, :, 2::-1] = colour
        for top in range(0, height, BAND_ROWS):
            band = raw[top : top + BAND_ROWS]
            self._x.core.PutImage(
                xcffib.xproto.ImageFormat.ZPixmap,
                pixmap,
                self._context,
                width,
                band.shape[0],
                0,
                top,
                0,
                self._depth,
                band.size,
                band.tobytes(),
            )

    def _sync(self) -> None:
        """Waits until the X server has executed all requests."""
        self._x.core.GetInputFocus().reply()
