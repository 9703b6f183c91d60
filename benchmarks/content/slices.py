"""Generates grey slices as a DICOM viewer shows them: real anatomy, acquisition noise, bilinear upscaling.

A slice depends on its number alone, so the program that shows it and the driver that checks it agree.
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

#: Side of a slice on the screen, px.
SLICE_PX = 1024
#: Acquisition noise: uniform between ± this many levels of the windowed image.
NOISE_LEVELS = 1
#: Amplitude with which the anatomy moves through the stack, in pixels of the acquisition matrix.
_DRIFT_PX = 3.0


class ContentMissingError(Exception):
    """The packages with the sample studies are not installed."""


@dataclass(frozen=True, slots=True)
class Study:
    """A file of the PyPI package pydicom-data and its window.

    `black` and `white` are stored values. Black above white inverts the image, as MONOCHROME1 requires.
    `matrix_px` is the side of the acquisition matrix before the viewer's interpolation, px.
    """

    file: str
    black: float
    white: float
    matrix_px: int


#: An MR of 1024², interpolated by the scanner from 192². It has a reader's window: the header's window
#: (centre 1000, width 2000) uses only 74 levels, with which a lossy subject could use a palette and look
#: exact.
MR = Study("MR2_UNCR.dcm", 0, 600, 192)
#: A CT of a head, 512², in the header's window of 40 ± 50 HU.
CT = Study("693_UNCR.dcm", 1014, 1114, 512)
#: A radiograph of a leg, 1760², in the header's window. It is averaged to the size on the screen, so the
#: viewer does not interpolate.
CR = Study("RG3_UNCR.dcm", 1023, 38, SLICE_PX)


def dataset(file: str) -> Any:
    """Reads a file of pydicom-data. Raises ContentMissingError if the package is not installed."""
    try:
        import data_store  # type: ignore[import-untyped]
        import pydicom
    except ImportError as error:
        raise ContentMissingError(f"{error}: pip install pydicom pydicom-data") from error
    return pydicom.dcmread(Path(data_store.__file__).parent / "data" / file)


@functools.cache
def anatomy(study: Study = MR) -> NDArray[np.float32]:
    """Returns the windowed study, averaged to its matrix: (matrix, matrix) levels of 0 … 255."""
    levels = dataset(study.file).pixel_array.astype(np.float32)
    shown = np.clip((levels - study.black) / (study.white - study.black) * 255, 0, 255)
    side = study.matrix_px
    return np.array(Image.fromarray(shown).resize((side, side), Image.Resampling.BOX), dtype=np.float32)


def unmarked_slice(number: int, study: Study = MR, side_px: int = SLICE_PX) -> NDArray[np.uint8]:
    """Returns slice `number` as (side, side) levels, without its mark. No two slices are equal."""
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
    """Returns slice `number` as (1024, 1024) levels, with its mark at the top left and at the bottom left."""
    grey = unmarked_slice(number, study)
    draw_mark(grey, 0, 0, number)
    draw_mark(grey, 0, SLICE_PX - MARK_HEIGHT_PX, number)
    return grey


def as_rgba(grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Converts levels to (height, width, 4) opaque bytes, valid both as RGBA and as BGRA."""
    rgba = np.repeat(grey[:, :, None], 4, axis=2)
    rgba[:, :, 3] = 255
    return rgba
