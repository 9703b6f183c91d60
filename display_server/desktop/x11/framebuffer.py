"""Arranging the monitors of an Xvfb of ours: what the smaller screen does not show goes back to the host."""

from __future__ import annotations

import errno
from collections.abc import Sequence
from pathlib import Path

from display_server.desktop.x11.framebuffer_file import SCREEN_FILE, release_hidden_pixels
from display_server.desktop.x11.monitors import Monitor
from display_server.desktop.x11.randr import Randr
from display_server.desktop.x11.screen_layout import Arrangement


def apply_monitors(randr: Randr, monitors: Sequence[Monitor], framebuffer_folder: Path) -> Arrangement:
    """Raises LayoutError, DesktopError and CaptureError.

    Measured: an 8192×4320 screen that shows 1920×1080 takes 12 MB instead of 135.
    """

    def meanwhile(width_px: int, height_px: int) -> None:
        try:
            release_hidden_pixels(framebuffer_folder / SCREEN_FILE, width_px, height_px)
        except OSError as error:
            if error.errno != errno.EOPNOTSUPP:
                raise

    return randr.apply(monitors, meanwhile)
