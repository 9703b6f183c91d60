"""Still coloured text with strokes one pixel wide over a slowly moving scene.

A video codec with chroma subsampling blurs such text. It is in two corners, like a viewer's annotations.
"""

from __future__ import annotations

import functools

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from benchmarks.content.scene import scene, view_at

Pixels = NDArray[np.uint8]

SIDE_PX = 1024
#: Colours of the lines in turn, RGB. They are saturated, so most of their contrast is in chroma.
INKS = ((255, 64, 64), (64, 255, 64), (96, 128, 255), (255, 230, 48), (255, 80, 255))
#: Height of a line, px.
LINE_PX = 20
#: x and y of the top left corner of each text block, px.
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
#: Factor by which the scene is darkened, so that the text is legible.
BRIGHTNESS = 0.5
#: The camera moves this many times slower than that of the film.
SLOWDOWN = 4


def text_over_video(number: int) -> Pixels:
    """Returns frame `number` as (1024, 1024, 3) RGB, without its mark."""
    x, y = view_at(number / SLOWDOWN, SIDE_PX, SIDE_PX)
    background = scene().crop((x, y, x + SIDE_PX, y + SIDE_PX)).point(lambda level: level * BRIGHTNESS)
    image = np.array(background)
    text, mask = _text()
    image[mask] = text[mask]
    return image


@functools.cache
def text_with_border() -> NDArray[np.bool_]:
    """Returns a mask of (1024, 1024): the pixels of the text and their neighbours."""
    _, mask = _text()
    dilated = mask.copy()
    for axis in (0, 1):
        dilated |= np.roll(dilated, 1, axis) | np.roll(dilated, -1, axis)
    return dilated


@functools.cache
def _text() -> tuple[Pixels, NDArray[np.bool_]]:
    """Returns the text as (1024, 1024, 3) RGB on black, and the mask of its pixels."""
    image = Image.new("RGB", (SIDE_PX, SIDE_PX))
    draw = ImageDraw.Draw(image)
    font = ImageFont.load_default_imagefont()  # a bitmap font: strokes are one pixel wide and not smoothed
    for left, top in CORNERS:
        for row, line in enumerate(LINES):
            draw.text((left, top + row * LINE_PX), line, INKS[row % len(INKS)], font)
    drawn: Pixels = np.asarray(image)
    mask: NDArray[np.bool_] = drawn.max(axis=2) > 0
    return drawn, mask
