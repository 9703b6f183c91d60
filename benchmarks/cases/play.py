"""Frames at a steady rate, as a scrolled stack: shown, dropped and wrong ones, and what they cost."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.cases.case import Bench, Case, Outcome
from benchmarks.cases.exactness import exactness_figures
from benchmarks.content.stage import Shown
from benchmarks.driver.browser import Watched
from benchmarks.driver.meter import Reading

#: How long a subject may take to show the last frame, and then to make it exact.
REST_TIMEOUT_S = 3.0
LEAD_S = 1.0
#: The screen is empty for so long before a pass, ms.
BLANK_MS = 1000.0
#: A still picture: nothing has moved before it for so long, ms, and it may take so long to be exact, s.
STILL_MS, STILL_TIMEOUT_S = 1500.0, 10.0


def play(kind: str, rate: float) -> Case:
    """Frames of `kind` at `rate` a second, none repeated, in two passes over different frames.

    One is timed: the probe reads two strips of the surface. One is checked: it reads every frame shown whole
    and compares it.
    """

    def run(bench: Bench) -> Outcome:
        count = round(rate * bench.effort.seconds)
        timed = one_pass(bench, bench.stage.load(count, kind), rate, check=False)
        drawn, watched, reading = timed.drawn, timed.watched, timed.reading
        series = {"gap_ms": gaps_ms(watched), "delay_ms": delays_ms(drawn, watched)}
        figures = cost_figures(reading, bench.effort.seconds) | shown_figures(drawn, watched)
        figures["shown_per_s"] = figures["shown"] / bench.effort.seconds
        figures["playing_per_s"] = playing_per_s(drawn, watched, rate)
        figures["moving_mbps"] = timed.moving_mbps
        if figures["shown"]:
            # A subject that drops half of the slices looks cheap by the second.
            figures["down_kb_per_slice"] = reading.down_bytes / 1e3 / figures["shown"]
            figures["server_ms_per_slice"] = reading.server_cpu_s * 1e3 / figures["shown"]
        figures["poll_gap_p90_ms"] = watched.poll_gap_ms.p90 or 0.0
        figures["poll_cost_p50_ms"] = watched.poll_cost_ms.p50 or 0.0
        if bench.first_round:
            checked = one_pass(bench, bench.stage.load(count, kind), rate, check=True)
            drawn, watched = checked.drawn, checked.watched
            figures |= {f"checked_{name}": value for name, value in shown_figures(drawn, watched).items()}
            figures["checked_moving_mbps"] = checked.moving_mbps
            figures |= exactness_figures(drawn, watched, kind)
            figures["check_cost_p50_ms"] = watched.check_cost_ms.p50 or 0.0
            if bench.link.rate_mbps is not None and "stop_to_exact_ms" in figures:
                figures |= _beyond_bytes(bench, kind, figures["stop_to_exact_ms"], bench.link.rate_mbps)
        bench.stage.blank()
        return Outcome(figures, series)

    return run


def _beyond_bytes(bench: Bench, kind: str, stop_to_exact_ms: float, rate_mbps: float) -> dict[str, float]:
    """How soon the last picture was exact, less the time that the exact bytes of such a picture need on this
    link: those of a still one, which comes where the last one stands."""
    (number,) = bench.stage.load(1, kind)
    bench.pause(STILL_MS)
    bench.surface.start(bench.stage.place[:2], size_px=bench.stage.place[2:], expected=bench.stage.checksums)
    meter = bench.meter()
    meter.start()
    bench.stage.still(number)
    exact = bench.surface.settle(number, STILL_TIMEOUT_S)
    down_bytes = meter.stop().down_bytes
    bench.surface.stop()
    if not exact:
        return {}
    needed_ms = down_bytes * 8 / rate_mbps / 1e3
    return {"exact_kb": down_bytes / 1e3, "stop_to_exact_beyond_bytes_ms": stop_to_exact_ms - needed_ms}


@dataclass(frozen=True, slots=True)
class Played:
    """One pass: what was drawn, what was seen, and what it cost. `moving_mbps` is what went to the browser
    after the first LEAD_S and until the last frame was drawn: without the exact pictures that some send
    before they find that something moves, and at the end."""

    drawn: list[Shown]
    watched: Watched
    reading: Reading
    moving_mbps: float


def one_pass(bench: Bench, order: Sequence[int], rate: float, *, check: bool) -> Played:
    """Plays `order` and watches. The wire and CPU are read over the playing and half a second after.

    The screen is empty before it: from a picture that stood still for long, and was refined meanwhile, a
    video encoder would take each later one, at no cost.
    """
    stage, surface = bench.stage, bench.surface
    expected = stage.checksums if check else None
    stage.blank()
    bench.pause(BLANK_MS)
    surface.start(stage.place[:2], size_px=stage.place[2:], expected=expected)
    meter = bench.meter()
    meter.start()
    stage.play(order, rate)
    seconds, lead = len(order) / rate, lead_s(len(order), rate)
    bench.pause(lead * 1000)
    before = meter.wire().down
    bench.pause((seconds - lead) * 1000)
    drawn = stage.played(30)
    moving_mbps = (meter.wire().down - before) * 8 / (seconds - lead) / 1e6
    if check:  # at once: how soon it is exact is measured from the last frame
        surface.settle(order[-1], REST_TIMEOUT_S)
    bench.pause(300)
    reading = meter.stop()
    if not check:
        surface.wait_for(order[-1], REST_TIMEOUT_S)
    return Played(drawn, surface.stop(), reading, moving_mbps)


def lead_s(count: int, rate: float) -> float:
    """How long so many frames play before what plays is under way."""
    return min(LEAD_S, count / rate / 2)


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


def playing_per_s(drawn: Sequence[Shown], watched: Watched, rate: float) -> float:
    """Frames a second that were shown of those drawn after the lead: of a film that is under way."""
    under_way = [shown.number for shown in drawn][round(rate * lead_s(len(drawn), rate)) :]
    seen = {seen.number for seen in watched.seen}
    return len(seen.intersection(under_way)) / len(under_way) * rate


def delays_ms(drawn: Sequence[Shown], watched: Watched) -> list[float]:
    """From the drawing of each frame that was shown until it was on the surface."""
    first_seen: dict[int, float] = {}
    for seen in watched.seen:
        first_seen.setdefault(seen.number, seen.epoch_ms)
    return [first_seen[shown.number] - shown.epoch_ms for shown in drawn if shown.number in first_seen]


def gaps_ms(watched: Watched) -> list[float]:
    """Between one frame on the surface and the next."""
    return [b.epoch_ms - a.epoch_ms for a, b in zip(watched.seen, watched.seen[1:], strict=False)]


def cost_figures(reading: Reading, seconds: float) -> dict[str, float]:
    """What was spent, over the seconds of playing: the reading goes on a little longer, until the last bytes
    are in."""
    figures = {
        "down_mbps": reading.down_bytes * 8 / seconds / 1e6,
        "up_kbps": reading.up_bytes * 8 / seconds / 1e3,
        "down_bytes": float(reading.down_bytes),
        "up_bytes": float(reading.up_bytes),
        "server_cores": reading.server_cpu_s / seconds,
        "foreign_cores": reading.foreign_cpu_s / reading.seconds,
    }
    gateway = reading.cpu_s.get("gateway", 0.0)
    if (rest := reading.server_cpu_s - gateway) > 0:
        figures["gateway_share"] = gateway / rest
    return figures | {f"{role}_cores": cpu_s / seconds for role, cpu_s in reading.cpu_s.items()}
