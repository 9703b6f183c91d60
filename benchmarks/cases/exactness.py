"""How near the frames shown came to their sources."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.content.frames import frame
from benchmarks.content.stage import Shown
from benchmarks.driver.browser import Watched

#: Lossless or not: the error of a frame that has none would be without end.
PSNR_MAX_DB = 99.0


def exactness_figures(drawn: Sequence[Shown], watched: Watched, kind: str) -> dict[str, float]:
    """Of the frames shown: exact, wrong, and gone before they could be read to the end (counted as not
    exact). The last one may become exact at rest: that is told apart from what it was in motion."""
    shown = [seen for seen in watched.seen if seen.number in {s.number for s in drawn}]
    exact = [seen for seen in shown if seen.exact]
    last = shown[-1] if shown else None
    at_rest = last is not None and last.number == drawn[-1].number
    figures = {
        "checked": float(len(shown)),
        "exact": float(len(exact)),
        "exact_share": len(exact) / len(shown) if shown else 0.0,
        "exact_at_first_sight": float(sum(seen.attempts == 1 for seen in exact)),
        "exact_at_rest": float(at_rest and last is not None and last.exact_epoch_ms is not None),
    }
    if at_rest and last is not None and last.exact_epoch_ms is not None:
        figures["stop_to_exact_ms"] = last.exact_epoch_ms - drawn[-1].epoch_ms
    errors = [wrongness(rgba, frame(kind, number)) for number, rgba in watched.wrong.items()]
    if errors:
        figures["wrong_pixel_share"] = statistics.median(error.pixel_share for error in errors)
        figures["max_error_levels"] = float(max(error.worst_levels for error in errors))
        figures["psnr_db"] = statistics.median(error.psnr_db for error in errors)
    return figures


@dataclass(frozen=True, slots=True)
class Wrongness:
    """Of one frame against its source: pixels that differ, the greatest difference, peak signal to noise."""

    pixel_share: float
    worst_levels: int
    psnr_db: float


def wrongness(rgba: NDArray[np.uint8], source: NDArray[np.uint8]) -> Wrongness:
    """`rgba` as read from the surface, against its source; both of 4 bytes a pixel, in any shape."""
    read, meant = (pixels.reshape(-1, 4)[:, :3].astype(np.int16) for pixels in (rgba, source))
    difference = np.abs(read - meant)
    mean_square = float(np.square(difference, dtype=np.float64).mean())
    psnr_db = 10 * math.log10(255**2 / mean_square) if mean_square else PSNR_MAX_DB
    return Wrongness(float(difference.any(axis=1).mean()), int(difference.max()), min(psnr_db, PSNR_MAX_DB))
