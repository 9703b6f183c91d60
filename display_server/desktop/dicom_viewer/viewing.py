"""What is open and how it is shown: series, slice, window, scale. Pure: gestures go in, state comes out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from display_server.desktop.dicom_viewer.grey_scale import GreyFrame, Window
from display_server.desktop.dicom_viewer.series import Series, Slice

#: The distance of a drag that makes the window e times as wide, px.
WIDTH_DRAG_PX = 300
#: The distance of a drag that moves the centre by the width of the window, px.
CENTRE_DRAG_PX = 500


class Viewing:
    """The state of one viewer window."""

    def __init__(self) -> None:
        self.series: list[Series] = []
        self.selected = -1
        self.index = 0
        #: The window that the person chose; None shows each slice with its own.
        self.window: Window | None = None
        #: Whether one pixel of the image is one pixel of the screen; otherwise the image fits its area.
        self.own_scale = False
        #: How far the person moved an image at its own scale, px to the right and down.
        self.pan = (0, 0)
        self.overlay = True
        self._drag_from: tuple[int, Window | None, tuple[int, int]] = (0, None, (0, 0))

    @property
    def current(self) -> Series | None:
        return self.series[self.selected] if 0 <= self.selected < len(self.series) else None

    @property
    def slice(self) -> Slice | None:
        return self.current.slices[self.index] if self.current else None

    def set_series(self, series: Sequence[Series], show: Path | None = None) -> None:
        """Replaces the list. `show` is the file that is shown then; otherwise what is shown stays."""
        before = self.current
        self.series = list(series)
        if show is not None:
            for number, candidate in enumerate(self.series):
                index = candidate.index_of(show)
                if index is not None:
                    self.select(number)
                    self.index = index
                    return
        if before is not None:
            for number, candidate in enumerate(self.series):
                if (candidate.folder, candidate.uid) == (before.folder, before.uid):
                    self.selected = number
                    self.index = min(self.index, len(candidate.slices) - 1)
                    return
        self.selected = -1
        if self.series:
            self.select(0)

    def select(self, number: int) -> None:
        """Shows a series from its first shown slice, with its own window."""
        self.selected = min(max(number, 0), len(self.series) - 1)
        self.index = self.current.first_shown if self.current else 0
        self.window, self.pan = None, (0, 0)

    def select_nothing(self) -> None:
        self.selected, self.index, self.window = -1, 0, None

    def scroll(self, slices: int) -> None:
        if self.current:
            self.index = min(max(self.index + slices, 0), len(self.current.slices) - 1)

    def begin_drag(self) -> None:
        self._drag_from = self.index, self.window, self.pan

    def drag_scroll(self, down_px: int, height_px: int) -> None:
        """Scrolls so that a drag over the whole height of the image area visits every slice."""
        if self.current:
            count = len(self.current.slices)
            self.index = self._drag_from[0]
            self.scroll(round(down_px * count / max(height_px, 1)))

    def drag_window(self, right_px: int, down_px: int, frame: GreyFrame) -> None:
        """Widens the window to the right, and lowers its brightness downwards."""
        start = self._drag_from[1] or window_of(frame)
        width = max(start.width * math.exp(right_px / WIDTH_DRAG_PX), 1.0)
        centre = start.centre + down_px * start.width / CENTRE_DRAG_PX
        self.window = Window(round(centre, 3), round(width, 3), start.function)

    def drag_pan(self, right_px: int, down_px: int) -> None:
        x, y = self._drag_from[2]
        self.pan = x + right_px, y + down_px

    def set_own_scale(self, own_scale: bool) -> None:
        self.own_scale, self.pan = own_scale, (0, 0)

    def reset_window(self) -> None:
        self.window = None


def window_of(frame: GreyFrame) -> Window:
    """Returns the window of a frame; for a lookup table, the window that covers its entries."""
    if isinstance(frame.voi, Window):
        return frame.voi
    fractions = frame.voi.fractions(frame.values)
    inside = frame.values[(fractions > fractions.min()) & (fractions < fractions.max())]
    values = inside if len(inside) else frame.values
    lowest, highest = float(values.min()), float(values.max())
    return Window((lowest + highest) / 2, max(highest - lowest, 1.0))
