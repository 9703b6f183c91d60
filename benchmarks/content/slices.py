"""A stack of grey slices as a viewer shows them: real anatomy, noise of the acquisition, upscaled bilinearly.

Slices are made from their number alone, so that the program that shows them and the driver that checks them
agree.
"""

from __future__ import annotations

import functools
import math
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.content.mark import MARK_HEIGHT_PX, draw_mark

#: Side of a slice on the screen.
SLICE_PX = 1024
#: Acquisition matrix before the viewer's interpolation; the source, interpolated by the scanner, is averaged
#: down to it.
MATRIX_PX = 192
#: Noise of the acquisition, uniform, in levels of the windowed picture.
NOISE_LEVELS = 1
#: Window as a reader sets it. The header's (centre 1000, width 2000) leaves all but 74 levels unused, which
#: would let a
#: lossy subject fall back to palettes and look exact.
WINDOW_TOP = 600.0
#: How far the anatomy moves through the stack, in pixels of the matrix.
_DRIFT_PX = 3.0
#: From PyPI's pydicom-data: MR 1024², 12 bit.
SOURCE = "MR2_UNCR.dcm"


class ContentMissingError(Exception):
    """The packages that hold the sample studies are not installed."""


@functools.cache
def anatomy() -> NDArray[np.float32]:
    """The source, windowed and averaged to the matrix: (192, 192), 0 … 255."""
    try:
        import data_store  # type: ignore[import-untyped]
        import pydicom
    except ImportError as error:
        raise ContentMissingError(f"{error}: pip install pydicom pydicom-data") from error
    dataset = pydicom.dcmread(Path(data_store.__file__).parent / "data" / SOURCE)
    levels = dataset.pixel_array.astype(np.float32)
    windowed = Image.fromarray(np.clip(levels / WINDOW_TOP * 255, 0, 255))
    return np.array(windowed.resize((MATRIX_PX, MATRIX_PX), Image.Resampling.BOX), dtype=np.float32)


def grey_slice(number: int) -> NDArray[np.uint8]:
    """Slice `number` as (1024, 1024) levels, marked at the top and at the bottom left; no two are alike."""
    noise = np.random.default_rng(number).integers(
        -NOISE_LEVELS, NOISE_LEVELS + 1, (MATRIX_PX, MATRIX_PX), np.int8
    )
    acquired = Image.fromarray(anatomy() + noise)
    left = _DRIFT_PX * (1 + math.sin(number / 17))
    top = _DRIFT_PX * (1 + math.cos(number / 23))
    side = MATRIX_PX - 2 * _DRIFT_PX
    shown = acquired.resize(
        (SLICE_PX, SLICE_PX), Image.Resampling.BILINEAR, box=(left, top, left + side, top + side)
    )
    grey: NDArray[np.uint8] = np.clip(np.rint(np.asarray(shown)), 0, 255).astype(np.uint8)
    draw_mark(grey, 0, 0, number)
    draw_mark(grey, 0, SLICE_PX - MARK_HEIGHT_PX, number)
    return grey


def as_rgba(grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The same as four opaque bytes a pixel; grey reads alike as RGBA and as BGRA."""
    rgba = np.repeat(grey[:, :, None], 4, axis=2)
    rgba[:, :, 3] = 255
    return rgba
