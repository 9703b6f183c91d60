"""Measures whether picture and input stay live while another program grabs the X server.

`python -m tests.acceptance.server_grab [--times 20] [--seconds 20]`. The grabbing program draws a marker that
changes, and reads where the pointer is and whether Shift is held; the page samples its canvas and its badge,
and a person moves the mouse and presses Shift in Chromium. The value is the longest time, in s, for which the
badge said *Exact* although the canvas lacked a change of the marker, or input had no effect yet.
"""

from __future__ import annotations

import argparse
import itertools
import time

from tests.acceptance.command import exit_with, note, report
from tests.acceptance.marker import PointerState, live_marker
from tests.acceptance.product import Product, product
from tests.acceptance.timeline import Sample, exact_fraction, longest_on_old_frame, longest_without_input

#: Where the pointer moves during a grab, px: along a line where the page shows nothing but the desktop.
POINTER_Y_PX = 600
POINTER_X_PX = range(200, 600, 7)
#: Time between two inputs, s.
INPUT_INTERVAL_S = 0.4


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.acceptance.server_grab", description=__doc__)
    parser.add_argument("--times", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=20.0, help="length of each grab, s")
    arguments = parser.parse_args()
    with product() as running:
        longest_s = max(measure(running, arguments.seconds) for _ in range(arguments.times))
    return report("badge-server-grab", longest_s)


def measure(running: Product, seconds: float) -> float:
    """Returns the longest time for which the badge said *Exact* during a grab without being right, s."""
    viewer, browser = running.viewer, running.viewer.browser
    viewer.wait_exact()
    left, top = viewer.on_page((0, POINTER_Y_PX))
    samples: list[Sample] = []
    made: list[tuple[float, PointerState]] = []
    shift = False
    with live_marker(viewer, running.display, samples, grab=True) as marker:
        end_s = time.monotonic() + seconds
        try:
            for x_px in itertools.cycle(POINTER_X_PX):
                if time.monotonic() > end_s:
                    break
                shift = not shift
                made.append((time.time(), (x_px, POINTER_Y_PX, shift)))
                browser.move(int(left + x_px), int(top))
                (browser.key_down if shift else browser.key_up)("Shift")
                time.sleep(INPUT_INTERVAL_S)
        finally:
            if shift:
                browser.key_up("Shift")
    frames_s = longest_on_old_frame(samples, marker.drawn)
    input_s = longest_without_input(samples, made, marker.pointer)
    note(
        f"grab of {seconds:g} s: {len(marker.drawn)} markers, {len(made)} inputs;"
        f" Exact {exact_fraction(samples):.0%} of the time, on an old frame at most {frames_s:.3f} s,"
        f" before input took effect at most {input_s:.3f} s"
    )
    return max(frames_s, input_s)


if __name__ == "__main__":
    exit_with(main)
