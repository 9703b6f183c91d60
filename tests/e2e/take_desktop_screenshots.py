"""Takes screenshots of new desktops: `python -m tests.e2e.take_desktop_screenshots [FOLDER [NAME …]]`.

The default folder is `docs/images`; names such as `office-ipad` limit what is taken. Every image shows a
desktop that was started for it. The program ends with an error if a window of a desktop is cut off.
"""

from __future__ import annotations

import contextlib
import io
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from PIL import Image

from tests.e2e.browsers.chromium import Chromium
from tests.e2e.browsers.tablet import GALAXY_TAB, IPAD, IPAD_UPRIGHT, Device, Tablet
from tests.e2e.conftest import signed_in
from tests.e2e.lightbox import ROOT, Lightbox
from tests.e2e.monitor_layout import is_inside
from tests.e2e.processes import wait_for
from tests.e2e.take_screenshots import SETTLES_S, wait_until_still
from tests.e2e.viewer import PATIENCE_S, Viewer
from tests.e2e.x_desktop.display import Window, XDisplay

PROFILES = ("radiology", "office")
SIZES = ((1024, 768), (1280, 720), (1600, 900), (1920, 1080), (2560, 1440), (3840, 2160))
TABLETS: tuple[Device, ...] = (
    IPAD,
    IPAD_UPRIGHT,
    GALAXY_TAB,
    replace(GALAXY_TAB, name="galaxy-tab-upright", width=GALAXY_TAB.height, height=GALAXY_TAB.width),
)
#: The longest side of an image, px, and its JPEG quality.
IMAGE_PX, QUALITY = 560, 72
#: Windows of programs that a desktop has at least: two placed ones, and the main program.
WINDOWS_MIN = 3
#: How often an image is tried.
TRIES = 3
#: How long a desktop may take until it is exact for the first time, s.
OPENED_WITHIN_S = 300.0


def take(folder: Path, names: Sequence[str] = ()) -> int:
    """Takes the named images, or all, and returns the number of windows that were cut off."""
    faults = 0
    with tempfile.TemporaryDirectory(prefix="lightbox-pictures-") as scratch:
        logs = Path(scratch)
        for profile in PROFILES:
            chosen = {
                name: start
                for name, start in _starters(logs).items()
                if not names or f"{profile}-{name}" in names
            }
            if not chosen:
                continue
            lightbox = Lightbox(logs / "log", profile=profile)
            try:
                for name, start in chosen.items():
                    faults += _take_patiently(start, lightbox, folder / f"fits-{profile}-{name}.jpg")
            finally:
                lightbox.stop()
    return faults


def _take_patiently(start: Callable[[], Chromium], lightbox: Lightbox, path: Path) -> int:
    """Takes one image. On a host that is busy a desktop may not start in time, and is tried again."""
    for attempt in range(1, TRIES + 1):
        browser = start()
        try:
            return _take_one(signed_in(browser, lightbox), lightbox, path)
        except AssertionError as error:
            print(path, f"failed: {error}", flush=True)
            if attempt == TRIES:
                raise
        finally:
            browser.close()
            _end_desktops(lightbox)
    raise AssertionError("there is at least one try")


def _starters(logs: Path) -> dict[str, Callable[[], Chromium]]:
    """Returns what starts a browser of each size, by the name of the image."""
    starters: dict[str, Callable[[], Chromium]] = {
        f"{width}x{height}": partial(Chromium, logs, width_px=width, height_px=height)
        for width, height in SIZES
    }
    return starters | {device.name: partial(Tablet, logs, device) for device in TABLETS}


def programs(display: XDisplay) -> list[Window]:
    """Returns the windows of programs, without background and taskbar."""
    return [window for window in display.windows() if window.title not in ("pcmanfm", "tint2", "")]


def _take_one(viewer: Viewer, lightbox: Lightbox, path: Path) -> int:
    """Opens a new desktop, stores an image of the page and returns the number of windows that are cut off."""
    viewer.browser.open(f"{viewer.url}/desktop/{lightbox.profile}")
    viewer.wait_exact(OPENED_WITHIN_S)
    display = lightbox.display()
    try:
        wait_for(
            lambda: len(programs(display)) >= WINDOWS_MIN,
            timeout_s=PATIENCE_S,
            what=lambda: f"the windows of the profile; there are {display.windows()}",
        )
        wait_until_still(display)
        viewer.wait_exact()
        time.sleep(SETTLES_S)
        with Image.open(io.BytesIO(viewer.browser.screenshot())) as image:
            small = image.convert("RGB")
            small.thumbnail((IMAGE_PX, IMAGE_PX), Image.Resampling.LANCZOS)
            small.save(path, quality=QUALITY, optimize=True, progressive=True)
        screen = (0, 0, *display.size())
        cut = [window for window in programs(display) if not is_inside(window, screen)]
        print(path, f"{screen[2]}x{screen[3]}", *(f"cut off: {window}" for window in cut), flush=True)
    finally:
        display.close()
    return len(cut)


def _end_desktops(lightbox: Lightbox) -> None:
    """Ends the running desktop, so that the next image shows a new one."""
    for entry in lightbox.sessions():
        if (pid := entry["pids"]["supervisor"]) is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
    wait_for(lambda: not lightbox.sessions(), timeout_s=PATIENCE_S, what="the end of the desktop")


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs" / "images"
    target.mkdir(parents=True, exist_ok=True)
    sys.exit(1 if take(target, sys.argv[2:]) else 0)
