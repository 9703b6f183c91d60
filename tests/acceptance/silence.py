"""Measures how long the badge says *Exact* after a part of the desktop stopped.

`python -m tests.acceptance.silence gateway|agent|x-server|link [--times 20]` prints the longest time in s as
`value: …`, and exits with 0 if the bar is reached. Browser and test read the same clock of the host.
"""

from __future__ import annotations

import argparse
import time

from tests.acceptance.command import exit_with, note, report
from tests.acceptance.product import SILENT_PARTS, Product, product
from tests.e2e.viewer import PATIENCE_S

#: How long the part stays stopped after the badge fell, s: stops begin at different moments of the beat.
STOPPED_S = 0.13
#: Interval at which the page is asked whether the badge fell, s.
POLL_S = 0.05
#: Records the time of the first state other than *exact*, ms since 1970.
WATCH = """
    const badge = document.querySelector("[data-badge]");
    globalThis.leftExactMs = null;
    const watch = () => { if (badge.dataset.state !== "exact") globalThis.leftExactMs ??= Date.now(); };
    new MutationObserver(watch).observe(badge, { attributes: true, attributeFilter: ["data-state"] });
    watch();
"""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.acceptance.silence", description=__doc__)
    parser.add_argument("part", choices=SILENT_PARTS)
    parser.add_argument("--times", type=int, default=20)
    arguments = parser.parse_args()
    with product() as running:
        longest_s = max(measure(running, arguments.part) for _ in range(arguments.times))
    return report(f"badge-{arguments.part}-stopped", longest_s)


def measure(running: Product, part: str) -> float:
    """Returns how long the badge says *Exact* after the stop, s. A badge that never falls is watched for
    `PATIENCE_S`."""
    stopping = running.stopping(part)
    viewer = running.viewer
    viewer.wait_exact()
    viewer.browser.evaluate(WATCH)
    began_s = time.time()
    with stopping:
        while (left_ms := viewer.browser.evaluate("return globalThis.leftExactMs")) is None:
            if time.time() - began_s > PATIENCE_S:
                note(f"{part}: Exact for longer than {PATIENCE_S:g} s")
                return PATIENCE_S
            time.sleep(POLL_S)
        time.sleep(STOPPED_S)
    took_s = float(left_ms) / 1000 - began_s
    note(f"{part}: left Exact after {took_s:.3f} s")
    return took_s


if __name__ == "__main__":
    exit_with(main)
