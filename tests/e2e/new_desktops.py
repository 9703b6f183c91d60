"""Opens new desktops in windows of ten sizes, on PC and tablet, for those who look at them."""

from __future__ import annotations

import contextlib
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from tests.e2e.browsers.chromium import Chromium
from tests.e2e.browsers.tablet import GALAXY_TAB, IPAD, IPAD_UPRIGHT, Device, Tablet
from tests.e2e.conftest import signed_in
from tests.e2e.desktop_layout import PANEL, programs, started_windows
from tests.e2e.lightbox import Lightbox
from tests.e2e.processes import wait_for
from tests.e2e.take_screenshots import SETTLES_S, wait_until_still
from tests.e2e.viewer import PATIENCE_S, Viewer
from tests.e2e.x_desktop.display import XDisplay

PROFILES = ("radiology", "office")
SIZES = ((1024, 768), (1280, 720), (1600, 900), (1920, 1080), (2560, 1440), (3840, 2160))
TABLETS: tuple[Device, ...] = (
    IPAD,
    IPAD_UPRIGHT,
    GALAXY_TAB,
    replace(GALAXY_TAB, name="galaxy-tab-upright", width=GALAXY_TAB.height, height=GALAXY_TAB.width),
)
#: How often a desktop is tried.
TRIES = 3
#: How long a desktop may take until it is exact for the first time, s.
OPENED_WITHIN_S = 300.0

#: What is done with a desktop whose programs have drawn everything. Its name is like `office-1024x768`.
Look = Callable[[str, Viewer, XDisplay], None]


def names() -> list[str]:
    """Returns the names of all new desktops."""
    sizes = [f"{width}x{height}" for width, height in SIZES] + [device.name for device in TABLETS]
    return [f"{profile}-{size}" for profile in PROFILES for size in sizes]


def open_each(look: Look, wanted: Sequence[str] = ()) -> None:
    """Opens the named desktops, or all, one after another."""
    unknown = set(wanted) - set(names())
    if unknown:
        raise ValueError(f"{', '.join(sorted(unknown))} is none of: {', '.join(names())}")
    with tempfile.TemporaryDirectory(prefix="lightbox-desktops-") as scratch:
        logs = Path(scratch)
        starters = _starters(logs)
        for profile in PROFILES:
            chosen = [size for size in starters if not wanted or f"{profile}-{size}" in wanted]
            if not chosen:
                continue
            lightbox = Lightbox(logs / "log", profile=profile)
            try:
                for size in chosen:
                    _open_patiently(starters[size], lightbox, f"{profile}-{size}", look)
            finally:
                lightbox.stop()


def _starters(logs: Path) -> dict[str, Callable[[], Chromium]]:
    """Returns what starts a browser of each size."""
    starters: dict[str, Callable[[], Chromium]] = {
        f"{width}x{height}": partial(Chromium, logs, width_px=width, height_px=height)
        for width, height in SIZES
    }
    return starters | {device.name: partial(Tablet, logs, device) for device in TABLETS}


def _open_patiently(start: Callable[[], Chromium], lightbox: Lightbox, name: str, look: Look) -> None:
    """Opens one desktop. On a host that is busy a desktop may not start in time, and is tried again."""
    for attempt in range(1, TRIES + 1):
        browser = start()
        try:
            _open(signed_in(browser, lightbox), lightbox, name, look)
        except AssertionError as error:
            print(name, f"failed: {error}", flush=True)
            if attempt == TRIES:
                raise
        else:
            return
        finally:
            browser.close()
            _end_desktops(lightbox)


def _open(viewer: Viewer, lightbox: Lightbox, name: str, look: Look) -> None:
    viewer.browser.open(f"{viewer.url}/desktop/{lightbox.profile}")
    viewer.wait_exact(OPENED_WITHIN_S)
    with contextlib.closing(lightbox.display()) as display:
        wait_for(
            lambda: len(programs(display)) >= started_windows(lightbox.profile),
            timeout_s=PATIENCE_S,
            what=lambda: f"the windows of the profile; there are {display.windows()}",
        )
        # The panel starts anew when the text size changes. One that stays away is a fault that `look` finds.
        with contextlib.suppress(AssertionError):
            wait_for(
                lambda: any(window.title == PANEL for window in display.windows()),
                timeout_s=PATIENCE_S,
                what="a panel",
            )
        wait_until_still(display)
        viewer.wait_exact()
        time.sleep(SETTLES_S)
        look(name, viewer, display)


def _end_desktops(lightbox: Lightbox) -> None:
    """Ends the running desktop, so that the next one is new."""
    for entry in lightbox.sessions():
        lightbox.command("sessions", "end", entry["id"])
    wait_for(lambda: not lightbox.sessions(), timeout_s=PATIENCE_S, what="the end of the desktop")
