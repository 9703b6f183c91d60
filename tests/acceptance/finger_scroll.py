"""Scrolls a stack of 60 slices with one finger, on a tablet's viewport whose CPU is four times slower.

`python -m tests.acceptance.finger_scroll reachable|slow|rate [--times 5]` measures one of three figures:
- `reachable` is the number of slices at which one swipe over the screen can stop, in the worst of all swipes:
  the finger moves on by the distance of one notch when the page shows the next slice.
- `slow` is the number of slices that the page shows while the finger moves over the screen without a pause,
  five slices per second, in the worst of all swipes.
- `rate` is how many slices per second the page shows in a steady swipe, the median of all swipes, times the
  fraction of them that equal their source pixel by pixel. That fraction is measured in a swipe of its own,
  because the comparison of whole slices slows the page down.
"""

from __future__ import annotations

import argparse
import contextlib
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.content.slices import SLICE_PX
from benchmarks.driver.browser import PROBE
from tests.acceptance.command import exit_with, note, report
from tests.acceptance.product import demo
from tests.acceptance.stack import COUNT, Stack
from tests.e2e.browsers.tablet import IPAD, RATIO, Tablet
from tests.e2e.browsers.touch import STEP_S
from tests.e2e.processes import wait_for
from tests.e2e.tablet_desktop import choose_finger_tool, open_on_tablet
from tests.e2e.viewer import PATIENCE_S, Viewer
from tests.e2e.x_desktop.display import XDisplay

#: How much slower the page's CPU is.
SLOWER = 4
#: Position of the stack on the desktop, px: its lower edge is near that of the screen.
STACK_AT = (600, 560)
#: Where the finger comes down, and how far it moves, CSS px: a swipe over three quarters of the screen.
FINGER_AT = (556.0, 770.0)
SWIPE_PX = 620.0
#: Distance of a finger per slice, CSS px, and the steps in which it moves that far.
SLICE_PITCH_PX, SLICE_STEPS = IPAD.height * 0.75 / COUNT, 3
#: How long a finger waits for the next slice, s.
SLICE_TIMEOUT_S = 5.0
#: Duration of a slow swipe over the whole stack, s: five slices per second.
SLOW_S = 12.0
#: Duration of a steady swipe over the whole stack, s: 33 slices per second.
STEADY_S = 1.8
#: How long a finger rests before it is lifted, s: then it does not flick.
REST_S = 0.15
#: How long the page may need for the last slice, s.
LAST_SLICE_S = 3.0
#: Interval at which the probe reads, ms: that of a display's frames. More reads would slow the page down, and
#: a slice that is replaced sooner was never on a display.
PROBE_INTERVAL_MS = 16
#: How long nothing moves before a swipe, s.
STILL_S = 1.0


@dataclass(frozen=True, slots=True)
class Scrolling:
    """A stack on a tablet's desktop, which one finger scrolls."""

    tablet: Tablet
    viewer: Viewer
    stack: Stack
    display: XDisplay

    def step_through(self) -> set[int]:
        """Moves a finger up by the distance of one slice at a time. Returns the slices that were shown."""
        self._begin(check=False)
        x, y = FINGER_AT
        shown = {0}
        self.tablet.touch({1: (x, y)})
        for number in range(1, COUNT):
            for step in range(1, SLICE_STEPS + 1):
                # One px more than the distance, so that the last notch is complete.
                self.tablet.touch({1: (x, y - 1 - SLICE_PITCH_PX * (number - 1 + step / SLICE_STEPS))})
            deadline_s = time.monotonic() + SLICE_TIMEOUT_S
            while self._last_shown() != number and time.monotonic() < deadline_s:
                time.sleep(STEP_S)
            if self._last_shown() == number:
                shown.add(number)
        time.sleep(REST_S)
        self.tablet.touch({})
        self.tablet.evaluate("lightboxBenchmark.stop()")
        return shown

    def _last_shown(self) -> int:
        number: int = self.tablet.evaluate("return lightboxBenchmark.last()?.number ?? -1")
        return number

    def swipe(self, duration_s: float, *, check: bool) -> list[dict[str, Any]]:
        """Moves a finger up over the screen at a steady speed, from the first slice to the last.

        Returns the slices that the page showed. Each has `number`, the time `at` in ms, and with `check`
        whether it was `exact`.
        """
        self._begin(check=check)
        x, y = FINGER_AT
        self.tablet.touch({1: (x, y)})
        began_s = time.monotonic()
        while (passed_s := time.monotonic() - began_s) < duration_s:
            self.tablet.touch({1: (x, y - SWIPE_PX * passed_s / duration_s)})
            time.sleep(STEP_S)
        self.tablet.touch({1: (x, y - SWIPE_PX)})
        time.sleep(REST_S)
        self.tablet.touch({})
        time.sleep(LAST_SLICE_S)
        note(f"the desktop shows slice {self.stack.number}")
        seen: list[dict[str, Any]] = self.tablet.evaluate("return lightboxBenchmark.stop().seen")
        return seen

    def slow_down(self, factor: int) -> None:
        """Makes the page's CPU slower by this factor."""
        self.tablet.run(lambda: self.tablet.cdp.send("Emulation.setCPUThrottlingRate", {"rate": factor}))

    def _begin(self, *, check: bool) -> None:
        """Rewinds the stack, and lets the probe of the benchmarks record what the page shows."""
        self.stack.rewind()
        time.sleep(STILL_S)
        self.viewer.wait_exact()
        self.tablet.evaluate(
            "const [x, y, side, expected] = "
            f"[{STACK_AT[0]}, {STACK_AT[1]}, {SLICE_PX}, {self._expected(check)}];"
            "lightboxBenchmark.start({ x, y, width: side, height: side, twoMarks: true, always: true,"
            f" timesInput: false, checksAtRest: false, stepMs: {PROBE_INTERVAL_MS}, expected }})"
        )

    def _expected(self, check: bool) -> str:
        sums = {number: list(pair) for number, pair in self.stack.checksums.items()}
        return str(sums) if check else "null"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.acceptance.finger_scroll", description=__doc__)
    parser.add_argument("figure", choices=("reachable", "slow", "rate"))
    parser.add_argument("--times", type=int, default=5, help="swipes")
    arguments = parser.parse_args()
    with scrolling() as running:
        if arguments.figure == "reachable":
            return report("finger-scroll-reachable", measure_reachable(running, arguments.times))
        if arguments.figure == "slow":
            return report("finger-scroll-slow", measure_slow(running, arguments.times))
        return report("finger-scroll-rate", measure_rate(running, arguments.times))


def measure_reachable(running: Scrolling, times: int) -> int:
    """Returns at how many slices the worst swipe could stop."""
    worst = COUNT
    for _ in range(times):
        shown = running.step_through()
        note(f"{len(shown)} slices shown; missing: {sorted(set(range(COUNT)) - shown)}")
        worst = min(worst, len(shown))
    return worst


def measure_slow(running: Scrolling, times: int) -> int:
    """Returns how many slices the worst of the slow swipes showed."""
    worst = COUNT
    for _ in range(times):
        shown = {record["number"] for record in running.swipe(SLOW_S, check=False)}
        note(f"{len(shown)} slices shown; missing: {sorted(set(range(COUNT)) - shown)}")
        worst = min(worst, len(shown))
    return worst


def measure_rate(running: Scrolling, times: int) -> float:
    """Returns the exact slices per second of a steady swipe. Prints two limits of this host beside them."""
    rates = []
    for _ in range(times):
        seen = running.swipe(STEADY_S, check=False)
        rates.append(slices_per_s([record["at"] for record in seen]))
        note(f"{len(seen)} slices shown, {rates[-1]:.1f} per second")
    checked = running.swipe(STEADY_S, check=True)
    judged = [record["exact"] for record in checked if record["exact"] is not None]
    fraction = sum(judged) / len(judged) if judged else 0.0
    note(f"{sum(judged)} of {len(judged)} compared slices are exact")
    # The limits come last, because they fill the caches with slices.
    running.slow_down(1)
    at_full_speed = slices_per_s([record["at"] for record in running.swipe(STEADY_S, check=False)])
    note(f"a page at full speed shows {at_full_speed:.1f} slices per second")
    alone = running.stack.rate_without_page(running.display)
    note(f"without a page the X screen shows {alone:.0f} slices per second")
    return statistics.median(rates) * fraction


def slices_per_s(shown_ms: list[float]) -> float:
    """Returns the rate of slices that appeared at these times. The first one was shown before the swipe."""
    moving = shown_ms[1:]
    if len(moving) < 2 or moving[-1] <= moving[0]:
        return 0.0
    return (len(moving) - 1) / (moving[-1] - moving[0]) * 1000


@contextlib.contextmanager
def scrolling() -> Iterator[Scrolling]:
    """Opens a desktop on an emulated iPad, shows the stack there, and chooses the tool that scrolls."""
    with demo("blank") as (lightbox, folder), contextlib.ExitStack() as parts:
        tablet = Tablet(folder, IPAD)
        parts.callback(tablet.close)
        tablet.before_each_page(Path(PROBE).read_text("utf-8"))
        viewer = open_on_tablet(tablet, lightbox, "blank")
        display = lightbox.display()
        parts.callback(display.close)
        size = IPAD.width * RATIO, IPAD.height * RATIO
        wait_for(lambda: display.size() == size, timeout_s=PATIENCE_S, what=f"a desktop of {size}")
        stack = Stack(display, *STACK_AT)
        stack.start()
        parts.callback(stack.stop)
        choose_finger_tool(viewer, "scroll")
        running = Scrolling(tablet, viewer, stack, display)
        running.slow_down(SLOWER)
        yield running


if __name__ == "__main__":
    exit_with(main)
