"""Applies a monitor layout to an Xvfb and returns the framebuffer memory that it no longer needs."""

from __future__ import annotations

import errno
from collections.abc import Sequence
from pathlib import Path

from display_server.desktop.x11.framebuffer_file import SCREEN_FILE, release_hidden_pixels
from display_server.desktop.x11.monitors import Monitor
from display_server.desktop.x11.randr import Randr
from display_server.desktop.x11.screen_layout import Arrangement


def apply_monitors(randr: Randr, monitors: Sequence[Monitor], framebuffer_folder: Path) -> Arrangement:
    """Applies the monitors and returns the arrangement that the X server then has.

    Pixels outside of the new screen are released: an Xvfb that was started with 8192×4320 and shows 1920×1080
    then takes 12 MB instead of 135 MB (measured).

    Raises LayoutError, DesktopError and CaptureError.
    """

    def release(width_px: int, height_px: int) -> None:
        try:
            release_hidden_pixels(framebuffer_folder / SCREEN_FILE, width_px, height_px)
        except OSError as error:
            # The file system cannot punch holes: the memory stays in use, which is no reason to fail.
            if error.errno != errno.EOPNOTSUPP:
                raise

    return randr.apply(monitors, while_grabbed=release)
