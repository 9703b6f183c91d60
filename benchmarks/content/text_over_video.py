"""Coloured text with strokes of one pixel over a moving picture: what a codec without full colour smears.

The text stands still, as annotations do; a scene moves below it.
"""

from __future__ import annotations

import functools

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from benchmarks.content.scene import scene, view_at

Pixels = NDArray[np.uint8]

SIDE_PX = 1024
#: Saturated: most of what they say is in their colour.
INKS = ((255, 64, 64), (64, 255, 64), (96, 128, 255), (255, 230, 48), (255, 80, 255))
LINE_PX, LEFT_PX = 32, 40
#: The scene gives way to the text.
BRIGHTNESS = 0.5
LINE = "W 400 L 40  Se 4 Im 118  3.0 mm  120 kV 210 mA  R anterior  nodule 6.4 x 5.1 mm  lobe left upper  "


def text_over_video(number: int) -> Pixels:
    """(1024, 1024, 3) RGB, not yet marked."""
    x, y = view_at(number, SIDE_PX, SIDE_PX)
    below = scene().crop((x, y, x + SIDE_PX, y + SIDE_PX)).point(lambda level: level * BRIGHTNESS)
    picture = np.array(below)
    text, written = _text()
    picture[written] = text[written]
    return picture


@functools.cache
def text_and_brim() -> NDArray[np.bool_]:
    """(1024, 1024): the pixels of the text and those that touch it."""
    _, written = _text()
    brim = written.copy()
    for axis in (0, 1):
        brim |= np.roll(brim, 1, axis) | np.roll(brim, -1, axis)
    return brim


@functools.cache
def _text() -> tuple[Pixels, NDArray[np.bool_]]:
    """(1024, 1024, 3) RGB, and which pixels of it are written."""
    picture = Image.new("RGB", (SIDE_PX, SIDE_PX))
    draw = ImageDraw.Draw(picture)
    font = ImageFont.load_default_imagefont()  # of bits: no stroke is smoothed, each is one pixel wide
    for row, top in enumerate(range(LINE_PX, SIDE_PX - LINE_PX, LINE_PX)):
        words = (LINE[row % len(LINE) :] + LINE) * 2
        draw.text((LEFT_PX, top), words[:150], INKS[row % len(INKS)], font)
    drawn: Pixels = np.asarray(picture)
    written: NDArray[np.bool_] = drawn.max(axis=2) > 0
    return drawn, written
