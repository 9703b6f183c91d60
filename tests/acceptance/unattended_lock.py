"""Measures when the screen of a browser is locked that nobody uses any more.

`python -m tests.acceptance.unattended_lock desktop-list|open-viewer|hidden-tab|film [--times 3] [--limit-s
30]`. A person gives input for the last time and then leaves the desktop list or a viewer open, opens
another tab in front of the viewer, or lets a film play in the desktop. The value is the longest time, in
s, from the limit until the server locked the screen and the page showed it; a hidden page shows it when it
is seen again. A screen that is locked before the limit is an error. Hidden tabs are measured in Firefox,
because a Chromium that is controlled believes that it is always visible; all others in Chromium.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import tempfile
import time
from pathlib import Path

from tests.acceptance.command import exit_with, note, report
from tests.e2e.browsers.browser import Browser
from tests.e2e.browsers.chromium import Chromium
from tests.e2e.browsers.firefox import Firefox
from tests.e2e.lightbox import Lightbox
from tests.e2e.processes import wait_for
from tests.e2e.viewer import PATIENCE_S, Viewer
from tests.e2e.x_desktop.film import Film

CASES = ("desktop-list", "open-viewer", "hidden-tab", "film")
#: Size of the page, px.
WIDTH_PX, HEIGHT_PX = 1280, 800
#: How long before the limit the page warns, s.
WARNING_S = 10
#: How much earlier than the limit a screen may be locked, s: agents report the age of the last input.
EARLY_S = 1.0
#: Interval at which the log and the page are read, s.
POLL_S = 0.1
#: How much later than the limit a lock is waited for, s.
LATE_S = 120.0
LOCK_PAGE = "return document.querySelector('form.lock') !== null"
VISIBILITY = "return document.visibilityState"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.acceptance.unattended_lock", description=__doc__)
    parser.add_argument("case", choices=CASES)
    parser.add_argument("--times", type=int, default=3)
    parser.add_argument("--limit-s", type=float, default=30.0)
    arguments = parser.parse_args()
    settings = {
        "LIGHTBOX_SCREEN_LOCK_AFTER_MINUTES": str(arguments.limit_s / 60),
        "LIGHTBOX_SCREEN_LOCK_WARNING_SECONDS": str(WARNING_S),
    }
    late_s = []
    with tempfile.TemporaryDirectory(prefix="acceptance-") as name:
        log = Path(name) / "lightbox.log"
        lightbox = Lightbox(log, profile="blank", width_px=640, height_px=480, settings=settings, patience=1)
        try:
            lightbox.session()
            for number in range(arguments.times):
                late_s.append(measure(lightbox, arguments.case, log) - arguments.limit_s)
                note(f"{arguments.case} {number + 1}: locked {late_s[-1]:+.2f} s after the limit")
                if late_s[-1] < -EARLY_S:
                    raise RuntimeError("the screen was locked before the limit")
        finally:
            lightbox.stop()
    return report(f"lock-{arguments.case}", max(late_s))


def measure(lightbox: Lightbox, case: str, log: Path) -> float:
    """Returns the time from the last input until the screen was locked, s."""
    with contextlib.ExitStack() as stack:
        engine = Firefox if case == "hidden-tab" else Chromium
        browser: Browser = engine(log.parent, width_px=WIDTH_PX, height_px=HEIGHT_PX)
        stack.callback(browser.close)
        viewer = Viewer(browser, lightbox.url)
        viewer.sign_in(lightbox.username, lightbox.password)
        if case == "film":
            film = Film(lightbox.display())
            stack.callback(film.close)
        if case != "desktop-list":
            browser.open(f"{viewer.url}/desktop/blank")
            wait_for(lambda: viewer.connection() == "connected", timeout_s=PATIENCE_S, what=viewer.situation)
            viewer.wait_for_element("canvas")
        locked = locks(log)
        began = time.monotonic()
        browser.tap("Shift")
        if isinstance(browser, Firefox):
            hide(browser)
        wait_for(
            lambda: locks(log) > locked,
            timeout_s=PATIENCE_S + LATE_S,
            what="the screen locked by the server",
            every_s=POLL_S,
        )
        server_s = time.monotonic() - began
        if isinstance(browser, Firefox):
            if browser.evaluate(VISIBILITY) != "hidden":
                raise RuntimeError("the page did not stay hidden")
            browser.send("browsingContext.activate", {"context": browser.context})
        wait_for(
            lambda: browser.evaluate(LOCK_PAGE), timeout_s=PATIENCE_S, what=viewer.situation, every_s=POLL_S
        )
        return server_s if case == "hidden-tab" else time.monotonic() - began


def locks(log: Path) -> int:
    """Returns how many screens were locked so far because there was no input."""
    lines = [json.loads(line) for line in log.read_text().splitlines() if line.startswith("{")]
    return sum(line.get("event") == "screen locked" and line.get("reason") == "no input" for line in lines)


def hide(browser: Firefox) -> None:
    """Opens another tab in front of the page."""
    browser.send("browsingContext.create", {"type": "tab", "background": False})
    wait_for(lambda: browser.evaluate(VISIBILITY) == "hidden", timeout_s=PATIENCE_S, what="the page hidden")


if __name__ == "__main__":
    exit_with(main)
