"""Coloured text with strokes of one pixel over a moving picture: what a codec without full colour smears.

It stands still in two corners, as annotations do; a scene moves slowly below it.
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
LINE_PX = 20
#: Of each block, px.
CORNERS = ((40, 40), (640, 800))
LINES = (
    "W 400  L 40  Se 4  Im 118",
    "3.0 mm  120 kV  210 mA  B70f",
    "R anterior  FOV 341 mm  tilt 0.0",
    "nodule 6.4 x 5.1 mm, lobe left upper",
    "compared with prior: +0.4 mm in 91 days",
    "left ventricle 62 ml  ejection 57 %",
    "follow-up in 6 months  read 14:32",
    "prone  breath held  i.v. contrast 80 ml",
)
#: The scene gives way to the text, and moves slower than that of the film.
BRIGHTNESS, SLOWNESS = 0.5, 4


def text_over_video(number: int) -> Pixels:
    """(1024, 1024, 3) RGB, not yet marked."""
    x, y = view_at(number / SLOWNESS, SIDE_PX, SIDE_PX)
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
    for left, top in CORNERS:
        for row, line in enumerate(LINES):
            draw.text((left, top + row * LINE_PX), line, INKS[row % len(INKS)], font)
    drawn: Pixels = np.asarray(picture)
    written: NDArray[np.bool_] = drawn.max(axis=2) > 0
    return drawn, written
