"""A stack of grey slices as a viewer shows them: real anatomy, noise of the acquisition, upscaled bilinearly.

Slices are made from their number alone, so that the program that shows them and the driver that checks them
agree.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.content.mark import MARK_HEIGHT_PX, draw_mark

#: Side of a slice on the screen.
SLICE_PX = 1024
#: Noise of the acquisition, uniform, in levels of the windowed picture.
NOISE_LEVELS = 1
#: How far the anatomy moves through the stack, in pixels of the matrix.
_DRIFT_PX = 3.0


class ContentMissingError(Exception):
    """The packages that hold the sample studies are not installed."""


@dataclass(frozen=True, slots=True)
class Study:
    """A file of PyPI's pydicom-data, and how it is shown.

    `black` and `white` are stored values; black above white shows the inverse, as MONOCHROME1 asks for.
    `matrix_px` is the side of the acquisition before the viewer's interpolation.
    """

    file: str
    black: float
    white: float
    matrix_px: int


#: 1024², interpolated by the scanner from 192². Windowed as a reader does: the header's window (centre 1000,
#: width 2000) leaves all but 74 levels unused, which would let a lossy subject fall back to palettes and look
#: exact.
MR = Study("MR2_UNCR.dcm", 0, 600, 192)
#: 512², a head in the header's window: 40 ± 50 HU.
CT = Study("693_UNCR.dcm", 1014, 1114, 512)
#: 1760², a leg in the header's window. As large on the screen as its matrix here: nothing is interpolated.
CR = Study("RG3_UNCR.dcm", 1023, 38, SLICE_PX)


def dataset(file: str) -> Any:
    """A file of pydicom-data. Raises ContentMissingError."""
    try:
        import data_store  # type: ignore[import-untyped]
        import pydicom
    except ImportError as error:
        raise ContentMissingError(f"{error}: pip install pydicom pydicom-data") from error
    return pydicom.dcmread(Path(data_store.__file__).parent / "data" / file)


@functools.cache
def anatomy(study: Study = MR) -> NDArray[np.float32]:
    """The source, windowed and averaged to its matrix: (matrix, matrix), 0 … 255."""
    levels = dataset(study.file).pixel_array.astype(np.float32)
    shown = np.clip((levels - study.black) / (study.white - study.black) * 255, 0, 255)
    side = study.matrix_px
    return np.array(Image.fromarray(shown).resize((side, side), Image.Resampling.BOX), dtype=np.float32)


def unmarked_slice(number: int, study: Study = MR, side_px: int = SLICE_PX) -> NDArray[np.uint8]:
    """Slice `number` as (side, side) levels; no two are alike."""
    matrix_px = study.matrix_px
    noise = np.random.default_rng(number).integers(
        -NOISE_LEVELS, NOISE_LEVELS + 1, (matrix_px, matrix_px), np.int8
    )
    acquired = Image.fromarray(anatomy(study) + noise)
    left = _DRIFT_PX * (1 + math.sin(number / 17))
    top = _DRIFT_PX * (1 + math.cos(number / 23))
    side = matrix_px - 2 * _DRIFT_PX
    shown = acquired.resize(
        (side_px, side_px), Image.Resampling.BILINEAR, box=(left, top, left + side, top + side)
    )
    grey: NDArray[np.uint8] = np.clip(np.rint(np.asarray(shown)), 0, 255).astype(np.uint8)
    return grey


def grey_slice(number: int, study: Study = MR) -> NDArray[np.uint8]:
    """Slice `number` as (1024, 1024) levels, marked at the top and at the bottom left."""
    grey = unmarked_slice(number, study)
    draw_mark(grey, 0, 0, number)
    draw_mark(grey, 0, SLICE_PX - MARK_HEIGHT_PX, number)
    return grey


def as_rgba(grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The same as four opaque bytes a pixel; grey reads alike as RGBA and as BGRA."""
    rgba = np.repeat(grey[:, :, None], 4, axis=2)
    rgba[:, :, 3] = 255
    return rgba
