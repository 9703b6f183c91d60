"""Takes screenshots of tablets: `python -m tests.e2e.take_tablet_screenshots [FOLDER]`.

The default folder is `docs/images`. The images have one pixel per CSS pixel.
"""

from __future__ import annotations

import io
import sys
import tempfile
import time
from pathlib import Path

from PIL import Image

from tests.e2e.browsers.tablet import GALAXY_TAB, IPAD, IPAD_UPRIGHT, Device, Tablet
from tests.e2e.lightbox import ROOT, Lightbox
from tests.e2e.small_png import save_small
from tests.e2e.tablet_desktop import choose_finger_tool, open_on_tablet
from tests.e2e.take_screenshots import SETTLES_S, wait_until_still

#: About the size of an iPad's screen without its bars, px.
DESKTOP_PX = (1600, 1100)
#: How long a finger is held still to open the magnifier, s.
HOLD_S = 0.8
ROUNDS: tuple[tuple[Device, str, bool], ...] = (
    (IPAD, "en", False),
    (IPAD_UPRIGHT, "ko", True),
    (GALAXY_TAB, "ko", False),
)


def take(folder: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="lightbox-pictures-") as scratch:
        logs = Path(scratch)
        lightbox = Lightbox(
            logs / "log", profile="radiology", width_px=DESKTOP_PX[0], height_px=DESKTOP_PX[1]
        )
        try:
            for number, (device, language, dark) in enumerate(ROUNDS):
                tablet = Tablet(logs, device, language=language, dark=dark)
                try:
                    take_round(tablet, lightbox, folder, first=number == 0)
                finally:
                    tablet.close()
        finally:
            lightbox.stop()


def take_round(tablet: Tablet, lightbox: Lightbox, folder: Path, *, first: bool) -> None:
    def shoot(name: str) -> None:
        time.sleep(SETTLES_S)
        path = folder / f"tablet-{tablet.device.name}-{name}.png"
        with Image.open(io.BytesIO(tablet.screenshot())) as image:
            save_small(image, path, side_px=max(tablet.device.width, tablet.device.height))
        print(path)

    def device_is(device: Device) -> bool:
        return tablet.device == device

    viewer = open_on_tablet(tablet, lightbox)
    if first:
        display = lightbox.display()
        wait_until_still(display)
        display.close()
    tablet.tap_element(".handle")
    tablet.tap_element(".tools button")  # fit to window
    tablet.touch({1: viewer.on_page((420, 400))})
    time.sleep(HOLD_S)
    if device_is(IPAD):
        shoot("loupe")
    tablet.touch({})
    if device_is(IPAD):
        choose_finger_tool(viewer, "scroll")
        tablet.tap_element(".finger-current")
        shoot("finger")
        tablet.tap_element('[data-finger-tool="pointer"]')
    tablet.tap_element(".handle")
    tablet.tap_element(".tools button:nth-of-type(3)")
    tablet.tap_element("[data-functions]")
    tablet.tap_element('[data-modifier="control"]')
    if not device_is(GALAXY_TAB):
        shoot("keys")
        return
    tablet.evaluate("document.querySelector('.handle').click()")
    tablet.evaluate("document.querySelectorAll('.tools button')[3].click()")
    shoot("gestures")


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs" / "images"
    target.mkdir(parents=True, exist_ok=True)
    take(target)
