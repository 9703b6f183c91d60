"""Counts how often a key that is held when the desktop goes silent types exactly what it may.

`python -m tests.acceptance.held_keys link-stall|agent-kill [--times 20]`. In each run a key is held and
repeated in Chromium, until the link stalls or the agent is killed (SIGKILL). When the desktop is exact again
its program must have received exactly the press and the repeats of before the gap, and the page must have
announced that input was lost. In every other run the key is released at the begin of the gap and other keys
are pressed instead; in the others it stays down and is repeated until after the gap. The value is the number
of right runs.
"""

from __future__ import annotations

import argparse
import os
import signal
import time
from collections.abc import Iterator

from tests.acceptance.command import exit_with, note, report
from tests.acceptance.product import Product, product
from tests.e2e.processes import wait_for
from tests.e2e.production_limits.test_held_keys import LONGER_THAN_A_REPEAT_S, LOST
from tests.e2e.viewer import PATIENCE_S
from tests.e2e.x_desktop.probe import Probe

GAPS = ("link-stall", "agent-kill")
#: The key that is held, one that is typed during a gap, and one that is typed afterwards.
HELD, LOST_KEY, LATER = "x", "l", "y"
#: Interval of repeats, s: 30 per second, as most desktops are set.
REPEAT_S = 1 / 30
#: Fewest presses of the held key before the gap, besides the first; later runs add at most `REPEATS_MORE`.
REPEATS_MIN, REPEATS_MORE = 5, 10
#: Length of the gap, s. What the page sent into a stalled link is then late, and held keys are released.
GAP_S = 3.0
#: How long a key that stays down is repeated after the gap, s.
AFTER_S = 0.5
#: Interval at which a key is typed until the desktop takes it, s.
RETRY_S = 0.5
#: Records every message that the page shows at its lower edge.
WATCH_TOASTS = """
    globalThis.toasts = [];
    if (globalThis.watchingToasts) return;
    globalThis.watchingToasts = true;
    const toast = document.querySelector(".toast");
    const record = () => { if (!toast.hidden) toasts.push(toast.textContent); };
    new MutationObserver(record).observe(toast, { attributes: true, childList: true, characterData: true });
"""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.acceptance.held_keys", description=__doc__)
    parser.add_argument("gap", choices=GAPS)
    parser.add_argument("--times", type=int, default=20)
    arguments = parser.parse_args()
    with product() as running, running.probe() as probe:
        right = sum(is_right(running, probe, arguments.gap, run) for run in range(arguments.times))
    return report(f"held-key-{arguments.gap}", right)


def is_right(running: Product, probe: Probe, gap: str, run: int) -> bool:
    """Holds the key through a gap. Returns whether exactly its repeats were typed and the loss announced."""
    browser = running.viewer.browser
    agent_pid = running.lightbox.session().agent_pid
    running.viewer.wait_exact()
    probe.reset()
    running.display.run("xset", "r", "on")  # as a program of the desktop may do
    browser.evaluate(WATCH_TOASTS)
    expected = 1 + REPEATS_MIN + run % REPEATS_MORE
    for _ in repeats(expected):
        browser.key_down(HELD)
    wait_for(
        lambda: probe.text().count(HELD) >= expected,
        timeout_s=PATIENCE_S,
        what=lambda: f"{expected} characters, has {probe.text()!r}",
    )
    if gap == "link-stall":
        running.relay.swallow()
    else:
        os.kill(agent_pid, signal.SIGKILL)
    stays_down = run % 2 == 1
    try:
        if not stays_down:
            browser.key_up(HELD)
        for _ in repeats(round(GAP_S / REPEAT_S)):
            if stays_down:
                browser.key_down(HELD)
            else:
                browser.tap(LOST_KEY)
    finally:
        running.relay.plug()
    running.viewer.wait_exact()
    if stays_down:
        for _ in repeats(round(AFTER_S / REPEAT_S)):
            browser.key_down(HELD)
        browser.key_up(HELD)
    wait_until_typed(running, probe)
    time.sleep(LONGER_THAN_A_REPEAT_S)
    typed = probe.text().count(HELD)
    announced = any(LOST in text for text in browser.evaluate("return toasts"))
    action = "stays down" if stays_down else "is released"
    note(
        f"{gap}: the key {action}; {expected} presses before the gap, {typed} typed,"
        f" the loss was {'announced' if announced else 'NOT announced'}"
    )
    return typed == expected and announced


def repeats(count: int) -> Iterator[int]:
    """Counts at the interval of repeats."""
    due_s = time.monotonic()
    for number in range(count):
        time.sleep(max(0.0, due_s - time.monotonic()))
        yield number
        due_s += REPEAT_S


def wait_until_typed(running: Product, probe: Probe) -> None:
    """Types the last key until the desktop takes it: then all input before it was applied or dropped."""

    def taken() -> bool:
        running.viewer.browser.tap(LATER)
        time.sleep(RETRY_S)
        return LATER in probe.text()

    wait_for(taken, timeout_s=PATIENCE_S, what=running.viewer.situation)


if __name__ == "__main__":
    exit_with(main)
