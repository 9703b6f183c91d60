"""Two runs side by side: which differences are more than noise, and which of these are for the worse."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from benchmarks.links.link import LOOPBACK
from benchmarks.report import html
from benchmarks.report.results import Results, Sample

RESAMPLES = 2000
#: The middle share of the resampled ratios that is given as the interval.
CONFIDENCE = 0.95
#: A change of less than this is nobody's concern, however certain.
SMALLEST_CHANGE = 0.03
#: A share of exact frames is a promise, no measurement: any loss counts, however few the rounds.
PROMISED = frozenset({"exact_share", "exact_at_rest"})
#: Of these more is better; of all others that are judged, less.
MORE_IS_BETTER = frozenset({"shown_share", "exact_share", "psnr_db", "text_psnr_db", "exact_at_rest"})
JUDGED = MORE_IS_BETTER | {
    *("p50_ms", "p90_ms", "delay_p50_ms", "gap_p90_ms", "down_mbps", "down_kb_per_slice"),
    *("down_kb_per_frame", "server_cores", "server_ms_per_slice", "server_ms_per_frame", "browser_cores"),
    *("back_share", "open_ms", "cold_open_ms", "added_p50_ms", "down_bytes_per_s", "stop_to_exact_ms"),
    *("agent_mb", "wrong_pixel_share", "p95_ms", "stop_to_exact_beyond_bytes_ms", "moving_mbps"),
    *("freeze_max_ms", "queue_max_ms", "queue_p95_ms", "recovery_s"),
}
#: Figures that are quantiles of a series: the series is resampled, not one value a round.
QUANTILES = {f"p{percent}_ms": ("latency_ms", percent / 100) for percent in (50, 90, 95)}


class Verdict(Enum):
    BETTER = "better"
    WORSE = "worse"
    NOISE = "noise"


@dataclass(frozen=True, slots=True)
class Change:
    """`ratio` is after / before, None where before is 0; `interval` is None where there are too few values to
    tell."""

    subject: str
    case: str
    link: str
    figure: str
    before: float
    after: float
    interval: tuple[float, float] | None

    @property
    def ratio(self) -> float | None:
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


Places = NDArray[np.int64]
Values = NDArray[np.float64]
#: One value a round, or the raw values of each round, by the round's number.
Rounds = Mapping[int, Sequence[float]]


def ratio_interval(before: Rounds, after: Rounds, share: float = 0.5) -> tuple[float, float] | None:
    """Bootstrap interval of quantile(after) / quantile(before), of the rounds' values together.

    Rounds are drawn first, then values within each: values of one round share its desktop and its browser, so
    they are not independent, and drawing from all at once would make intervals too narrow. Where both sides
    have the same rounds they are drawn as pairs: what befell a round befell both. None for fewer than three
    values a side, or where a quantile of before is 0.
    """
    if min(sum(map(len, side.values())) for side in (before, after)) < 3:
        return None
    random = np.random.default_rng(1)
    paired = before.keys() == after.keys()
    olds = random.integers(len(before), size=(RESAMPLES, len(before)))
    news = olds if paired else random.integers(len(after), size=(RESAMPLES, len(after)))
    old = np.quantile(_drawn(random, [before[turn] for turn in sorted(before)], olds), share, axis=1)
    new = np.quantile(_drawn(random, [after[turn] for turn in sorted(after)], news), share, axis=1)
    if not old.all():
        return None
    low, high = np.quantile(new / old, ((1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2))
    return float(low), float(high)


def _drawn(random: np.random.Generator, rounds: Sequence[Sequence[float]], turns: Places) -> Values:
    """Values of the rounds at `turns` (draw × round), as many of each: draw × value."""
    count = min(map(len, rounds))
    values = np.zeros((len(rounds), max(map(len, rounds))))
    for place, row in enumerate(rounds):
        values[place, : len(row)] = row
    sizes = np.array([len(row) for row in rounds])[turns][:, :, None]
    within = (random.random((*turns.shape, count)) * sizes).astype(np.int64)
    picked: Values = values[turns[:, :, None], within].reshape(len(turns), -1)
    return picked


def changes(before: Results, after: Results) -> Iterator[Change]:
    """Of every judged figure that both runs have."""
    for subject, case, link in itertools.product(before.subjects(), before.cases(), before.links()):
        names = dict.fromkeys(n for sample in before.of(subject, case, link) for n in sample.figures)
        for figure in (name for name in names if name in JUDGED):
            old = before.figure(subject, case, figure, link)
            new = after.figure(subject, case, figure, link)
            if old is None or new is None:
                continue
            series, share = QUANTILES.get(figure, (None, 0.5))
            olds, news = (_rounds(side.of(subject, case, link), figure, series) for side in (before, after))
            yield Change(subject, case, link, figure, old, new, ratio_interval(olds, news, share))


def _rounds(samples: Sequence[Sample], figure: str, series: str | None) -> Rounds:
    """A figure that is a quantile is drawn from its series, where the run kept it."""
    if series:
        raw = {sample.round: values for sample in samples if (values := sample.series.get(series))}
        if raw:
            return raw
    return {sample.round: [sample.figures[figure]] for sample in samples if figure in sample.figures}


def regressions(before: Results, after: Results, subject: str = "lightbox") -> list[Change]:
    """What became worse in our own subject: the peers' changes are the machine's."""
    return [c for c in changes(before, after) if c.subject == subject and c.verdict is Verdict.WORSE]


HEAD = ("subject", "case", "figure", "before", "after", "ratio", "95 % interval", "")


def table(before: Results, after: Results) -> list[tuple[str, ...]]:
    """A row a change, as HEAD names its cells; what changed most stands first."""
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
    """A Markdown table."""
    rows = [HEAD, ("---",) * len(HEAD), *table(before, after)]
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join([f"{before.started} against {after.started}", "", *lines])


def comparison_page(before: Results, after: Results) -> str:
    """The same table as a page of its own."""
    worse = len(regressions(before, after))
    verdict = (
        f"Figures of Lightbox that became worse: {worse}." if worse else "Nothing of Lightbox became worse."
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
    "Ratios are after to before. An interval is where 95 % of resampled ratios lie; only a change whose "
    "interval does not hold 1 and which is 3 % at least is told from noise. Frames that are no longer exact "
    "are worse without any interval."
)


def _run(name: str, results: Results) -> tuple[str, ...]:
    return (
        name,
        results.started,
        *(str(results.machine.get(key, "?")) for key in ("cores", "cpu", "chromium")),
    )
