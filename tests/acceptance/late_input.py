"""Counts input that was made during a silence of the desktop and takes effect too late.

`python -m tests.acceptance.late_input [gateway|agent|x-server|link …] [--times 20]` stops each part while
keys are typed and the mouse is clicked in Chromium. The value is the number of batches, of at most 250 ms of
input each, that took effect more than 1 s after they were made, in the worst of all silences. The page says
when input was made, and a program on the desktop when it arrived; both read the clock of the host.
"""

from __future__ import annotations

import argparse
import contextlib
import time
from typing import Any

from tests.acceptance.command import exit_with, note, report
from tests.acceptance.product import SILENT_PARTS, Product, product
from tests.acceptance.timeline import LATE_AFTER_S, batches, late_inputs
from tests.e2e.processes import wait_for
from tests.e2e.viewer import PATIENCE_S
from tests.e2e.x_desktop.probe import Probe

#: Each key is typed once in a silence, so that its effect belongs to one input alone.
KEYS = "abcdefghijklmnopqrstuvwxyz0123456789"
#: A key that types nothing and shows that the desktop takes input again.
LAST_KEY = "End"
#: Time from one key to the next, s. A click follows each key, so that there is input about every 40 ms.
KEY_INTERVAL_S = 0.075
#: Keys that are typed before the silence begins.
KEYS_BEFORE = 4
#: Length of the silence after the last input, s: longer than input may be late, so that all input of the
#: silence is late if it takes effect afterwards.
REST_S = LATE_AFTER_S + 0.1
#: Distance of the clicks, px: far enough apart for no double click.
CLICK_STEP_PX = 8
#: The first click, px to the left of the middle of the probe's mouse area.
FIRST_CLICK_PX = 160
#: Interval at which the last key is typed until the desktop takes it, s.
RETRY_S = 0.5
#: Records when keys and buttons were pressed, in s since 1970.
RECORD = """
    globalThis.made = { keys: [], clicks: [] };
    if (globalThis.recordingInput) return;
    globalThis.recordingInput = true;
    const madeAt = (event) => (performance.timeOrigin + event.timeStamp) / 1000;
    addEventListener("keydown", (event) => made.keys.push([event.key, madeAt(event)]), true);
    addEventListener("pointerdown", (event) => made.clicks.push(madeAt(event)), true);
"""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.acceptance.late_input", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"{', '.join(SILENT_PARTS)}; by default all")
    parser.add_argument("--times", type=int, default=20, help="silences of each part")
    arguments = parser.parse_args()
    if unknown := set(arguments.parts) - set(SILENT_PARTS):
        parser.error(f"no such part: {', '.join(sorted(unknown))}")
    worst = 0
    with product() as running, running.probe() as probe:
        for part in arguments.parts or SILENT_PARTS:
            worst = max(worst, *(measure(running, probe, part) for _ in range(arguments.times)))
    return report("input-late", worst)


def measure(running: Product, probe: Probe, part: str) -> int:
    """Returns how many batches of input of one silence took effect late."""
    stopping = running.stopping(part)
    running.viewer.wait_exact()
    probe.reset()
    running.viewer.browser.evaluate(RECORD)
    silent_s = make_input(running, probe, stopping)
    wait_until_input_works(running, probe)
    made = made_inputs(running)
    effects = seen_effects(probe)
    if not {name for name, _ in effects} - {f"key {LAST_KEY}"}:
        raise RuntimeError(f"no input from before the silence took effect: {probe.events()[-5:]}")
    late = late_inputs(made, effects)
    count = batches(late.values())
    text = f"{part}: silent for {silent_s:.2f} s, {len(made)} inputs, {len(effects)} took effect"
    note(f"{text}, {len(late)} late in {count} batches{': ' if late else ''}{', '.join(late)}")
    return count


def make_input(running: Product, probe: Probe, stopping: contextlib.AbstractContextManager[None]) -> float:
    """Types and clicks, a few times before the silence and then through it. Returns how long it was, s."""
    viewer, browser = running.viewer, running.viewer.browser
    places = [viewer.on_page(place) for place in click_places(probe)]
    next_s = time.monotonic()
    began_s = next_s
    with contextlib.ExitStack() as silence:
        for number, (key, (x, y)) in enumerate(zip(KEYS, places, strict=True)):
            if number == KEYS_BEFORE:
                silence.enter_context(stopping)
                began_s = time.monotonic()
            browser.tap(key)
            browser.move(int(x), int(y))
            browser.press()
            browser.release()
            next_s += KEY_INTERVAL_S
            time.sleep(max(0.0, next_s - time.monotonic()))
        time.sleep(REST_S)
    return time.monotonic() - began_s


def click_places(probe: Probe) -> list[tuple[int, int]]:
    """Returns a place in the probe's mouse area for each key, desktop px."""
    x, y = probe.area
    return [(x - FIRST_CLICK_PX + CLICK_STEP_PX * number, y) for number in range(len(KEYS))]


def wait_until_input_works(running: Product, probe: Probe) -> None:
    """Types the last key until the desktop takes it: then all input before it was applied or dropped."""

    def taken() -> bool:
        running.viewer.browser.tap(LAST_KEY)
        time.sleep(RETRY_S)
        return any(event["name"] == LAST_KEY for event in probe.events("key-down"))

    running.viewer.wait_exact()
    wait_for(taken, timeout_s=PATIENCE_S, what=running.viewer.situation)


def made_inputs(running: Product) -> dict[str, float]:
    """Returns the names of the inputs that the page received, with the times at which they were made."""
    recorded: dict[str, Any] = running.viewer.browser.evaluate("return made")
    made: dict[str, float] = {}
    for key, at_s in recorded["keys"]:
        made.setdefault(f"key {key}", at_s)
    return made | {f"click {number}": at_s for number, at_s in enumerate(recorded["clicks"])}


def seen_effects(probe: Probe) -> list[tuple[str, float]]:
    """Returns the names of the inputs that reached the probe, with the times at which they did."""
    first_px = click_places(probe)[0][0]
    effects = []
    for event in probe.events("key-down", "button-down"):
        click = round((event.get("x", first_px) - first_px) / CLICK_STEP_PX)
        name = f"key {event['name']}" if event["kind"] == "key-down" else f"click {click}"
        effects.append((name, event["at"]))
    return effects


if __name__ == "__main__":
    exit_with(main)
