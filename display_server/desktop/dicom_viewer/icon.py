"""The icon of the viewer's window, drawn like `profiles/settings/icon-viewer.svg`."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

#: Side of the icon, px. Window manager and panel reduce it.
SIDE_PX = 96
#: It is drawn larger and then reduced, because Pillow draws edges without antialiasing.
OVERSAMPLING = 4
#: Side of the SVG's coordinate system.
UNITS = 48
PLATE, DARK, BRIGHT = "#1f6f8b", "#0c1216", "#ffffff"


def window_icon() -> bytes:
    """Returns the value of _NET_WM_ICON: width, height, and a word 0xAARRGGBB for each pixel."""
    drawn_px = SIDE_PX * OVERSAMPLING
    scale = drawn_px / UNITS
    image = Image.new("RGBA", (drawn_px, drawn_px))
    pen = ImageDraw.Draw(image)
    pen.rounded_rectangle([4 * scale, 4 * scale, 44 * scale, 44 * scale], 7 * scale, PLATE)
    outer = [9.5 * scale, 9.5 * scale, 38.5 * scale, 38.5 * scale]
    pen.ellipse(outer, BRIGHT)
    pen.pieslice([12.5 * scale, 12.5 * scale, 35.5 * scale, 35.5 * scale], 90, 270, DARK)
    small = image.resize((SIDE_PX, SIDE_PX), Image.Resampling.BOX)
    red, green, blue, alpha = np.moveaxis(np.asarray(small).astype(np.uint32), 2, 0)
    pixels = alpha << 24 | red << 16 | green << 8 | blue
    return np.concatenate([np.array([SIDE_PX, SIDE_PX], np.uint32), pixels.ravel()]).tobytes()
