"""Plays frames at a steady rate, like a scrolled stack. Counts shown, dropped and wrong frames and their
cost."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.cases.case import Bench, Case, Outcome
from benchmarks.cases.exactness import exactness_figures
from benchmarks.content.player import DrawnFrame
from benchmarks.driver.browser import Observation
from benchmarks.driver.meter import Reading

#: How long a subject may take to show the last frame, and then to make it exact.
REST_TIMEOUT_S = 3.0
#: Time at the start of a pass that the steady figures leave out, s.
LEAD_IN_S = 1.0
#: How long the screen is empty before a pass, ms.
BLANK_MS = 1000.0
#: How long nothing moves before the transfer of a single frame is measured, ms.
STILL_MS = 1500.0
#: How long a single frame may take to become exact, s.
STILL_TIMEOUT_S = 10.0


def play(kind: str, rate: float) -> Case:
    """Makes a case that plays frames of `kind` at `rate` per second in two passes over different frames.

    In the timed pass the probe reads only the marks. In the checked pass it reads every frame shown as a
    whole and compares it. No frame is repeated.
    """

    def run(bench: Bench) -> Outcome:
        count = round(rate * bench.effort.seconds)
        timed = one_pass(bench, bench.player.load(count, kind), rate, check=False)
        drawn, observed, reading = timed.drawn, timed.observed, timed.reading
        series = {"frame_interval_ms": frame_intervals_ms(observed), "delay_ms": delays_ms(drawn, observed)}
        figures = cost_figures(reading, bench.effort.seconds) | shown_figures(drawn, observed)
        figures["shown_per_s"] = figures["shown"] / bench.effort.seconds
        figures["steady_shown_per_s"] = steady_shown_per_s(drawn, observed, rate)
        figures["steady_mbps"] = timed.steady_mbps
        if figures["shown"]:
            # Per second, a subject that drops half of the slices would look cheap.
            figures["down_kb_per_slice"] = reading.down_bytes / 1e3 / figures["shown"]
            figures["server_ms_per_slice"] = reading.server_cpu_s * 1e3 / figures["shown"]
        figures["poll_interval_p90_ms"] = observed.poll_interval_ms.p90 or 0.0
        figures["poll_cost_p50_ms"] = observed.poll_cost_ms.p50 or 0.0
        if bench.first_round:
            checked = one_pass(bench, bench.player.load(count, kind), rate, check=True)
            drawn, observed = checked.drawn, checked.observed
            figures |= {f"checked_{name}": value for name, value in shown_figures(drawn, observed).items()}
            figures["checked_steady_mbps"] = checked.steady_mbps
            figures |= exactness_figures(drawn, observed, kind)
            figures["check_cost_p50_ms"] = observed.check_cost_ms.p50 or 0.0
            if bench.link.rate_mbps is not None and "stop_to_exact_ms" in figures:
                figures |= _minus_transfer(bench, kind, figures["stop_to_exact_ms"], bench.link.rate_mbps)
        bench.player.blank()
        return Outcome(figures, series)

    return run


def _minus_transfer(bench: Bench, kind: str, stop_to_exact_ms: float, rate_mbps: float) -> dict[str, float]:
    """Subtracts from `stop_to_exact_ms` the time that the link needs to transfer one exact frame.

    The bytes of an exact frame are measured with a further frame that is shown at rest.
    """
    (number,) = bench.player.load(1, kind)
    bench.pause(STILL_MS)
    bench.surface.start(
        bench.player.frame_rect[:2], size_px=bench.player.frame_rect[2:], expected=bench.player.checksums
    )
    meter = bench.meter()
    meter.start()
    bench.player.show(number)
    exact = bench.surface.settle(number, STILL_TIMEOUT_S)
    down_bytes = meter.stop().down_bytes
    bench.surface.stop()
    if not exact:
        return {}
    transfer_ms = down_bytes * 8 / rate_mbps / 1e3
    return {"exact_kb": down_bytes / 1e3, "stop_to_exact_minus_transfer_ms": stop_to_exact_ms - transfer_ms}


@dataclass(frozen=True, slots=True)
class PassResult:
    """One pass: the frames drawn, the frames observed, and the cost.

    `steady_mbps` is the rate to the browser between LEAD_IN_S and the last frame drawn. It leaves out the
    exact frames that some subjects send before they detect the motion, and at the end.
    """

    drawn: list[DrawnFrame]
    observed: Observation
    reading: Reading
    steady_mbps: float


def one_pass(bench: Bench, numbers: Sequence[int], rate: float, *, check: bool) -> PassResult:
    """Plays frames and observes the surface. Bytes and CPU are counted until about 0.3 s after the last
    frame.

    The screen is cleared first. A video encoder would otherwise predict all frames from a still frame that it
    has refined before the pass, at no cost.
    """
    player, surface = bench.player, bench.surface
    expected = player.checksums if check else None
    player.blank()
    bench.pause(BLANK_MS)
    surface.start(player.frame_rect[:2], size_px=player.frame_rect[2:], expected=expected)
    meter = bench.meter()
    meter.start()
    player.play(numbers, rate)
    seconds, lead_in = len(numbers) / rate, lead_in_s(len(numbers), rate)
    bench.pause(lead_in * 1000)
    before = meter.wire().down
    bench.pause((seconds - lead_in) * 1000)
    drawn = player.wait_for_end(30)
    steady_mbps = (meter.wire().down - before) * 8 / (seconds - lead_in) / 1e6
    if check:  # without a pause, because the time until exact is measured from the last frame
        surface.settle(numbers[-1], REST_TIMEOUT_S)
    bench.pause(300)
    reading = meter.stop()
    if not check:
        surface.wait_for(numbers[-1], REST_TIMEOUT_S)
    return PassResult(drawn, surface.stop(), reading, steady_mbps)


def lead_in_s(count: int, rate: float) -> float:
    """Returns the time at the start of a pass of `count` frames that the steady figures leave out, s."""
    return min(LEAD_IN_S, count / rate / 2)


def shown_figures(drawn: Sequence[DrawnFrame], observed: Observation) -> dict[str, float]:
    """Counts the frames that were drawn and shown, and their delays and intervals."""
    sent = {frame.number for frame in drawn}
    seen = {frame.number for frame in observed.seen}
    delays, intervals = delays_ms(drawn, observed), frame_intervals_ms(observed)
    figures = {
        "sent": float(len(sent)),
        "shown": float(len(sent & seen)),
        "shown_fraction": len(sent & seen) / len(sent),
        "torn_reads": float(observed.torn),
    }
    if delays:
        figures["delay_p50_ms"] = statistics.median(delays)
    if len(intervals) > 1:
        figures["frame_interval_p90_ms"] = statistics.quantiles(intervals, n=10)[-1]
        figures["frame_interval_max_ms"] = max(intervals)
    return figures


def steady_shown_per_s(drawn: Sequence[DrawnFrame], observed: Observation, rate: float) -> float:
    """Returns the frames shown per second, of those drawn after the lead-in."""
    steady = [frame.number for frame in drawn][round(rate * lead_in_s(len(drawn), rate)) :]
    seen = {frame.number for frame in observed.seen}
    return len(seen.intersection(steady)) / len(steady) * rate


def delays_ms(drawn: Sequence[DrawnFrame], observed: Observation) -> list[float]:
    """Returns for each frame that was shown the time from its drawing until the surface showed it."""
    first_seen: dict[int, float] = {}
    for seen in observed.seen:
        first_seen.setdefault(seen.number, seen.epoch_ms)
    return [first_seen[frame.number] - frame.epoch_ms for frame in drawn if frame.number in first_seen]


def frame_intervals_ms(observed: Observation) -> list[float]:
    """Returns the times between successive frames on the surface."""
    return [b.epoch_ms - a.epoch_ms for a, b in zip(observed.seen, observed.seen[1:], strict=False)]


def cost_figures(reading: Reading, seconds: float) -> dict[str, float]:
    """Converts a reading to figures per second. `seconds` is the playing time, which is a little shorter than
    the reading, because the reading includes the last bytes."""
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
        figures["gateway_cpu_ratio"] = gateway / rest
    return figures | {f"{role}_cores": cpu_s / seconds for role, cpu_s in reading.cpu_s.items()}
