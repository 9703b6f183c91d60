"""A picture that is fitted into a smaller window is filtered, in each engine: by the engine's own filter."""

from __future__ import annotations

import io
from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from tests.e2e.browsers.browser import Browser
from tests.e2e.conftest import DESKTOP_PX, PAGE_PX, signed_in
from tests.e2e.desktop_side.display import XDisplay
from tests.e2e.desktop_side.plain_window import PlainWindow
from tests.e2e.lightbox import Lightbox
from tests.e2e.processes import wait_for
from tests.e2e.viewer import PATIENCE_S, Viewer

#: Where the pattern stands on the desktop, and a part of it far from its edges.
SIDE_PX, AT = 600, (300, 100)
#: Not near a simple fraction, where any filter averages well.
SHARE = 0.45
#: A pattern of 0 and 255 becomes grey, with little of its deviation. Picking single pixels would keep it all.
GREY, GREY_OFF, LEFT_OVER = 127.5, 12.0, 64.0


@pytest.fixture
def fitted(browser: Browser, lightbox: Lightbox) -> Iterator[Viewer]:
    viewer = signed_in(browser, lightbox)
    browser.resize(*(round(side * SHARE) for side in DESKTOP_PX))  # some engines leave the page for it
    viewer.browser.open(f"{viewer.url}/desktop/radiology")
    viewer.wait_for_badge("scaled")
    yield viewer
    browser.resize(*PAGE_PX)


def test_fine_structures_turn_grey(fitted: Viewer, display: XDisplay) -> None:
    checker = (np.indices((SIDE_PX, SIDE_PX)).sum(axis=0) % 2 * 255).astype(np.uint8)
    window = PlainWindow(display, x=AT[0], y=AT[1], width=SIDE_PX, height=SIDE_PX)
    try:
        window.show(checker)
        wait_for(
            lambda: fitted.surface()[AT[1] : AT[1] + SIDE_PX, AT[0] : AT[0] + SIDE_PX].std() > LEFT_OVER,
            timeout_s=PATIENCE_S,
            what="the pattern on the surface",
        )

        def grey() -> bool:
            seen = part_on_page(fitted, (AT[0] + 100, AT[1] + 100), (AT[0] + 500, AT[1] + 500))
            # Before the engine has put it onto the screen, too, there is little contrast, but no grey.
            return bool(abs(seen.mean() - GREY) < GREY_OFF and seen.std() < LEFT_OVER)

        wait_for(grey, timeout_s=PATIENCE_S, what="the pattern as grey on the screen")
    finally:
        window.close()


def part_on_page(viewer: Viewer, corner: tuple[int, int], end: tuple[int, int]) -> NDArray[np.float64]:
    """Grey levels of a screenshot between two pixels of the desktop."""
    left, top = viewer.on_page(corner)
    right, bottom = viewer.on_page(end)
    shot = Image.open(io.BytesIO(viewer.browser.screenshot())).convert("L")
    return np.asarray(shot, np.float64)[int(top) : int(bottom), int(left) : int(right)]
