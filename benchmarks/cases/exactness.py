"""Compares the frames shown with their sources."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.content.frames import TEXT_VIDEO, frame
from benchmarks.content.player import DrawnFrame
from benchmarks.content.text_over_video import text_with_border
from benchmarks.driver.browser import Observation

#: PSNR of a frame without any error, dB; the formula would give infinity.
PSNR_MAX_DB = 99.0


def exactness_figures(drawn: Sequence[DrawnFrame], observed: Observation, kind: str) -> dict[str, float]:
    """Counts the exact frames among those shown and measures the error of the wrong ones.

    A frame that was replaced before it could be read counts as not exact. Whether the last frame becomes
    exact at rest is reported apart (`rest_figures`).
    """
    shown = [seen for seen in observed.seen if seen.number in {s.number for s in drawn}]
    exact = [seen for seen in shown if seen.exact]
    figures = {
        "checked": float(len(shown)),
        "exact": float(len(exact)),
        "exact_fraction": len(exact) / len(shown) if shown else 0.0,
        "exact_on_first_read": float(sum(seen.attempts == 1 for seen in exact)),
    }
    figures |= rest_figures(drawn, observed)
    errors = [frame_error(rgba, frame(kind, number)) for number, rgba in observed.wrong.items()]
    if errors:
        figures["wrong_pixel_fraction"] = statistics.median(error.pixel_fraction for error in errors)
        figures["max_error_levels"] = float(max(error.max_levels for error in errors))
        figures["psnr_db"] = statistics.median(error.psnr_db for error in errors)
    if kind == TEXT_VIDEO and observed.wrong:
        figures["text_psnr_db"] = statistics.median(
            text_psnr_db(rgba, frame(kind, number)) for number, rgba in observed.wrong.items()
        )
    return figures


def rest_figures(drawn: Sequence[DrawnFrame], observed: Observation) -> dict[str, float]:
    """Reports whether the last frame drawn became exact on the surface, and how long after it was drawn."""
    numbers = {shown.number for shown in drawn}
    last = next((seen for seen in reversed(observed.seen) if seen.number in numbers), None)
    at = last.exact_epoch_ms if last is not None and last.number == drawn[-1].number else None
    if at is None:
        return {"exact_at_rest": 0.0}
    return {"exact_at_rest": 1.0, "stop_to_exact_ms": at - drawn[-1].epoch_ms}


def text_psnr_db(rgba: NDArray[np.uint8], source: NDArray[np.uint8]) -> float:
    """Returns the PSNR of the coloured text and its neighbouring pixels alone."""
    mask = text_with_border()
    return frame_error(rgba.reshape(source.shape)[mask], source[mask]).psnr_db


@dataclass(frozen=True, slots=True)
class FrameError:
    """The error of one frame against its source."""

    pixel_fraction: float  # pixels that differ, of all
    max_levels: int  # greatest difference of a channel
    psnr_db: float


def frame_error(rgba: NDArray[np.uint8], source: NDArray[np.uint8]) -> FrameError:
    """Compares pixels read from the surface with their source. Both have four bytes per pixel, in any
    shape."""
    read, expected = (pixels.reshape(-1, 4)[:, :3].astype(np.int16) for pixels in (rgba, source))
    difference = np.abs(read - expected)
    mean_square = float(np.square(difference, dtype=np.float64).mean())
    psnr_db = 10 * math.log10(255**2 / mean_square) if mean_square else PSNR_MAX_DB
    return FrameError(float(difference.any(axis=1).mean()), int(difference.max()), min(psnr_db, PSNR_MAX_DB))
