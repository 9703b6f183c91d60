"""The bars: what Lightbox must reach, most of them as a ratio to a peer in the same run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from benchmarks.links.link import LOOPBACK
from benchmarks.report.results import Results

SUBJECT = "lightbox"
#: As the case of a bar: its figure is a part of the micro benchmarks, its value the part's ratio.
MICRO = "micro"
DEFAULT, LOSSLESS = "novnc", "novnc-lossless"
ECONOMY, THRIFTY, QUARTER = "lightbox-economy", "lightbox-thrifty", "lightbox-420"
VIDEO = "selkies"
SCROLLING = "click-scrolling", "p95_ms"


class Against(Enum):
    """How a figure is set against the peer's: divided by it, or what it has more."""

    RATIO = "ratio"
    DIFFERENCE = "difference"


@dataclass(frozen=True, slots=True)
class Bar:
    """`figure` of `case`, set against the peer's where there is one, must be at most `most` or at least
    `least`. `subject`: another one than that which is judged."""

    title: str
    case: str
    figure: str
    peer: str | None = None
    most: float | None = None
    least: float | None = None
    link: str = LOOPBACK.name
    subject: str | None = None
    against: Against = Against.RATIO


@dataclass(frozen=True, slots=True)
class Verdict:
    bar: Bar
    value: float | None  # ratio or figure; None where it was not measured
    passed: bool | None


EXACT_BARS = (
    Bar("click → canvas p50, to noVNC", "click", "p50_ms", DEFAULT, most=0.6),
    Bar("click → canvas p90, to noVNC", "click", "p90_ms", DEFAULT, most=0.6),
    Bar("stack 30/s: share of slices shown", "stack30", "shown_share", least=0.99),
    Bar("stack 30/s: share of shown slices exact", "stack30", "exact_share", least=1.0),
    Bar("stack 30/s: Mbit/s, to noVNC lossless", "stack30", "down_mbps", LOSSLESS, most=0.55),
    Bar("stack 30/s: server CPU, to noVNC lossless", "stack30", "server_cores", LOSSLESS, most=0.6),
    Bar("stack 60/s: share of slices shown", "stack60", "shown_share", least=0.95),
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


#: Video for what moves, over links as they are. A loss of 2 % is in both directions, 30 ms in each.
MINUTE_LINK, DROP_LINK = "50+30ms+2%", "50"
MOTION_BARS = (
    Bar("20 Mbit/s, stack 60/s: share of slices shown", "stack60", "shown_share", least=0.98, link="20"),
    Bar(
        "20 Mbit/s, stack 60/s: exact after the stop, without the time of its bytes, ms",
        "stack60",
        "stop_to_exact_beyond_bytes_ms",
        most=150,
        link="20",
    ),
    Bar("economy, stack 60/s: share of slices shown", "stack60", "shown_share", least=0.98, subject=ECONOMY),
    Bar("economy, stack 60/s: Mbit/s, to Selkies", "stack60", "down_mbps", VIDEO, most=1.3, subject=ECONOMY),
    Bar(
        "economy, stack 60/s: server CPU, to Selkies",
        "stack60",
        "server_cores",
        VIDEO,
        most=1.2,
        subject=ECONOMY,
    ),
    Bar(
        "economy, stack 60/s: exact after the stop, ms",
        "stack60",
        "stop_to_exact_ms",
        most=150,
        subject=ECONOMY,
    ),
    Bar("adaptive, stack 60/s on loopback: share of slices exact", "stack60", "exact_share", least=1.0),
    Bar("1080p film at 30/s under way: frames shown/s", "video30", "playing_per_s", least=29),
    Bar("economy, the same from its start", "video30", "shown_per_s", least=29, subject=ECONOMY),
    Bar(
        "economy of 2.5 Mbit/s, film: Mbit/s while it plays, to Selkies",
        "video30",
        "checked_moving_mbps",
        VIDEO,
        most=1.05,
        subject=THRIFTY,
    ),
    Bar(
        "economy of 2.5 Mbit/s, film: PSNR, dB more than Selkies",
        "video30",
        "psnr_db",
        VIDEO,
        least=0.0,
        subject=THRIFTY,
        against=Against.DIFFERENCE,
    ),
    Bar(
        "coloured text over video in 4:4:4: PSNR, dB more than in 4:2:0",
        "text-video30",
        "text_psnr_db",
        QUARTER,
        least=10,
        link="20",
        against=Against.DIFFERENCE,
    ),
    Bar("20 Mbit/s: click → canvas p95 while a stack scrolls, ms", *SCROLLING, most=100, link="20"),
    Bar("5 Mbit/s: click → canvas p95 while a stack scrolls, ms", *SCROLLING, most=150, link="5"),
    Bar(
        "2 % loss, 30 ms: longest freeze in a minute, ms",
        "stack60-minute",
        "freeze_max_ms",
        most=300,
        link=MINUTE_LINK,
    ),
    Bar("2 % loss, 30 ms: exact in the end", "stack60-minute", "exact_at_rest", least=1, link=MINUTE_LINK),
    Bar(
        "50 → 5 Mbit/s: longest wait in the queue, ms", "link-drop", "queue_max_ms", most=200, link=DROP_LINK
    ),
    Bar(
        "50 → 5 Mbit/s: wait in the queue after the first second, p95 ms",
        "link-drop",
        "queue_p95_ms",
        most=200,
        link=DROP_LINK,
    ),
    Bar(
        "5 → 50 Mbit/s: 90 % of the pictures a second again, s",
        "link-drop",
        "recovery_s",
        most=5,
        link=DROP_LINK,
    ),
    Bar("a second monitor, idle: share of the moving one's rate", "idle-monitor", "cost_share", most=0.03),
)
BARS = EXACT_BARS + MOTION_BARS


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
    value = results.figure(bar.subject or subject, bar.case, bar.figure, bar.link)
    if bar.peer is None or value is None:
        return value
    peer = results.figure(bar.peer, bar.case, bar.figure, bar.link)
    if bar.against is Against.DIFFERENCE:
        return value - peer if peer is not None else None
    return value / peer if peer else None
