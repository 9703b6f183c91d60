"""Slow motion: what a frame costs where nobody drops any."""

from __future__ import annotations

from benchmarks.cases.case import Bench, Case, Outcome
from benchmarks.driver.browser import SurfaceError

#: Frames, and how long each may take to be seen, s.
FRAMES, SEEN_TIMEOUT_S = 40, 10.0
#: How long each is left alone once it was seen, so that a subject may refine it, ms.
PAUSE_MS = 60.0


def slow(kind: str, frames: int = FRAMES) -> Case:
    """Each frame is drawn when the one before was seen, so what one costs can be compared between subjects
    (Nieh, Yang and Novik 2003).

    Raises SurfaceError at the first frame that is not seen: a subject that drops some looks cheap.
    """

    def run(bench: Bench) -> Outcome:
        numbers = bench.stage.load(frames, kind)
        bench.pause(300)
        bench.surface.start(bench.stage.place[:2], size_px=bench.stage.place[2:])
        meter = bench.meter()
        meter.start()
        for place, number in enumerate(numbers):
            bench.stage.still(number)
            if not bench.surface.wait_for(number, SEEN_TIMEOUT_S):
                raise SurfaceError(
                    f"frame {place + 1} of {frames} was not seen within {SEEN_TIMEOUT_S:.0f} s: "
                    "slow motion has no figures without it"
                )
            bench.pause(PAUSE_MS)
        reading = meter.stop()
        bench.surface.stop()
        bench.stage.blank()
        count = len(numbers)
        figures = {f"{role}_ms_per_frame": cpu_s * 1e3 / count for role, cpu_s in reading.cpu_s.items()}
        return Outcome(
            figures
            | {
                "frames": float(count),
                "missed": 0.0,  # or there would be no outcome: said for whoever reads the figures alone
                "down_kb_per_frame": reading.down_bytes / 1e3 / count,
                "up_kb_per_frame": reading.up_bytes / 1e3 / count,
                "server_ms_per_frame": reading.server_cpu_s * 1e3 / count,
                "foreign_cores": reading.foreign_cpu_s / reading.seconds,
            }
        )

    return run
