"""Measures how long a person waits for their desktop after holding a badge to the reader.

`python -m tests.acceptance.badge_tap [--times 10]` prints the median time in s from just before the first key
of the badge until the page calls a frame of the person's own desktop exact. The device is enrolled, the
desktop runs already, the sign-in page is open, and the PIN was given before.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from tests.acceptance.command import exit_with, note, report
from tests.e2e.browsers.chromium import Chromium
from tests.e2e.conftest import PAGE_PX
from tests.e2e.lightbox import Lightbox
from tests.e2e.processes import wait_for
from tests.e2e.test_badges import DEMO, PIN, PREFIX, command, enrol, fill, tap
from tests.e2e.viewer import IS_EXACT, PATIENCE_S, Viewer

#: The device has asked the server how its reader types.
IS_READY = "return document.querySelector('[data-device]')?.textContent"
#: Notes the time, and that of the first exact frame, in ms of the page's clock.
BEGIN = f"""
    globalThis.waited = [performance.now()];
    globalThis.waiting = setInterval(() => {{
        if (!(() => {{ {IS_EXACT} }})()) return;
        waited.push(performance.now());
        clearInterval(waiting);
    }}, 2);
"""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.acceptance.badge_tap", description=__doc__)
    parser.add_argument("--times", type=int, default=10)
    arguments = parser.parse_args()
    with ward() as (chromium, viewer):
        waits_s = [tapped_s(chromium, viewer) for _ in range(arguments.times)]
    return report("badge-tap", statistics.median(waits_s))


@contextmanager
def ward() -> Iterator[tuple[Chromium, Viewer]]:
    """Runs a demo on whose only device its person has chosen a PIN."""
    with tempfile.TemporaryDirectory(prefix="lb") as path:
        width_px, height_px = PAGE_PX
        log, settings = Path(path) / "lightbox.log", {"LIGHTBOX_BADGE_ENABLED": "true"}
        with (
            Lightbox(log, profile="office", settings=settings, patience=1) as lightbox,
            closing(Chromium(Path(path), width_px=width_px, height_px=height_px)) as chromium,
        ):
            command(lightbox, "badge", "add", lightbox.username, given=f"{PREFIX}{DEMO}\n")
            viewer = Viewer(chromium, lightbox.url)
            enrol(chromium, viewer, lightbox)
            tap(chromium, DEMO)
            fill(viewer, **{"badge-password": lightbox.password, "badge-pin": PIN, "badge-pin-again": PIN})
            viewer.wait_exact()
            yield chromium, viewer


def tapped_s(chromium: Chromium, viewer: Viewer) -> float:
    """Signs out, and in again with the badge."""
    viewer.sign_out()
    wait_for(lambda: chromium.evaluate(IS_READY), timeout_s=PATIENCE_S, what="the reader to be known")
    chromium.evaluate(BEGIN)
    tap(chromium, DEMO)
    wait_for(
        lambda: chromium.evaluate("return waited.length === 2"),
        timeout_s=PATIENCE_S,
        what="an exact frame",
    )
    began_ms, exact_ms = chromium.evaluate("return waited")
    wait_s = (float(exact_ms) - float(began_ms)) / 1000
    note(f"exact {wait_s:.3f} s after the tap")
    return wait_s


if __name__ == "__main__":
    exit_with(main)
