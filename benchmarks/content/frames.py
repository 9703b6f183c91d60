"""Generates the frames of all kinds of content. A frame depends on its number alone and has a mark at its top
and at its bottom.

stack         slices of an MR with fresh noise               most of every tile changes, nothing repeats
stack-ct      the same of a CT                               finer grain, large black areas
stack-cr      the same of a radiograph                       grain of single pixels
window        one slice under another window and level       levels change slightly everywhere
pan           a radiograph of 2048 × 2560 px that is panned  the whole frame moves in both directions
typing        a page of text, three more letters per frame   little changes
terminal      coloured lines that scroll up by one           the whole frame moves by a line
window-drag   a window of text dragged over text             a part moves and uncovers the background
video         a camera over a natural scene with a film      full-screen motion in colour, 1920 × 1080 px
text-video    coloured text over that scene                  strokes of one pixel in saturated colours
fill-WxH      slices of the MR side by side                  fills a screen of that size
stack-long    4096 slices, cut out of larger ones            like stack, for a minute
"""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from benchmarks.content.long_stack import long_slice
from benchmarks.content.mark import MARK_HEIGHT_PX, MAX_NUMBER, draw_mark
from benchmarks.content.scene import scene, view_at
from benchmarks.content.slices import CR, CT, MR, SLICE_PX, anatomy, dataset, grey_slice
from benchmarks.content.text_over_video import SIDE_PX, text_over_video

Pixels = NDArray[np.uint8]

#: A radiograph of 1955 × 1841 px in pydicom-data.
RADIOGRAPH = "RG1_UNCR.dcm"
#: 120 frames of an ultrasound volume in colour, in pydicom-data.
MOVIE = "color3d_jpeg_baseline.dcm"
#: Size to which the radiograph is scaled, px.
RADIOGRAPH_PX = (2048, 2560)
VIDEO_PX = (1920, 1080)
#: The kind for the cases that last a minute. It is not in KINDS, because it needs no slow-motion case.
LONG = "stack-long"
TEXT_VIDEO = "text-video"
#: Height of a line and width of a letter, px.
LINE_PX, LETTER_PX = 20, 9
#: Colours of the terminal's lines in turn, RGB.
INKS = ((222, 222, 214), (120, 200, 120), (230, 180, 80), (110, 170, 240), (220, 110, 110))
_TEXT = (
    "lung liver heart node left right upper lower lobe no effusion small nodule stable compared with prior "
    "study of the mass measures cm segment artery vein contrast phase series axial normal size spleen kidney "
    "bone marrow oedema fracture none seen follow up in months impression findings technique indication"
)
WORDS = _TEXT.split()


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of content. `draw` returns a frame without its mark, as (height, width) grey levels or
    (height, width, 3) RGB."""

    width_px: int
    height_px: int
    draw: Callable[[int], Pixels]


def kind_of(name: str) -> Kind:
    """Returns the kind with this name, also `fill-WIDTHxHEIGHT`. Raises ValueError if there is none."""
    if name in KINDS:
        return KINDS[name]
    if name == LONG:
        return Kind(SLICE_PX, SLICE_PX, long_slice)
    found = re.fullmatch(r"fill-(\d+)x(\d+)", name)
    if found is None:
        raise ValueError(f"there is no content {name!r}")
    width, height = int(found[1]), int(found[2])
    return Kind(width, height, lambda number: _fill(width, height, number))


def _fill(width: int, height: int, number: int) -> Pixels:
    """Tiles the area with slices. Each has its own noise, so no two tiles of the screen are equal."""
    across, down = -(-width // SLICE_PX), -(-height // SLICE_PX)
    count = across * down
    slices = [grey_slice((number * count + index) % (MAX_NUMBER + 1)) for index in range(count)]
    rows = [np.hstack(slices[start : start + across]) for start in range(0, count, across)]
    return np.vstack(rows)[:height, :width]


def frame(kind: str, number: int) -> Pixels:
    """Returns frame `number` of a kind with its marks, as (height, width, 4) opaque RGBA."""
    drawn = kind_of(kind).draw(number)
    rgba = np.empty((*drawn.shape[:2], 4), np.uint8)
    rgba[:, :, :3] = drawn if drawn.ndim == 3 else drawn[:, :, None]
    rgba[:, :, 3] = 255
    for channel in range(3):
        draw_mark(rgba[:, :, channel], 0, 0, number)
        draw_mark(rgba[:, :, channel], 0, rgba.shape[0] - MARK_HEIGHT_PX, number)
    return rgba


def _window(number: int) -> Pixels:
    """Varies window centre and width along sine curves, as when a reader drags. The noise stays the same."""
    acquired = _acquired().resize((SLICE_PX, SLICE_PX), Image.Resampling.BILINEAR)
    centre, width = 128 + 60 * math.sin(number / 11), 220 + 90 * math.cos(number / 17)
    levels = (np.asarray(acquired) - centre) / width * 255 + 128
    shown: Pixels = np.clip(np.rint(levels), 0, 255).astype(np.uint8)
    return shown


@functools.cache
def _acquired() -> Image.Image:
    noise = np.random.default_rng(0).integers(-1, 2, (MR.matrix_px, MR.matrix_px), np.int8)
    return Image.fromarray(anatomy() + noise)


def _pan(number: int) -> Pixels:
    image = radiograph()
    x = round((image.shape[1] - SLICE_PX) * (0.5 + 0.5 * math.sin(number / 29)))
    y = round((image.shape[0] - SLICE_PX) * (0.5 + 0.5 * math.cos(number / 37)))
    return image[y : y + SLICE_PX, x : x + SLICE_PX]


@functools.cache
def radiograph() -> Pixels:
    """Returns the radiograph as (2560, 2048) levels. It is stored as MONOCHROME1: high values are black."""
    levels = dataset(RADIOGRAPH).pixel_array.astype(np.float32)
    white, black = np.percentile(levels, (1, 99))
    windowed = Image.fromarray(np.clip((levels - black) / (white - black) * 255, 0, 255))
    resized = np.asarray(windowed.resize(RADIOGRAPH_PX, Image.Resampling.BILINEAR))
    image: Pixels = np.rint(resized).astype(np.uint8)
    return image


def _typing(number: int) -> Pixels:
    """Types three letters per frame. A new page begins after 600 frames."""
    letters, across = (number * 3) % 1800 + 200, (SLICE_PX - 80) // LETTER_PX
    text = _prose(number * 3 // 1800)[:letters]
    lines = [text[start : start + across] for start in range(0, letters, across)]
    return _page(lines, [(24, 24, 24)] * len(lines), (252, 252, 250), caret=True)


def _terminal(number: int) -> Pixels:
    rows = (SLICE_PX - 60) // LINE_PX
    lines = [f"{n:05d} {_line_of(n)}" for n in range(number, number + rows)]
    return _page(lines, [INKS[n % len(INKS)] for n in range(number, number + rows)], (18, 20, 24))


def _window_drag(number: int) -> Pixels:
    ground, window = _still_page(0).copy(), _still_page(1)[:420, :560]
    x, y = round(220 + 200 * math.sin(number / 9)), round(290 + 260 * math.cos(number / 13))
    ground[y - 26 : y, x : x + 560] = (48, 92, 150)
    ground[y : y + 420, x : x + 560] = window
    return ground


@functools.cache
def _still_page(seed: int) -> Pixels:
    lines = [_line_of(seed * 1000 + n) for n in range((SLICE_PX - 60) // LINE_PX)]
    return _page(lines, [(30, 30, 34)] * len(lines), ((246, 246, 244), (255, 255, 255))[seed])


def _video(number: int) -> Pixels:
    """Pans a camera over the coloured scene. The ultrasound film plays on a screen within the scene."""
    film = _film()
    width, height = VIDEO_PX
    x, y = view_at(number, width, height)
    image = scene().crop((x, y, x + width, y + height))
    position = number % (2 * len(film) - 2)  # the film plays forwards and backwards
    heart = Image.fromarray(film[min(position, 2 * len(film) - 2 - position)])
    image.paste(heart, (1100 - x, 420 - y))
    return np.asarray(image)


@functools.cache
def _film() -> Pixels:
    """Returns the ultrasound film as (frames, height, width, 3) RGB."""
    film: Pixels = np.ascontiguousarray(dataset(MOVIE).pixel_array)
    return film


def _page(
    lines: list[str], inks: list[tuple[int, int, int]], ground: tuple[int, int, int], *, caret: bool = False
) -> Pixels:
    image = Image.new("RGB", (SLICE_PX, SLICE_PX), ground)
    draw = ImageDraw.Draw(image)
    for row, (line, ink) in enumerate(zip(lines, inks, strict=True)):
        draw.text((40, 30 + row * LINE_PX), line, ink, _font())
    if caret and lines:
        x, y = 40 + round(draw.textlength(lines[-1], _font())), 30 + (len(lines) - 1) * LINE_PX
        draw.rectangle((x, y, x + 1, y + 16), (0, 0, 0))
    return np.array(image)


@functools.cache
def _font() -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(15)


@functools.cache
def _prose(seed: int) -> str:
    return " ".join(np.random.default_rng(seed).choice(WORDS, 600).tolist())


def _line_of(number: int) -> str:
    return " ".join(np.random.default_rng(number).choice(WORDS, 14).tolist())


KINDS: dict[str, Kind] = {
    "stack": Kind(SLICE_PX, SLICE_PX, grey_slice),
    "stack-ct": Kind(SLICE_PX, SLICE_PX, lambda number: grey_slice(number, CT)),
    "stack-cr": Kind(SLICE_PX, SLICE_PX, lambda number: grey_slice(number, CR)),
    "window": Kind(SLICE_PX, SLICE_PX, _window),
    "pan": Kind(SLICE_PX, SLICE_PX, _pan),
    "typing": Kind(SLICE_PX, SLICE_PX, _typing),
    "terminal": Kind(SLICE_PX, SLICE_PX, _terminal),
    "window-drag": Kind(SLICE_PX, SLICE_PX, _window_drag),
    "video": Kind(*VIDEO_PX, _video),
    TEXT_VIDEO: Kind(SIDE_PX, SIDE_PX, text_over_video),
}
