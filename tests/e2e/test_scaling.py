"""A surface scaled down is averaged; enlarged by a whole number, its pixels are squares."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from tests.e2e.browsers.browser import Browser
from tests.e2e.browsers.chromium import Chromium
from tests.e2e.conftest import DESKTOP_PX, PAGE_PX, signed_in
from tests.e2e.lightbox import Lightbox
from tests.e2e.processes import wait_for
from tests.e2e.viewer import PATIENCE_S, Viewer
from tests.e2e.x_desktop.display import XDisplay
from tests.e2e.x_desktop.plain_window import PlainWindow

#: Size of the test patterns and their position on the desktop, px.
WIDTH, HEIGHT, AT = 900, 600, (200, 100)
#: Scales: one half, and one far from any simple fraction.
SCALES = (pytest.param(0.5, marks=pytest.mark.engines_alike), 0.37)
#: Narrowest window of any engine, px. In a narrower case the height alone determines the scale.
MIN_WINDOW_WIDTH_PX = 520
#: Largest error on the canvas, in levels: the mean is rounded once.
CANVAS_ERROR = 1.01
#: Largest error in a screenshot, in levels: its pixels may be rounded again.
SCREEN_ERROR = 2.01

REDUCED = "document.querySelector('[data-downscaled]')"
#: A copy with a 2D context, as `Viewer.surface` needs it.
COPY = f"""(() => {{
  const copy = document.createElement('canvas');
  copy.width = {REDUCED}.width;
  copy.height = {REDUCED}.height;
  copy.getContext('2d', {{ alpha: false }}).drawImage({REDUCED}, 0, 0);
  return copy;
}})()"""


@pytest.fixture(params=SCALES)
def fitted(request: pytest.FixtureRequest, module_browser: Browser, lightbox: Lightbox) -> Iterator[Viewer]:
    viewer = signed_in(module_browser, lightbox)
    width, height = (round(side * request.param) for side in DESKTOP_PX)
    module_browser.resize(max(MIN_WINDOW_WIDTH_PX, width), height)  # some engines leave the page to resize
    viewer.browser.open(f"{viewer.url}/desktop/radiology")
    viewer.wait_for_badge("scaled")
    yield viewer
    module_browser.resize(*PAGE_PX)


def patterns() -> NDArray[np.uint8]:
    """Returns a chequerboard, lines in both directions and noise, (HEIGHT, WIDTH, 3)."""
    rows, columns = np.indices((HEIGHT, WIDTH // 3))
    chequer, across, down = (rows + columns) % 2, rows % 2, columns % 2
    lines = np.where(rows < HEIGHT // 2, across, down)
    noise = np.random.default_rng(4).integers(0, 256, (HEIGHT, WIDTH // 3, 3))
    parts = [np.repeat(part[:, :, None] * 255, 3, axis=2) for part in (chequer, lines)]
    return np.concatenate([*parts, noise], axis=1).astype(np.uint8)


def area_average(image: NDArray[np.uint8], height: int, width: int) -> NDArray[np.float64]:
    """Scales an image so that each pixel is the mean of the area that it covers."""

    def weights(into: int, of: int) -> NDArray[np.float64]:
        edges = np.arange(into + 1) * of / into
        ends = np.minimum(edges[1:, None], np.arange(1, of + 1))
        covered: NDArray[np.float64] = np.maximum(0, ends - np.maximum(edges[:-1, None], np.arange(of)))
        return covered * (into / of)

    down, across = weights(height, image.shape[0]), weights(width, image.shape[1])
    mean: NDArray[np.float64] = np.einsum(
        "ij,jkc,lk->ilc", down, image.astype(np.float64), across, optimize=True
    )
    return mean


def page(viewer: Viewer, left: int, top: int, width: int, height: int) -> NDArray[np.uint8]:
    shot = Image.open(io.BytesIO(viewer.browser.screenshot())).convert("RGB")
    return np.asarray(shot, np.uint8)[top : top + height, left : left + width]


def test_scaled_down_pixels_are_averages(fitted: Viewer, display: XDisplay) -> None:
    scaling = "return document.querySelector('.viewport').dataset.scaling"
    assert fitted.browser.evaluate(scaling) == "area"
    window = PlainWindow(display, x=AT[0], y=AT[1], width=WIDTH, height=HEIGHT)
    try:
        image = patterns()
        window.show(image)

        def there() -> bool:
            return fitted.shows(image, AT)

        wait_for(there, timeout_s=PATIENCE_S, what="the patterns on the surface")
        errors: dict[str, float] = {}

        def mean() -> bool:
            """Compares once. It is repeated, because a clock or caret may change between the readings."""
            shown = fitted.surface(COPY)
            expected = area_average(fitted.surface(), *shown.shape[:2])
            errors["canvas"] = float(np.abs(shown - expected).max())
            # Only below the toolbar, which covers the surface.
            box: Any = fitted.browser.evaluate(
                f"const at = {REDUCED}.getBoundingClientRect();"
                "return [at.left, at.top, at.width, at.height].map((side) => side * devicePixelRatio)"
            )
            assert all(abs(side - round(side)) < 0.01 for side in box), (
                f"the box must lie on whole device pixels: {box}"
            )
            below = shown.shape[0] // 3
            seen = page(fitted, *(round(side) for side in box))[below:]
            errors["screen"] = float(np.abs(seen - expected[below:]).max())
            return errors["canvas"] <= CANVAS_ERROR and errors["screen"] <= SCREEN_ERROR

        wait_for(
            mean,
            timeout_s=PATIENCE_S,
            what=lambda: f"the mean of what each pixel covers; errors are {errors}",
        )
        fitted.click_element("[data-badge]")
        figures = fitted.browser.evaluate("return document.querySelector('.popover').innerText")
        assert "averaged" in figures
    finally:
        window.close()


def test_pixels_enlarged_by_a_whole_number_are_squares(
    chromium: Chromium, lightbox: Lightbox, display: XDisplay
) -> None:
    viewer = signed_in(chromium, lightbox)
    chromium.evaluate("localStorage.setItem('lightbox.view', 'fit')")
    chromium.resize(*(2 * side for side in DESKTOP_PX))
    window = PlainWindow(display, x=AT[0], y=AT[1], width=WIDTH, height=HEIGHT)
    try:
        window.show(patterns())
        chromium.open(f"{viewer.url}/desktop/radiology")
        viewer.wait_for_badge("scaled")

        def squares() -> bool:
            part = viewer.surface()[AT[1] : AT[1] + HEIGHT, AT[0] : AT[0] + WIDTH]
            seen = page(viewer, 2 * AT[0], 2 * AT[1], 2 * WIDTH, 2 * HEIGHT)
            return bool(
                (part == patterns()).all() and (seen == part.repeat(2, axis=0).repeat(2, axis=1)).all()
            )

        wait_for(squares, timeout_s=PATIENCE_S, what="squares of two by two on the page")
        assert chromium.evaluate(f"return {REDUCED} === null || {REDUCED}.hidden")
    finally:
        window.close()
        chromium.evaluate("localStorage.removeItem('lightbox.view')")
        chromium.resize(*PAGE_PX)
