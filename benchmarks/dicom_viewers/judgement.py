"""Finds a picture on a screen at 1:1, and judges what the viewer made of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from benchmarks.dicom_viewers.expected import Picture

#: The greatest error of a pixel that is still right, of 255 levels: the rounding of the viewer's own tables.
ERROR_MAX = 1
#: The least correlation of a picture with a place of the screen that counts as shown there, wrong or not.
CORRELATION_MIN = 0.6
#: The least standard deviation of a part of the screen that can be correlated, levels.
_DEVIATION_MIN = 0.5


class Outcome(Enum):
    RIGHT = "right"
    ERROR_SAID = "error said"
    SILENTLY_WRONG = "silently wrong"
    #: The screen shows something, but not this picture at 1:1; nothing can be said of its pixels.
    NOT_FOUND = "not shown at 1:1"


@dataclass(frozen=True, slots=True)
class Judgement:
    """`worst` is the greatest error of a pixel and `mean` the mean error, of 255 levels."""

    outcome: Outcome
    worst: int | None = None
    mean: float | None = None


def judge(
    screen: Picture, pictures: Sequence[Picture], mask: NDArray[np.bool_] | None, *, error_said: bool
) -> Judgement:
    """Judges a screen. `pictures` are the right ones, `mask` the pixels that are not compared."""
    found = [_compare(screen, picture, mask) for picture in pictures]
    right = [judgement for judgement in found if judgement.outcome is Outcome.RIGHT]
    if right:
        return right[0]
    if error_said:
        return Judgement(Outcome.ERROR_SAID)
    wrong = [judgement for judgement in found if judgement.outcome is Outcome.SILENTLY_WRONG]
    if wrong:
        return min(wrong, key=lambda judgement: judgement.worst or 0)
    return Judgement(Outcome.NOT_FOUND)


def locate(screen: Picture, picture: Picture) -> tuple[int, int] | None:
    """Returns the left and upper edge at which the picture correlates best, px; None if it is nowhere.

    Correlation ignores brightness, contrast and inversion, so that also a wrong window is found.
    """
    height, width = picture.shape[:2]
    if height > screen.shape[0] or width > screen.shape[1]:
        return None
    field, pattern = (colours.astype(np.float64).mean(axis=2) for colours in (screen, picture))
    pattern = pattern - pattern.mean()
    if float(pattern.std()) < _DEVIATION_MIN:
        return None
    field = field - field.mean()
    shape = field.shape
    product = np.fft.irfft2(np.fft.rfft2(field) * np.conj(np.fft.rfft2(pattern, shape)), shape)
    product = product[: shape[0] - height + 1, : shape[1] - width + 1]
    count = height * width
    variance = _box_sums(field**2, height, width) - _box_sums(field, height, width) ** 2 / count
    deviation = np.sqrt(np.maximum(variance, count * _DEVIATION_MIN**2))
    correlation = np.abs(product) / (deviation * float(np.sqrt((pattern**2).sum())))
    row, column = divmod(int(correlation.argmax()), correlation.shape[1])
    return (column, row) if float(correlation[row, column]) >= CORRELATION_MIN else None


def _compare(screen: Picture, picture: Picture, mask: NDArray[np.bool_] | None) -> Judgement:
    place = locate(screen, picture)
    if place is None:
        return Judgement(Outcome.NOT_FOUND)
    x, y = place
    height, width = picture.shape[:2]
    shown = screen[y : y + height, x : x + width].astype(np.int16)
    errors = np.abs(shown - picture).max(axis=2)
    if mask is not None:
        errors = errors[~mask]
    worst = int(errors.max()) if errors.size else 0
    outcome = Outcome.RIGHT if worst <= ERROR_MAX else Outcome.SILENTLY_WRONG
    return Judgement(outcome, worst, float(errors.mean()) if errors.size else 0.0)


def _box_sums(field: NDArray[np.float64], height: int, width: int) -> NDArray[np.float64]:
    """Returns the sum of each (height, width) part of the field."""
    sums = np.zeros((field.shape[0] + 1, field.shape[1] + 1))
    sums[1:, 1:] = field.cumsum(axis=0).cumsum(axis=1)
    return sums[height:, width:] - sums[:-height, width:] - sums[height:, :-width] + sums[:-height, :-width]
