"""Measures how long the page takes to name a part that hangs without an effect on picture and input.

`python -m tests.acceptance.notices supervisor|window-manager [--times 20]` prints the longest time in s. The
badge has to stay true meanwhile: it never says *Unverified*, and it does not say *Exact* for more than 1 s on
a picture that lacks a change of the desktop, which a marker proves.
"""

from __future__ import annotations

import argparse
import time

from tests.acceptance.command import exit_with, note, report
from tests.acceptance.marker import live_marker
from tests.acceptance.product import OTHER_PARTS, Product, product
from tests.acceptance.timeline import LATE_AFTER_S, Sample, exact_fraction, longest_on_old_frame
from tests.e2e.processes import wait_for
from tests.e2e.viewer import PATIENCE_S

#: What the page says about each part.
NAMES = {"supervisor": "The supervisor", "window-manager": "The window manager"}
#: Interval at which the page is asked for its message, s.
POLL_S = 0.05


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.acceptance.notices", description=__doc__)
    parser.add_argument("part", choices=OTHER_PARTS)
    parser.add_argument("--times", type=int, default=20)
    arguments = parser.parse_args()
    with product() as running:
        results = [measure(running, arguments.part) for _ in range(arguments.times)]
    longest_s = max(took_s for took_s, _ in results)
    return report(f"notice-{arguments.part}-stopped", longest_s, also=all(is_true for _, is_true in results))


def measure(running: Product, part: str) -> tuple[float, bool]:
    """Returns how long the page took to name the part, s, and whether the badge was true meanwhile."""
    stopping = running.stopping(part)
    wait_for(lambda: not running.toast(), timeout_s=PATIENCE_S, what="no message of the page")
    running.viewer.wait_exact()
    samples: list[Sample] = []
    took_s = PATIENCE_S
    with live_marker(running.viewer, running.display, samples, grab=False) as marker:
        began_s = time.time()
        with stopping:
            while time.time() - began_s < PATIENCE_S:
                text = running.toast()
                now_s = time.time()
                if NAMES[part] in text:
                    took_s = now_s - began_s
                    break
                time.sleep(POLL_S)
    old_s = longest_on_old_frame(samples, marker.drawn)
    wrong = [sample for sample in samples if sample.badge == "unverified"]
    note(
        f"{part}: named after {took_s:.3f} s; Exact {exact_fraction(samples):.0%} of the time,"
        f" on an old frame at most {old_s:.3f} s, Unverified in {len(wrong)} of {len(samples)} samples"
    )
    return took_s, not wrong and old_s <= LATE_AFTER_S


if __name__ == "__main__":
    exit_with(main)
