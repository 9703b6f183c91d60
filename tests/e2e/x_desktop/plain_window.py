"""A window without any toolkit, for pictures that a test makes up."""

from __future__ import annotations

from typing import Any

import numpy as np
import xcffib
import xcffib.xproto
from numpy.typing import NDArray

from tests.e2e.x_desktop.display import XDisplay

#: Rows per request: well below the size of a request that every X server takes.
BAND_ROWS = 32


class PlainWindow:
    """Stands above all others and is not managed. Positions are desktop pixels."""

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
        self._pixmap = self._x.generate_id()
        self._x.core.CreatePixmap(self._depth, self._pixmap, self._window, width, height)
        self._x.core.CreateGC(self._context, self._window, 0, [])
        self._x.core.MapWindow(self._window)
        self._sync()

    def show(self, picture: NDArray[np.uint8]) -> None:
        """(height, width) grey or (height, width, 3) red, green, blue; drawn when this returns."""
        colour = picture if picture.ndim == 3 else np.repeat(picture[:, :, None], 3, axis=2)
        height, width = colour.shape[:2]
        raw = np.zeros((height, width, 4), np.uint8)
        raw[:, :, 2::-1] = colour
        for top in range(0, height, BAND_ROWS):
            band = raw[top : top + BAND_ROWS]
            self._x.core.PutImage(
                xcffib.xproto.ImageFormat.ZPixmap,
                self._pixmap,
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
        # In one go, as programs do it: nobody shall see half a picture.
        self._x.core.CopyArea(self._pixmap, self._window, self._context, 0, 0, 0, 0, width, height)
        self._sync()

    def close(self) -> None:
        self._x.disconnect()

    def _sync(self) -> None:
        """One round trip: everything before it has been done."""
        self._x.core.GetInputFocus().reply()
