"""The bars: what Lightbox must reach, most of them as a ratio to a peer in the same run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.links.link import LOOPBACK
from benchmarks.report.results import Results

SUBJECT = "lightbox"
#: As the case of a bar: its figure is a part of the micro benchmarks, its value the part's ratio.
MICRO = "micro"
DEFAULT, LOSSLESS = "novnc", "novnc-lossless"


@dataclass(frozen=True, slots=True)
class Bar:
    """`figure` of `case`, divided by the peer's where there is one, must be at most `most` or at least
    `least`."""

    title: str
    case: str
    figure: str
    peer: str | None = None
    most: float | None = None
    least: float | None = None
    link: str = LOOPBACK.name


@dataclass(frozen=True, slots=True)
class Verdict:
    bar: Bar
    value: float | None  # ratio or figure; None where it was not measured
    passed: bool | None


BARS = (
    Bar("click → canvas p50, to noVNC", "click", "p50_ms", DEFAULT, most=0.6),
    Bar("click → canvas p90, to noVNC", "click", "p90_ms", DEFAULT, most=0.6),
    Bar("stack 30/s: share of slices shown", "stack30", "shown_share", least=0.99),
    Bar("stack 30/s: share of shown slices exact", "stack30", "exact_share", least=1.0),
    Bar("stack 30/s: Mbit/s, to noVNC lossless", "stack30", "down_mbps", LOSSLESS, most=0.55),
    Bar("stack 30/s: server CPU, to noVNC lossless", "stack30", "server_cores", LOSSLESS, most=0.6),
    Bar("stack 60/s: share of slices shown", "stack60", "shown_share", least=0.95),
    Bar("stack 60/s: share of shown slices exact", "stack60", "exact_share", least=1.0),
    Bar("stack 60/s: Mbit/s, to noVNC lossless", "stack60", "down_mbps", LOSSLESS, most=0.65),
    Bar("stack 60/s: server CPU, to noVNC lossless", "stack60", "server_cores", LOSSLESS, most=0.65),
    Bar(
        "stack 60/s: bytes for each slice shown, to noVNC lossless",
        "stack60",
        "down_kb_per_slice",
        LOSSLESS,
        most=0.65,
    ),
    Bar(
        "stack 60/s: CPU for each slice shown, to noVNC lossless",
        "stack60",
        "server_ms_per_slice",
        LOSSLESS,
        most=0.65,
    ),
    Bar("scroll back: bytes, to the first pass", "scroll-back", "back_share", most=0.05),
    Bar("idle with caret: server cores", "idle", "server_cores", most=0.01),
    Bar("idle with caret: bytes/s", "idle", "down_bytes_per_s", most=2000),
    Bar("gateway: added to a round trip, ms p50", "relay", "added_p50_ms", most=1.0),
    Bar("gateway: CPU, to the rest of the server (stack 30/s)", "stack30", "gateway_share", most=0.15),
    Bar("3840 × 2160 dirty mask, to memcmp", MICRO, "dirty mask", most=2.0),
    Bar("agent memory, MB", "stack60", "agent_mb", most=120),
    Bar("agent memory after minutes, MB", "memory", "peak_agent_mb", most=120),
    Bar("agent memory: growth over minutes, MB", "memory", "growth_agent_mb", most=5),
    Bar("open a ready desktop, ms", "open", "open_ms", most=1000),
    Bar("open a cold desktop, ms", "cold-open", "cold_open_ms", most=4000),
    Bar("three monitors at once: exact slices/s on each", "monitors", "exact_per_s", least=20),
    Bar("CPU four times slower: slices shown/s", "throttled", "shown_per_s", least=25),
    Bar("CPU four times slower: exact, of those shown", "throttled", "exact_share", least=1.0),
    Bar("CPU four times slower: longest task of the page, ms", "throttled", "longest_task_ms", most=50),
    Bar("two 5 MP monitors in a page: its process, MB", "throttled", "page_mb", most=400),
)


def judge(results: Results, subject: str = SUBJECT, bars: Sequence[Bar] = BARS) -> list[Verdict]:
    """Each bar with what this run says about it."""
    return [_judge(results, subject, bar) for bar in bars]


def _judge(results: Results, subject: str, bar: Bar) -> Verdict:
    value = _value(results, subject, bar)
    if value is None:
        return Verdict(bar, None, None)
    passed = (bar.most is None or value <= bar.most) and (bar.least is None or value >= bar.least)
    return Verdict(bar, value, passed)


def _value(results: Results, subject: str, bar: Bar) -> float | None:
    if bar.case == MICRO:
        return next((figure.ratio for figure in results.micro if figure.part == bar.figure), None)
    value = results.figure(subject, bar.case, bar.figure, bar.link)
    if bar.peer is None or value is None:
        return value
    peer = results.figure(bar.peer, bar.case, bar.figure, bar.link)
    return value / peer if peer else None
