"""The desktop's cursor in real browsers: one of its pixels is as large as one pixel of the desktop."""

from __future__ import annotations

import numpy as np
import pytest
import xcffib.xfixes
from numpy.typing import NDArray

from tests.e2e.browsers.browser import Browser
from tests.e2e.browsers.chromium import Chromium
from tests.e2e.browsers.x_browser import XBrowser
from tests.e2e.conftest import DESKTOP_PX, PAGE_PX, signed_in
from tests.e2e.lightbox import Lightbox
from tests.e2e.processes import wait_for
from tests.e2e.viewer import PATIENCE_S, SURFACE, Viewer
from tests.e2e.x_desktop.display import XDisplay

#: A position on the desktop's background, px.
BACKGROUND = (40, 40)
#: Device pixels by which the visible part of a scaled cursor may differ: its edges are blurred.
TOLERANCE_PX = 1.5
CURSOR_CSS = f"return getComputedStyle({SURFACE}).cursor"
GHOST = """
const ghost = document.querySelector('.remote-cursor');
const { width, height } = ghost.getBoundingClientRect();
return [width * devicePixelRatio, height * devicePixelRatio, ghost.naturalWidth, ghost.naturalHeight];
"""


def cursor_image(display: XDisplay) -> NDArray[np.uint8]:
    """Returns the alpha channel of the cursor that an X server shows now."""
    x = display.connect()
    fixes = x(xcffib.xfixes.key)
    fixes.QueryVersion(4, 0).reply()
    image = fixes.GetCursorImage().reply()
    argb = np.array(image.cursor_image, np.uint32).reshape(image.height, image.width)
    x.disconnect()
    return (argb >> 24).astype(np.uint8)


def visible_size(alpha: NDArray[np.uint8]) -> tuple[float, float]:
    """Returns the size of the visible part, px."""
    rows, columns = np.nonzero(alpha > 64)
    if not len(rows):
        return 0, 0
    return int(columns.max() - columns.min() + 1), int(rows.max() - rows.min() + 1)


def css_density(browser: Browser) -> float:
    """Returns how many pixels of the cursor cover one CSS px; 1 without a density."""
    css: str = browser.evaluate(CURSOR_CSS)
    if "image-set" not in css:
        return 1.0
    return float(css.rpartition('")')[2].strip().partition("dppx")[0].partition("x")[0])


@pytest.mark.parametrize("scale", [1.0, 0.5])
def test_cursor_has_the_scale_of_the_surface(
    module_browser: Browser, lightbox: Lightbox, scale: float
) -> None:
    viewer = signed_in(module_browser, lightbox)
    width, height = (round(side * scale) for side in DESKTOP_PX)
    module_browser.resize(*(PAGE_PX if scale == 1.0 else (width, height)))
    viewer.browser.open(f"{viewer.url}/desktop/radiology")
    viewer.wait_for_badge("exact" if scale == 1.0 else "scaled")
    desktop = lightbox.display()
    viewer.move((BACKGROUND[0] + 10, BACKGROUND[1] + 10))
    viewer.move(BACKGROUND)

    def near() -> bool:
        return max(abs(a - b) for a, b in zip(desktop.pointer(), BACKGROUND, strict=True)) <= 2

    wait_for(near, timeout_s=PATIENCE_S, what="the pointer")
    wanted = visible_size(cursor_image(desktop))
    desktop.close()
    assert min(wanted) > 0, "the desktop shows no cursor"
    device = XDisplay(module_browser.display, None) if isinstance(module_browser, XBrowser) else None

    def shown() -> tuple[float, float]:
        """Returns what the device shows. Headless Chromium draws none: its CSS counts."""
        if device is not None:
            return visible_size(cursor_image(device))
        return wanted[0] / css_density(module_browser), wanted[1] / css_density(module_browser)

    try:
        wait_for(
            lambda: all(abs(a - b * scale) <= TOLERANCE_PX for a, b in zip(shown(), wanted, strict=True)),
            timeout_s=PATIENCE_S,
            what=lambda: (
                f"a cursor of {wanted} at scale {scale}, has {shown()}; density {css_density(module_browser)}"
            ),
        )
    finally:
        module_browser.resize(*PAGE_PX)


def test_cursor_at_twice_the_density(chromium_viewer: Viewer) -> None:
    """Both the browser's own cursor and the one that the page draws under a finger."""
    viewer = chromium_viewer
    browser = viewer.browser
    assert isinstance(browser, Chromium)
    size = {"width": PAGE_PX[0], "height": PAGE_PX[1], "deviceScaleFactor": 2, "mobile": False}
    browser.run(lambda: browser.cdp.send("Emulation.setDeviceMetricsOverride", size))
    try:
        browser.open(f"{viewer.url}/desktop/radiology")
        viewer.wait_for_badge("exact", "scaled")
        viewer.move(BACKGROUND)
        scale = browser.evaluate(
            f"return {SURFACE}.getBoundingClientRect().width * devicePixelRatio / {SURFACE}.width"
        )
        wait_for(
            lambda: css_density(browser) == pytest.approx(2 / scale, rel=0.001),
            timeout_s=PATIENCE_S,
            what=lambda: f"a cursor of density {2 / scale}, has {css_density(browser)}",
        )
        browser.evaluate("document.querySelector('.remote-cursor').hidden = false")
        shown_width, shown_height, width, height = browser.evaluate(GHOST)
        assert (shown_width, shown_height) == pytest.approx((width * scale, height * scale), abs=0.5)
    finally:
        browser.run(lambda: browser.cdp.send("Emulation.clearDeviceMetricsOverride"))
