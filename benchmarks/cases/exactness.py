"""How near the frames shown came to their sources."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.content.frames import TEXT_VIDEO, frame
from benchmarks.content.stage import Shown
from benchmarks.content.text_over_video import text_and_brim
from benchmarks.driver.browser import Watched

#: Lossless or not: the error of a frame that has none would be without end.
PSNR_MAX_DB = 99.0


def exactness_figures(drawn: Sequence[Shown], watched: Watched, kind: str) -> dict[str, float]:
    """Of the frames shown: exact, wrong, and gone before they could be read to the end (counted as not
    exact). The last one may become exact at rest: that is told apart from what it was in motion."""
    shown = [seen for seen in watched.seen if seen.number in {s.number for s in drawn}]
    exact = [seen for seen in shown if seen.exact]
    figures = {
        "checked": float(len(shown)),
        "exact": float(len(exact)),
        "exact_share": len(exact) / len(shown) if shown else 0.0,
        "exact_at_first_sight": float(sum(seen.attempts == 1 for seen in exact)),
    }
    figures |= rest_figures(drawn, watched)
    errors = [wrongness(rgba, frame(kind, number)) for number, rgba in watched.wrong.items()]
    if errors:
        figures["wrong_pixel_share"] = statistics.median(error.pixel_share for error in errors)
        figures["max_error_levels"] = float(max(error.worst_levels for error in errors))
        figures["psnr_db"] = statistics.median(error.psnr_db for error in errors)
    if kind == TEXT_VIDEO and watched.wrong:
        figures["text_psnr_db"] = statistics.median(
            text_psnr_db(rgba, frame(kind, number)) for number, rgba in watched.wrong.items()
        )
    return figures


def rest_figures(drawn: Sequence[Shown], watched: Watched) -> dict[str, float]:
    """Whether the last frame drawn was shown and became exact, and how long after its drawing."""
    numbers = {shown.number for shown in drawn}
    last = next((seen for seen in reversed(watched.seen) if seen.number in numbers), None)
    at = last.exact_epoch_ms if last is not None and last.number == drawn[-1].number else None
    if at is None:
        return {"exact_at_rest": 0.0}
    return {"exact_at_rest": 1.0, "stop_to_exact_ms": at - drawn[-1].epoch_ms}


def text_psnr_db(rgba: NDArray[np.uint8], source: NDArray[np.uint8]) -> float:
    """Of coloured text and what touches it, whatever the rest is like."""
    there = text_and_brim()
    return wrongness(rgba.reshape(source.shape)[there], source[there]).psnr_db


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
