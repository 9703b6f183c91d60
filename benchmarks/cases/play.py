"""Frames at a steady rate, as a scrolled stack: shown, dropped and wrong ones, and what they cost."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.cases.case import Bench, Case, Outcome
from benchmarks.content.frames import frame
from benchmarks.content.stage import Shown
from benchmarks.driver.browser import Watched
from benchmarks.driver.meter import Reading

#: How long a subject may take to come to rest and to exact after the last slice.
REST_TIMEOUT_S = 3.0
#: In slow motion: frames, and how long each is left alone, so that a subject may refine it, ms.
SLOW_FRAMES, SLOW_PAUSE_MS = 40, 60.0


#: Lossless or not: the error of a slice that has none would be without end.
PSNR_MAX_DB = 99.0


def play(kind: str, rate: float) -> Case:
    """Frames of `kind` at `rate` a second, none repeated, in two passes over different frames.

    One is timed: the probe reads two strips of the surface. One is checked: it reads every frame shown whole
    and compares it.
    """

    def run(bench: Bench) -> Outcome:
        count = round(rate * bench.effort.seconds)
        drawn, watched, reading = one_pass(bench, bench.stage.load(count, kind), rate, check=False)
        series = {"gap_ms": gaps_ms(watched), "delay_ms": delays_ms(drawn, watched)}
        figures = cost_figures(reading, bench.effort.seconds) | shown_figures(drawn, watched)
        if figures["shown"]:
            # A subject that drops half of the slices looks cheap by the second.
            figures["down_kb_per_slice"] = reading.down_bytes / 1e3 / figures["shown"]
            figures["server_ms_per_slice"] = reading.server_cpu_s * 1e3 / figures["shown"]
        figures["poll_gap_p90_ms"] = watched.poll_gap_ms.p90 or 0.0
        figures["poll_cost_p50_ms"] = watched.poll_cost_ms.p50 or 0.0
        if bench.first_round:
            drawn, watched, _ = one_pass(bench, bench.stage.load(count, kind), rate, check=True)
            figures |= {f"checked_{name}": value for name, value in shown_figures(drawn, watched).items()}
            figures |= exactness_figures(drawn, watched, kind)
            figures["check_cost_p50_ms"] = watched.check_cost_ms.p50 or 0.0
        bench.stage.blank()
        return Outcome(figures, series)

    return run


def one_pass(
    bench: Bench, order: Sequence[int], rate: float, *, check: bool
) -> tuple[list[Shown], Watched, Reading]:
    """Plays `order` and watches. The wire and CPU are read over the playing and half a second after."""
    stage, surface = bench.stage, bench.surface
    expected = stage.checksums if check else None
    bench.pause(300)
    surface.start(stage.place[:2], size_px=stage.place[2:], expected=expected)
    meter = bench.meter()
    meter.start()
    stage.play(order, rate)
    bench.pause(len(order) / rate * 1000)
    drawn = stage.played(30)
    bench.pause(300)
    reading = meter.stop()
    surface.wait_for(order[-1], REST_TIMEOUT_S, exact=check)
    return drawn, surface.stop(), reading


def shown_figures(drawn: Sequence[Shown], watched: Watched) -> dict[str, float]:
    sent = {shown.number for shown in drawn}
    seen = {seen.number for seen in watched.seen}
    delays, gaps = delays_ms(drawn, watched), gaps_ms(watched)
    figures = {
        "sent": float(len(sent)),
        "shown": float(len(sent & seen)),
        "shown_share": len(sent & seen) / len(sent),
        "torn_reads": float(watched.torn),
    }
    if delays:
        figures["delay_p50_ms"] = statistics.median(delays)
    if len(gaps) > 1:
        figures["gap_p90_ms"] = statistics.quantiles(gaps, n=10)[-1]
        figures["gap_max_ms"] = max(gaps)
    return figures


def delays_ms(drawn: Sequence[Shown], watched: Watched) -> list[float]:
    """From the drawing of each frame that was shown until it was on the surface."""
    first_seen: dict[int, float] = {}
    for seen in watched.seen:
        first_seen.setdefault(seen.number, seen.epoch_ms)
    return [first_seen[shown.number] - shown.epoch_ms for shown in drawn if shown.number in first_seen]


def gaps_ms(watched: Watched) -> list[float]:
    """Between one frame on the surface and the next."""
    return [b.epoch_ms - a.epoch_ms for a, b in zip(watched.seen, watched.seen[1:], strict=False)]


def exactness_figures(drawn: Sequence[Shown], watched: Watched, kind: str) -> dict[str, float]:
    """Of the frames shown: exact, wrong, and gone before they could be read to the end (counted as not
    exact)."""
    shown = [seen for seen in watched.seen if seen.number in {s.number for s in drawn}]
    exact = [seen for seen in shown if seen.exact]
    last = shown[-1] if shown else None
    at_rest = last is not None and last.number == drawn[-1].number
    figures = {
        "checked": float(len(shown)),
        "exact": float(len(exact)),
        "exact_share": len(exact) / len(shown) if shown else 0.0,
        "exact_at_first_sight": float(sum(seen.attempts == 1 for seen in exact)),
        "exact_at_rest": float(at_rest and bool(last and last.exact)),
    }
    if at_rest and last is not None and last.exact and last.exact_epoch_ms is not None:
        figures["stop_to_exact_ms"] = last.exact_epoch_ms - drawn[-1].epoch_ms
    errors = [wrongness(kind, number, rgba) for number, rgba in watched.wrong.items()]
    if errors:
        figures["wrong_pixel_share"] = statistics.median(error.pixel_share for error in errors)
        figures["max_error_levels"] = float(max(error.worst_levels for error in errors))
        figures["psnr_db"] = statistics.median(error.psnr_db for error in errors)
    return figures


@dataclass(frozen=True, slots=True)
class Wrongness:
    """Of one frame against its source: pixels that differ, the greatest difference, peak signal to noise."""

    pixel_share: float
    worst_levels: int
    psnr_db: float


def wrongness(kind: str, number: int, rgba: np.ndarray[tuple[int], np.dtype[np.uint8]]) -> Wrongness:
    """`rgba` as read from the surface, of frame `number`."""
    source = frame(kind, number).reshape(-1, 4)[:, :3].astype(np.int16)
    difference = np.abs(rgba.reshape(-1, 4)[:, :3].astype(np.int16) - source)
    mean_square = float(np.square(difference, dtype=np.float64).mean())
    psnr_db = 10 * math.log10(255**2 / mean_square) if mean_square else PSNR_MAX_DB
    return Wrongness(float(difference.any(axis=1).mean()), int(difference.max()), min(psnr_db, PSNR_MAX_DB))


def cost_figures(reading: Reading, seconds: float) -> dict[str, float]:
    """What was spent, over the seconds of playing: the reading goes on a little longer, until the last bytes
    are in."""
    figures = {
        "down_mbps": reading.down_bytes * 8 / seconds / 1e6,
        "up_kbps": reading.up_bytes * 8 / seconds / 1e3,
        "down_bytes": float(reading.down_bytes),
        "server_cores": reading.server_cpu_s / seconds,
        "foreign_cores": reading.foreign_cpu_s / reading.seconds,
    }
    gateway = reading.cpu_s.get("gateway", 0.0)
    if (rest := reading.server_cpu_s - gateway) > 0:
        figures["gateway_share"] = gateway / rest
    return figures | {f"{role}_cores": cpu_s / seconds for role, cpu_s in reading.cpu_s.items()}


def scroll_back(bench: Bench) -> Outcome:
    """Forward over slices never seen at 30/s, then back over the same: bytes of the second pass to the
    first."""
    rate = 30.0
    numbers = bench.stage.load(round(rate * min(bench.effort.seconds, 4)))
    _, _, first = one_pass(bench, numbers, rate, check=False)
    drawn, watched, second = one_pass(bench, numbers[-2::-1], rate, check=True)
    figures = {"first_bytes": float(first.down_bytes), "back_bytes": float(second.down_bytes)}
    figures["back_share"] = second.down_bytes / first.down_bytes
    figures["back_server_cores"] = second.server_cpu_s * rate / len(numbers)
    figures["foreign_cores"] = first.foreign_cpu_s / first.seconds
    figures |= shown_figures(drawn, watched) | exactness_figures(drawn, watched, "stack")
    bench.stage.blank()
    return Outcome(figures)


def slow(kind: str, frames: int = SLOW_FRAMES) -> Case:
    """Slow motion: each frame is drawn when the one before was seen. So nobody drops any, and what a frame
    costs can be compared (Nieh, Yang and Novik 2003)."""

    def run(bench: Bench) -> Outcome:
        numbers = bench.stage.load(frames, kind)
        bench.pause(300)
        bench.surface.start(bench.stage.place[:2], size_px=bench.stage.place[2:])
        meter = bench.meter()
        meter.start()
        missed = 0
        for number in numbers:
            bench.stage.still(number)
            missed += not bench.surface.wait_for(number, REST_TIMEOUT_S)
            bench.pause(SLOW_PAUSE_MS)
        reading = meter.stop()
        bench.surface.stop()
        bench.stage.blank()
        count = len(numbers)
        return Outcome(
            {
                "frames": float(count),
                "missed": float(missed),
                "down_kb_per_frame": reading.down_bytes / 1e3 / count,
                "server_ms_per_frame": reading.server_cpu_s * 1e3 / count,
                "browser_ms_per_frame": reading.cpu_s["browser"] * 1e3 / count,
                "foreign_cores": reading.foreign_cpu_s / reading.seconds,
            }
        )

    return run
