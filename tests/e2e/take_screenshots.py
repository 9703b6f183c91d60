"""Takes the README's screenshots: `python -m tests.e2e.take_screenshots [FOLDER]` (default docs/images)."""

from __future__ import annotations

import io
import sys
import tempfile
import time
from pathlib import Path

from PIL import Image

from tests.e2e.browsers.chromium import Chromium
from tests.e2e.lightbox import ROOT, Lightbox
from tests.e2e.processes import wait_for
from tests.e2e.small_png import save_small
from tests.e2e.viewer import PATIENCE_S, Viewer
from tests.e2e.x_desktop.display import XDisplay

DESKTOP_PX = (1600, 900)
#: Page size for sign-in and list.
SMALL_PX = (1100, 700)
#: The programs have drawn everything when the desktop did not change for this long, s.
STILL_S = 3.0
DRAWN_TIMEOUT_S = 60.0
#: Duration of the page's transitions, s.
SETTLES_S = 0.6


def wait_until_still(display: XDisplay) -> None:
    """Waits until the desktop's programs have drawn everything."""
    last = display.pixels()
    since = time.monotonic()

    def still() -> bool:
        nonlocal last, since
        now = display.pixels()
        if (now != last).any():
            last, since = now, time.monotonic()
        return time.monotonic() - since > STILL_S

    wait_for(still, timeout_s=DRAWN_TIMEOUT_S, what="a desktop that does not change", every_s=0.2)


def prefer(browser: Chromium, theme: str, language: str) -> None:
    """Sets the colour scheme and the language of the person's system."""
    browser.run(lambda: browser.page.emulate_media(color_scheme="dark" if theme == "dark" else "light"))
    browser.run(
        lambda: browser.page.add_init_script(
            f"Object.defineProperty(navigator, 'language', {{ get: () => '{language}' }});"
            f"Object.defineProperty(navigator, 'languages', {{ get: () => ['{language}'] }});"
        )
    )


def take(folder: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="lightbox-pictures-") as scratch:
        logs = Path(scratch)
        lightbox = Lightbox(
            logs / "log", profile="radiology", width_px=DESKTOP_PX[0], height_px=DESKTOP_PX[1]
        )
        try:
            for theme, language, ending in (("light", "en", ""), ("dark", "ko", "-dark-ko")):
                browser = Chromium(logs, width_px=DESKTOP_PX[0], height_px=DESKTOP_PX[1])
                try:
                    prefer(browser, theme, language)
                    take_round(browser, lightbox, folder, ending)
                finally:
                    browser.close()
        finally:
            lightbox.stop()


def take_round(browser: Chromium, lightbox: Lightbox, folder: Path, ending: str) -> None:
    def shoot(name: str) -> None:
        time.sleep(SETTLES_S)
        path = folder / f"{name}{ending}.png"
        with Image.open(io.BytesIO(browser.screenshot())) as image:
            save_small(image, path)
        print(path)

    viewer = Viewer(browser, lightbox.url)
    browser.resize(*SMALL_PX)
    browser.open(lightbox.url + "/")
    viewer.wait_for_element('input[name="password"]')
    shoot("sign-in")
    viewer.fill_in(lightbox.username, lightbox.password)
    viewer.wait_for_element('a[href^="/desktop/"]')
    shoot("desktops")
    browser.resize(*DESKTOP_PX)
    viewer.open_desktop("radiology")
    display = lightbox.display()
    wait_until_still(display)
    display.close()
    viewer.wait_exact()
    browser.move(DESKTOP_PX[0] // 2, DESKTOP_PX[1] // 2)
    shoot("desktop")
    viewer.click_element("[data-badge]")
    wait_for(
        lambda: browser.evaluate("return !!document.querySelector('[role=dialog]:not([hidden])')"),
        timeout_s=PATIENCE_S,
        what="the badge's panel",
    )
    time.sleep(2)  # the figures arrive once per second
    shoot("badge")


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs" / "images"
    target.mkdir(parents=True, exist_ok=True)
    take(target)
