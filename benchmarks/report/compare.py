"""Compares two runs: which figures changed by more than noise, and which of them became worse."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from benchmarks.links.link import LOOPBACK
from benchmarks.report import html
from benchmarks.report.bars import SUBJECT
from benchmarks.report.results import Results, Sample

#: Resampled ratios per interval.
RESAMPLES = 2000
#: Confidence of the interval: the fraction of the resampled ratios within it.
CONFIDENCE = 0.95
#: Smallest relative change that counts. Smaller ones do not matter to a user, even if they are certain.
SMALLEST_CHANGE = 0.03
#: Exactness is a promise of the product, so any loss counts, however few the rounds.
PROMISED = frozenset({"exact_fraction", "exact_at_rest"})
#: Figures of which more is better. Less is better of all others that are judged.
MORE_IS_BETTER = frozenset({"shown_fraction", "exact_fraction", "psnr_db", "text_psnr_db", "exact_at_rest"})
JUDGED = MORE_IS_BETTER | {
    *("p50_ms", "p90_ms", "delay_p50_ms", "frame_interval_p90_ms", "down_mbps", "down_kb_per_slice"),
    *("down_kb_per_frame", "server_cores", "server_ms_per_slice", "server_ms_per_frame", "browser_cores"),
    *("back_ratio", "open_ms", "cold_open_ms", "added_p50_ms", "down_bytes_per_s", "stop_to_exact_ms"),
    *("agent_mb", "wrong_pixel_fraction", "p95_ms", "stop_to_exact_minus_transfer_ms", "steady_mbps"),
    "peak_agent_mb",
    *("stall_max_ms", "queue_max_ms", "queue_p95_ms", "recovery_s"),
}
#: Figures that are quantiles of a series. The series is resampled instead of one value per round.
QUANTILES = {f"p{percent}_ms": ("latency_ms", percent / 100) for percent in (50, 90, 95)}


class Verdict(Enum):
    BETTER = "better"
    WORSE = "worse"
    NOISE = "noise"


@dataclass(frozen=True, slots=True)
class Change:
    """The change of one figure. `interval` is that of the ratio, or None if there are too few values."""

    subject: str
    case: str
    link: str
    figure: str
    before: float
    after: float
    interval: tuple[float, float] | None

    @property
    def ratio(self) -> float | None:
        """The value after divided by the value before, or None if the latter is 0."""
        return self.after / self.before if self.before else None

    @property
    def verdict(self) -> Verdict:
        if self.after == self.before or not (self.figure in PROMISED or self._certain):
            return Verdict.NOISE
        more = self.after > self.before
        return Verdict.BETTER if more == (self.figure in MORE_IS_BETTER) else Verdict.WORSE

    @property
    def _certain(self) -> bool:
        if self.interval is None or self.ratio is None or abs(self.ratio - 1) < SMALLEST_CHANGE:
            return False
        low, high = self.interval
        return not low <= 1 <= high


Indices = NDArray[np.int64]
Values = NDArray[np.float64]
#: Values of each round by its number: one value, or the raw values of a series.
Rounds = Mapping[int, Sequence[float]]


def ratio_interval(before: Rounds, after: Rounds, probability: float = 0.5) -> tuple[float, float] | None:
    """Returns the bootstrap interval of the ratio of quantiles, quantile(after) / quantile(before).

    Rounds are resampled first, then values within each round. Values of one round come from the same desktop
    and browser and are not independent, so resampling all values at once would make the interval too narrow.
    If both sides have the same rounds, rounds are resampled as pairs, because a disturbance affects both
    sides. Returns None with fewer than three values on a side, or if a quantile of `before` is 0.
    """
    if min(sum(map(len, side.values())) for side in (before, after)) < 3:
        return None
    random = np.random.default_rng(1)
    paired = before.keys() == after.keys()
    olds = random.integers(len(before), size=(RESAMPLES, len(before)))
    news = olds if paired else random.integers(len(after), size=(RESAMPLES, len(after)))
    old = np.quantile(
        _resampled(random, [before[turn] for turn in sorted(before)], olds), probability, axis=1
    )
    new = np.quantile(_resampled(random, [after[turn] for turn in sorted(after)], news), probability, axis=1)
    if not old.all():
        return None
    low, high = np.quantile(new / old, ((1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2))
    return float(low), float(high)


def _resampled(random: np.random.Generator, rounds: Sequence[Sequence[float]], turns: Indices) -> Values:
    """Draws the same number of values from each round in `turns`.

    `turns` is (resample, round); the result is (resample, value).
    """
    count = min(map(len, rounds))
    values = np.zeros((len(rounds), max(map(len, rounds))))
    for index, row in enumerate(rounds):
        values[index, : len(row)] = row
    sizes = np.array([len(row) for row in rounds])[turns][:, :, None]
    within = (random.random((*turns.shape, count)) * sizes).astype(np.int64)
    drawn: Values = values[turns[:, :, None], within].reshape(len(turns), -1)
    return drawn


def require_rounds(results: Results, name: str, cases: Sequence[str], rounds: int) -> None:
    """Raises ValueError if one of the cases has fewer rounds of Lightbox than required. `name` is the
    file's."""
    for case in cases:
        found = len({sample.round for sample in results.of(SUBJECT, case)})
        if found < rounds:
            raise ValueError(f"{name}: case {case} has {found} of {rounds} rounds of {SUBJECT}")


def only_cases(results: Results, cases: Sequence[str]) -> Results:
    """Returns the results with the samples of these cases alone."""
    return replace(results, samples=[sample for sample in results.samples if sample.case in cases])


def as_subject(results: Results, name: str) -> Results:
    """Returns the results with the samples of the subject `name` as those of Lightbox.

    The samples of Lightbox itself are left out, unless `name` is Lightbox.
    """
    if name == SUBJECT:
        return results
    samples = [sample for sample in results.samples if sample.subject != SUBJECT]
    renamed = [replace(one, subject=SUBJECT) if one.subject == name else one for one in samples]
    return replace(results, samples=renamed)


def changes(before: Results, after: Results) -> Iterator[Change]:
    """Yields the change of every judged figure that both runs have."""
    for subject, case, link in itertools.product(before.subjects(), before.cases(), before.links()):
        names = dict.fromkeys(n for sample in before.of(subject, case, link) for n in sample.figures)
        for figure in (name for name in names if name in JUDGED):
            old = before.figure(subject, case, figure, link)
            new = after.figure(subject, case, figure, link)
            if old is None or new is None:
                continue
            series, probability = QUANTILES.get(figure, (None, 0.5))
            olds, news = (_rounds(side.of(subject, case, link), figure, series) for side in (before, after))
            yield Change(subject, case, link, figure, old, new, ratio_interval(olds, news, probability))


def _rounds(samples: Sequence[Sample], figure: str, series: str | None) -> Rounds:
    """Returns the raw values of a figure that is a quantile, if the run has them, otherwise one value per
    round."""
    if series:
        raw = {sample.round: values for sample in samples if (values := sample.series.get(series))}
        if raw:
            return raw
    return {sample.round: [sample.figures[figure]] for sample in samples if figure in sample.figures}


def regressions(before: Results, after: Results, subject: str = SUBJECT) -> list[Change]:
    """Returns the figures of Lightbox that became worse. Changes of peers are due to the machine."""
    return [c for c in changes(before, after) if c.subject == subject and c.verdict is Verdict.WORSE]


HEAD = ("subject", "case", "figure", "before", "after", "ratio", "95 % interval", "")


def table(before: Results, after: Results) -> list[tuple[str, ...]]:
    """Returns a row of HEAD's cells per change, the greatest certain changes first."""
    found = sorted(changes(before, after), key=lambda c: (c.verdict is Verdict.NOISE, -_size(c)))
    return [_row(change) for change in found]


def _size(change: Change) -> float:
    return abs(change.ratio - 1) if change.ratio is not None else float(change.after != 0)


def _row(change: Change) -> tuple[str, ...]:
    low_high = "too few rounds" if change.interval is None else "{:.3f} … {:.3f}".format(*change.interval)
    return (
        change.subject,
        change.case if change.link == LOOPBACK.name else f"{change.case} over {change.link}",
        change.figure,
        f"{change.before:.4g}",
        f"{change.after:.4g}",
        "–" if change.ratio is None else f"{change.ratio:.3f}",
        low_high,
        change.verdict.value,
    )


def compare(before: Results, after: Results) -> str:
    """Returns the comparison as a Markdown table."""
    rows = [HEAD, ("---",) * len(HEAD), *table(before, after)]
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join([f"{before.started} against {after.started}", "", *lines])


def comparison_page(before: Results, after: Results) -> str:
    """Returns the comparison as an HTML page."""
    worse = len(regressions(before, after))
    verdict = (
        f"Figures of Lightbox that became worse: {worse}." if worse else "No figure of Lightbox became worse."
    )
    classes = {Verdict.BETTER.value: "pass", Verdict.WORSE.value: "fail", Verdict.NOISE.value: "note"}
    rows = [(*row[:-1], f'<span class="{classes[row[-1]]}">{row[-1]}</span>') for row in table(before, after)]
    runs = html.table(
        [("", "began", "cores", "cpu", "chromium"), _run("before", before), _run("after", after)]
    )
    return html.document(
        "Two runs compared",
        f'<h1>Two runs compared</h1><p class="lead">{verdict}</p>{runs}<p>{METHOD}</p>'
        + html.table([HEAD, *rows], raw_last=True),
    )


METHOD = (
    "A ratio is the value after divided by the value before. The interval contains 95 % of the resampled "
    "ratios. A change counts if it is at least 3 % and its interval does not contain 1. A loss of exactness "
    "always counts."
)


def _run(name: str, results: Results) -> tuple[str, ...]:
    return (
        name,
        results.started,
        *(str(results.machine.get(key, "?")) for key in ("cores", "cpu", "chromium")),
    )
