"""The results of a run, and their JSON file."""

from __future__ import annotations

import statistics
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from benchmarks.micro.figure import Figure
from benchmarks.report.renamed import rename_sample
from benchmarks.report.tree import Tree, parse_described

#: Version of the file. Version 1 had older names of figures, cases and series, and no commit.
FORMAT = 2


@dataclass(frozen=True, slots=True)
class Sample:
    """The outcome of one case on one subject in one round."""

    subject: str
    case: str
    round: int
    figures: dict[str, float]
    series: dict[str, list[float]] = field(default_factory=dict)
    link: str = "loopback"


@dataclass(slots=True)
class Results:
    """All samples of a run. A run with `--add` extends the results of an earlier one."""

    machine: dict[str, Any]
    #: Local time of the start, ISO 8601.
    started: str
    samples: list[Sample] = field(default_factory=list)
    #: Versions and settings by subject.
    facts: dict[str, dict[str, str]] = field(default_factory=dict)
    #: Reasons by subject, case or part.
    missing: dict[str, str] = field(default_factory=dict)
    not_applicable: dict[str, str] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    micro: list[Figure] = field(default_factory=list)
    #: The measured source tree. A run that extends results of another commit is not clean.
    tree: Tree = field(default_factory=Tree)
    format: int = FORMAT

    def subjects(self) -> list[str]:
        return list(dict.fromkeys(sample.subject for sample in self.samples))

    def cases(self) -> list[str]:
        return list(dict.fromkeys(sample.case for sample in self.samples))

    def links(self) -> list[str]:
        return list(dict.fromkeys(sample.link for sample in self.samples))

    def of(self, subject: str, case: str, link: str = "loopback") -> list[Sample]:
        """Returns the samples of a case, one per round."""
        wanted = (subject, case, link)
        return [sample for sample in self.samples if (sample.subject, sample.case, sample.link) == wanted]

    def values(self, subject: str, case: str, figure: str, link: str = "loopback") -> list[float]:
        """Returns the values of a figure, one per round."""
        samples = self.of(subject, case, link)
        return [sample.figures[figure] for sample in samples if figure in sample.figures]

    def series(self, subject: str, case: str, name: str, link: str = "loopback") -> list[float]:
        """Returns the raw values of all rounds together."""
        return [value for sample in self.of(subject, case, link) for value in sample.series.get(name, ())]

    def figure(self, subject: str, case: str, figure: str, link: str = "loopback") -> float | None:
        """Returns the median over rounds, or None. Latency quantiles are taken over the presses of all
        rounds."""
        latencies = self.series(subject, case, "latency_ms", link)
        if latencies and figure in {"p50_ms", "p90_ms", "p95_ms", "p99_ms"}:
            return quantile(latencies, int(figure[1:3]) / 100)
        values = self.values(subject, case, figure, link)
        return statistics.median(values) if values else None

    def rounds(self, subject: str, case: str, figure: str, link: str = "loopback") -> int:
        """Returns the number of rounds in which a figure was measured."""
        samples = self.of(subject, case, link)
        return len({sample.round for sample in samples if figure in sample.figures})

    def foreign_cores(self) -> float:
        """Returns the greatest CPU use of other programs on this machine during any case, in cores."""
        return max((s.figures.get("foreign_cores", 0.0) for s in self.samples), default=0.0)

    def save(self, path: Path) -> None:
        """Writes the results as JSON."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(msgspec.json.format(msgspec.json.encode(asdict(self)), indent=1))


def load(path: Path) -> Results:
    """Reads results, also of version 1. Raises ValueError if the file is not a result of a known version."""
    try:
        results = msgspec.json.decode(path.read_bytes(), type=Results)
    except (OSError, msgspec.MsgspecError) as error:
        raise ValueError(f"{path}: {error}") from error
    if results.format == 1:
        _upgrade(results)
    if results.format != FORMAT:
        raise ValueError(f"{path}: format {results.format}, this version reads 1 and {FORMAT}")
    return results


def _upgrade(results: Results) -> None:
    """Converts results of version 1 in place: renames figures, and finds the commit in the facts of
    Lightbox."""
    results.samples = [
        Sample(
            sample.subject,
            *rename_sample(sample.case, sample.round, sample.figures, sample.series),
            link=sample.link,
        )
        for sample in results.samples
    ]
    described = {facts["commit"] for facts in results.facts.values() if "commit" in facts}
    if len(described) == 1:
        results.tree = parse_described(described.pop())
    results.format = FORMAT


def quantile(values: Iterable[float], probability: float) -> float:
    """Interpolates linearly between neighbours. `values` must not be empty."""
    ordered = sorted(values)
    position = probability * (len(ordered) - 1)
    below = int(position)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (position - below)
