"""Slow motion: the cost of a frame when no frame is dropped."""

from __future__ import annotations

from benchmarks.cases.case import Bench, Case, Outcome
from benchmarks.driver.browser import SurfaceError

#: Frames of one case.
FRAMES = 40
#: How long each frame may take to be shown, s.
SEEN_TIMEOUT_S = 10.0
#: Pause after a frame was shown, in which a subject may refine it, ms.
PAUSE_MS = 60.0


def slow(kind: str, frames: int = FRAMES) -> Case:
    """Makes a case in which each frame is drawn after the previous one was shown, so that the cost per frame
    can be compared between subjects (Nieh, Yang and Novik 2003).

    The case raises SurfaceError at the first frame that is not shown, because a subject that drops frames
    would look cheap.
    """

    def run(bench: Bench) -> Outcome:
        numbers = bench.player.load(frames, kind)
        bench.pause(300)
        bench.surface.start(bench.player.frame_rect[:2], size_px=bench.player.frame_rect[2:])
        meter = bench.meter()
        meter.start()
        for index, number in enumerate(numbers):
            bench.player.show(number)
            if not bench.surface.wait_for(number, SEEN_TIMEOUT_S):
                raise SurfaceError(
                    f"frame {index + 1} of {frames} was not seen within {SEEN_TIMEOUT_S:.0f} s: "
                    "slow motion needs every frame"
                )
            bench.pause(PAUSE_MS)
        reading = meter.stop()
        bench.surface.stop()
        bench.player.blank()
        count = len(numbers)
        figures = {f"{role}_ms_per_frame": cpu_s * 1e3 / count for role, cpu_s in reading.cpu_s.items()}
        return Outcome(
            figures
            | {
                "frames": float(count),
                "missed": 0.0,  # always 0, because a missed frame raises; kept for readers of the JSON
                "down_kb_per_frame": reading.down_bytes / 1e3 / count,
                "up_kb_per_frame": reading.up_bytes / 1e3 / count,
                "server_ms_per_frame": reading.server_cpu_s * 1e3 / count,
                "foreign_cores": reading.foreign_cpu_s / reading.seconds,
            }
        )

    return run
