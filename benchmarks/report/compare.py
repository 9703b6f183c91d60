"""Two runs side by side: which differences are more than noise, and which of these are for the worse."""

from __future__ import annotations

import random
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum

from benchmarks.report.results import Results

RESAMPLES = 2000
#: The middle share of the resampled ratios that is given as the interval.
CONFIDENCE = 0.95
#: A change of less than this is nobody's concern, however certain.
SMALLEST_CHANGE = 0.03
#: Of these more is better; of all others that are judged, less.
MORE_IS_BETTER = frozenset({"shown_share", "exact_share", "psnr_db", "exact_at_rest"})
JUDGED = MORE_IS_BETTER | {
    *("p50_ms", "p90_ms", "delay_p50_ms", "gap_p90_ms", "down_mbps", "down_kb_per_slice"),
    *("down_kb_per_frame", "server_cores", "server_ms_per_slice", "server_ms_per_frame", "browser_cores"),
    *("back_share", "open_ms", "cold_open_ms", "added_p50_ms", "down_bytes_per_s", "stop_to_exact_ms"),
    *("agent_mb", "wrong_pixel_share"),
}
#: Figures that are quantiles of a series: the series is resampled, not one value a round.
QUANTILES = {"p50_ms": ("latency_ms", 0.5), "p90_ms": ("latency_ms", 0.9)}


class Verdict(Enum):
    BETTER = "better"
    WORSE = "worse"
    NOISE = "noise"


@dataclass(frozen=True, slots=True)
class Change:
    """`ratio` is after / before; `interval` is None where there are too few values to tell."""

    subject: str
    case: str
    link: str
    figure: str
    before: float
    after: float
    interval: tuple[float, float] | None

    @property
    def ratio(self) -> float:
        return self.after / self.before

    @property
    def verdict(self) -> Verdict:
        if self.interval is None or abs(self.ratio - 1) < SMALLEST_CHANGE:
            return Verdict.NOISE
        low, high = self.interval
        if low <= 1 <= high:
            return Verdict.NOISE
        return Verdict.BETTER if (low > 1) == (self.figure in MORE_IS_BETTER) else Verdict.WORSE


def ratio_interval(
    before: Sequence[float], after: Sequence[float], share: float = 0.5
) -> tuple[float, float] | None:
    """Bootstrap interval of quantile(after) / quantile(before).

    Values of as many rounds on both sides are resampled as pairs: what befell a round befell both. None for
    fewer than three values a side, or a zero.
    """
    if min(len(before), len(after)) < 3 or not all(before):
        return None
    draw = random.Random(1)
    paired = len(before) == len(after) < 20
    ratios = []
    for _ in range(RESAMPLES):
        olds = draw.choices(range(len(before)), k=len(before))
        news = olds if paired else draw.choices(range(len(after)), k=len(after))
        old, new = [before[i] for i in olds], [after[i] for i in news]
        ratios.append(_quantile(new, share) / _quantile(old, share))
    ratios.sort()
    cut = round(RESAMPLES * (1 - CONFIDENCE) / 2)
    return ratios[cut], ratios[-cut - 1]


def _quantile(values: list[float], share: float) -> float:
    if share == 0.5:
        return statistics.median(values)
    values.sort()
    return values[min(len(values) - 1, int(share * len(values)))]


def changes(before: Results, after: Results) -> Iterator[Change]:
    """Of every judged figure that both runs have."""
    for subject in before.subjects():
        for case in before.cases():
            for link in before.links():
                names = dict.fromkeys(n for sample in before.of(subject, case, link) for n in sample.figures)
                for figure in names:
                    old = before.figure(subject, case, figure, link)
                    new = after.figure(subject, case, figure, link)
                    if figure in JUDGED and old and new is not None:
                        series, share = QUANTILES.get(figure, (None, 0.5))
                        olds, news = (
                            _raw(side, subject, case, figure, link, series) for side in (before, after)
                        )
                        interval = ratio_interval(olds, news, share)
                        yield Change(subject, case, link, figure, old, new, interval)


def _raw(
    results: Results, subject: str, case: str, figure: str, link: str, series: str | None
) -> list[float]:
    if series and (values := results.series(subject, case, series, link)):
        return values
    return results.values(subject, case, figure, link)


def regressions(before: Results, after: Results, subject: str = "lightbox") -> list[Change]:
    """What became worse in our own subject: the peers' changes are the machine's."""
    return [c for c in changes(before, after) if c.subject == subject and c.verdict is Verdict.WORSE]


def compare(before: Results, after: Results) -> str:
    """A Markdown table, what changed most first."""
    found = sorted(changes(before, after), key=lambda c: (c.verdict is Verdict.NOISE, -abs(c.ratio - 1)))
    lines = [
        f"{before.started} against {after.started}",
        "",
        "| subject | case | figure | before | after | ratio | 95 % interval | |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for change in found:
        low_high = "too few rounds" if change.interval is None else "{:.3f} … {:.3f}".format(*change.interval)
        case = change.case if change.link == "loopback" else f"{change.case} over {change.link}"
        lines.append(
            f"| {change.subject} | {case} | {change.figure} | {change.before:.4g} | {change.after:.4g} "
            f"| {change.ratio:.3f} | {low_high} | {change.verdict.value} |"
        )
    return "\n".join(lines)
