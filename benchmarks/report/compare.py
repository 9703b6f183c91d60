"""Two runs side by side: which differences are more than noise."""

from __future__ import annotations

import random
import statistics
from collections.abc import Sequence

from benchmarks.report.markdown import ROWS
from benchmarks.report.results import Results

RESAMPLES = 2000
#: The middle share of the resampled ratios that is given as the interval.
CONFIDENCE = 0.95


def ratio_interval(before: Sequence[float], after: Sequence[float]) -> tuple[float, float] | None:
    """Bootstrap interval of median(after) / median(before); None for fewer than three values a side or a
    zero."""
    if min(len(before), len(after)) < 3 or not all(before):
        return None
    draw = random.Random(1)
    ratios = sorted(
        statistics.median(draw.choices(after, k=len(after)))
        / statistics.median(draw.choices(before, k=len(before)))
        for _ in range(RESAMPLES)
    )
    cut = round(RESAMPLES * (1 - CONFIDENCE) / 2)
    return ratios[cut], ratios[-cut - 1]


def compare(before: Results, after: Results) -> str:
    """A line for each figure that both runs have; `changed` where the interval leaves 1 out."""
    lines = [f"{'':48}{'before':>10}{'after':>10}{'ratio':>8}  95 % interval"]
    for subject in before.subjects():
        for case, figure, title, _ in ROWS:
            old, new = before.figure(subject, case, figure), after.figure(subject, case, figure)
            if old is None or new is None or old == 0:
                continue
            interval = ratio_interval(_raw(before, subject, case, figure), _raw(after, subject, case, figure))
            if interval is None:
                note = "too few rounds to tell"
            else:
                low, high = interval
                note = f"{low:.3f} … {high:.3f}" + ("" if low <= 1 <= high else "  changed")
            lines.append(f"{subject + ' ' + title:48.48}{old:10.3f}{new:10.3f}{new / old:8.3f}  {note}")
    return "\n".join(lines)


def _raw(results: Results, subject: str, case: str, figure: str) -> list[float]:
    """All clicks for the median of clicks, else one value a round."""
    if figure == "p50_ms" and (clicks := results.series(subject, case, "latency_ms")):
        return clicks
    return results.values(subject, case, figure)
