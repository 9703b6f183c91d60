"""What a run found, as it is kept in JSON."""

from __future__ import annotations

import statistics
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from benchmarks.micro.figure import Figure

FORMAT = 1


@dataclass(frozen=True, slots=True)
class Sample:
    """One case on one subject in one round."""

    subject: str
    case: str
    round: int
    figures: dict[str, float]
    series: dict[str, list[float]] = field(default_factory=dict)
    link: str = "loopback"


@dataclass(slots=True)
class Results:
    machine: dict[str, Any]
    started: str
    samples: list[Sample] = field(default_factory=list)
    facts: dict[str, dict[str, str]] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)
    not_applicable: dict[str, str] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    micro: list[Figure] = field(default_factory=list)
    format: int = FORMAT

    def subjects(self) -> list[str]:
        return list(dict.fromkeys(sample.subject for sample in self.samples))

    def cases(self) -> list[str]:
        return list(dict.fromkeys(sample.case for sample in self.samples))

    def links(self) -> list[str]:
        return list(dict.fromkeys(sample.link for sample in self.samples))

    def of(self, subject: str, case: str, link: str = "loopback") -> list[Sample]:
        """One a round."""
        wanted = (subject, case, link)
        return [sample for sample in self.samples if (sample.subject, sample.case, sample.link) == wanted]

    def values(self, subject: str, case: str, figure: str, link: str = "loopback") -> list[float]:
        """One value a round."""
        samples = self.of(subject, case, link)
        return [sample.figures[figure] for sample in samples if figure in sample.figures]

    def series(self, subject: str, case: str, name: str, link: str = "loopback") -> list[float]:
        """The raw values of all rounds together."""
        return [value for sample in self.of(subject, case, link) for value in sample.series.get(name, ())]

    def figure(self, subject: str, case: str, figure: str, link: str = "loopback") -> float | None:
        """The median over rounds; quantiles of latencies are taken over all of them together."""
        latencies = self.series(subject, case, "latency_ms", link)
        if latencies and figure in {"p50_ms", "p90_ms", "p95_ms", "p99_ms"}:
            return quantile(latencies, int(figure[1:3]) / 100)
        values = self.values(subject, case, figure, link)
        return statistics.median(values) if values else None

    def foreign_cores(self) -> float:
        """The busiest that other programs kept this machine during any case, in cores."""
        return max((s.figures.get("foreign_cores", 0.0) for s in self.samples), default=0.0)

    def save(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(msgspec.json.format(msgspec.json.encode(asdict(self)), indent=1))


def load(path: Path) -> Results:
    """Raises ValueError when the file is not a result of this format."""
    try:
        results = msgspec.json.decode(path.read_bytes(), type=Results)
    except (OSError, msgspec.MsgspecError) as error:
        raise ValueError(f"{path}: {error}") from error
    if results.format != FORMAT:
        raise ValueError(f"{path}: format {results.format}, this version reads {FORMAT}")
    return results


def quantile(values: Iterable[float], share: float) -> float:
    """Linear between neighbours; `values` must not be empty."""
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)
