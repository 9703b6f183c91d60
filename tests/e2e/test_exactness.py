"""The exactness badge is right: it says exact only when the surface equals the desktop."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.e2e.browsers.browser import Browser
from tests.e2e.browsers.chromium import Chromium
from tests.e2e.browsers.chromium_window import ChromiumWindow
from tests.e2e.conftest import PAGE_PX
from tests.e2e.gateway_client import GatewayClient, metric_sum
from tests.e2e.lightbox import Lightbox
from tests.e2e.processes import Program, wait_for
from tests.e2e.relay import Relay
from tests.e2e.viewer import PATIENCE_S, SURFACE, Viewer
from tests.e2e.x_desktop.display import XDisplay
from tests.e2e.x_desktop.plain_window import PlainWindow

#: Side of the slices of an image stack, px.
SLICE_PX = 512
#: Number of slices.
SLICES = 12


@pytest.fixture
def window(display: XDisplay) -> Iterator[PlainWindow]:
    plain = PlainWindow(display, x=40, y=60, width=SLICE_PX, height=SLICE_PX)
    yield plain
    plain.close()


@pytest.fixture
def gateway(lightbox: Lightbox) -> Iterator[GatewayClient]:
    client = GatewayClient(lightbox.url, state=lightbox.state_folder)
    yield client
    client.close()


def stack() -> list[np.ndarray]:
    """Returns noisy grey slices that have no tile in common."""
    rng = np.random.default_rng(7)
    y, x = np.mgrid[0:SLICE_PX, 0:SLICE_PX]
    slices = []
    for number in range(SLICES):
        smooth = 110 + 70 * np.sin(x / (40 + number)) * np.cos(y / (55 - number))
        slices.append(np.clip(smooth + rng.normal(0, 8, smooth.shape), 0, 255).astype(np.uint8))
    return slices


def corrupt(viewer: Viewer, x: int, y: int) -> None:
    """Changes one pixel of the surface by one level of red."""
    viewer.browser.evaluate(
        f"const context = {SURFACE}.getContext('2d'); const pixel = context.getImageData({x}, {y}, 1, 1);"
        f"pixel.data[0] ^= 1; context.putImageData(pixel, {x}, {y})"
    )


def shown(viewer: Viewer, image: np.ndarray) -> bool:
    """Returns whether the surface shows the image at the window's position."""
    return viewer.shows(image, (40, 60))


def test_detects_and_repairs_a_corrupted_tile(
    chromium_viewer: Viewer, display: XDisplay, gateway: GatewayClient, out: Path
) -> None:
    viewer = chromium_viewer
    viewer.open_desktop("radiology")
    before = metric_sum(gateway.metrics(), "mismatch")
    viewer.watch_connection()
    corrupt(viewer, 333, 222)
    wait_for(
        lambda: any(state != "exact" for state in viewer.badges()),
        timeout_s=PATIENCE_S,
        what=lambda: f"a badge other than exact; states were {viewer.badges()}",
    )
    viewer.wait_exact()
    viewer.assert_equal(display, out, "healed")
    assert metric_sum(gateway.metrics(), "mismatch") > before


def test_detects_corruption_next_to_a_moving_window(
    chromium_viewer: Viewer, display: XDisplay, gateway: GatewayClient, window: PlainWindow, out: Path
) -> None:
    """A desktop that constantly changes must not prevent the verification of its unchanged parts."""
    viewer = chromium_viewer
    viewer.open_desktop("radiology")
    before = metric_sum(gateway.metrics(), "mismatch")
    rng = np.random.default_rng(3)
    corrupt(viewer, 1000, 700)

    def noticed() -> bool:
        window.show(rng.integers(0, 256, (64, 64), np.uint8))
        return metric_sum(gateway.metrics(), "mismatch") > before

    wait_for(noticed, timeout_s=PATIENCE_S, what="a counted mismatch")
    viewer.assert_equal(display, out, "healed-beside")


def test_scrolling_text_stays_exact(
    chromium_viewer: Viewer, display: XDisplay, tmp_path: Path, out: Path
) -> None:
    """Moved pixels are copied within the surface and must leave no remainder."""
    viewer = chromium_viewer
    viewer.open_desktop("radiology")
    lines = "for i in $(seq 1 40); do seq $i $((i + 25)); sleep 0.05; done; touch done; sleep 60"
    program = Program(
        ["xterm", "-geometry", "80x30+40+60", "-e", "sh", "-c", f"cd {tmp_path}; {lines}"],
        log=tmp_path / "xterm.log",
        env=display.environment,
    )
    try:
        wait_for((tmp_path / "done").exists, timeout_s=PATIENCE_S, what="the end of the scrolling")
        viewer.assert_equal(display, out, "scrolled-text")
    finally:
        program.stop()


def test_shows_every_kind_of_image_exactly(
    chromium_viewer: Viewer, display: XDisplay, window: PlainWindow, out: Path
) -> None:
    """Grey and colour noise, a flat image, a gradient, two colours, and a difference of one level."""
    viewer = chromium_viewer
    viewer.open_desktop("radiology")
    rng = np.random.default_rng(11)
    shape = (SLICE_PX, SLICE_PX)
    ramp = np.add.outer(np.arange(SLICE_PX), np.arange(SLICE_PX)).astype(np.uint8)
    images = {
        "grey-noise": rng.integers(0, 256, shape, np.uint8),
        "colour-noise": rng.integers(0, 256, (*shape, 3), np.uint8),
        "flat": np.full(shape, 77, np.uint8),
        "ramp": ramp,
        "two-colours": np.where(rng.random((*shape, 1)) < 0.5, [0, 40, 90], [255, 250, 3]).astype(np.uint8),
        "one-step": np.where(ramp == 128, ramp + 1, ramp).astype(np.uint8),
    }
    for name, image in images.items():
        window.show(image)
        viewer.assert_equal(display, out, name)


def test_screen_shows_the_surface(chromium_viewer: Viewer, display: XDisplay, out: Path) -> None:
    """The browser's composed output has the same pixels as the surface, at 1:1."""
    viewer = chromium_viewer
    viewer.open_desktop("radiology")
    viewer.browser.move(5, 5)
    # Toolbar and badge cover the desktop's edges, so only the middle is compared.
    left, top = (
        round(v)
        for v in viewer.browser.evaluate(
            f"const at = {SURFACE}.getBoundingClientRect(); return [at.left, at.top]"
        )
    )
    middle = (slice(200, 600), slice(200, 1000))

    def same() -> bool:
        before = display.pixels()[middle]
        viewer.wait_exact()
        viewer.browser.screenshot(out / "screen.png")
        screen = np.asarray(Image.open(out / "screen.png").convert("RGB"))
        part = screen[top + 200 : top + 600, left + 200 : left + 1000]
        return part.shape == before.shape and bool((part == before).all())

    wait_for(same, timeout_s=PATIENCE_S, what="the desktop's pixels on the screen")


def test_a_scaled_surface_is_never_called_exact(
    chromium_viewer: Viewer, display: XDisplay, out: Path
) -> None:
    viewer = chromium_viewer
    viewer.open_desktop("radiology")
    viewer.watch_connection()
    try:
        viewer.browser.resize(800, 600)
        viewer.wait_for_badge("scaled")
        assert viewer.on_page((1279, 799))[0] < 800, "the surface must fit the page"
    finally:
        viewer.browser.resize(*PAGE_PX)
    viewer.assert_equal(display, out, "unscaled")


def test_a_second_viewer_shows_the_same(
    chromium: Chromium,
    chromium_viewer: Viewer,
    lightbox: Lightbox,
    display: XDisplay,
    window: PlainWindow,
    out: Path,
) -> None:
    """Both viewers are on the same device, because another device would take the desktop over."""
    chromium_viewer.open_desktop("radiology")
    second = Viewer(ChromiumWindow(chromium), lightbox.url)
    try:
        second.open_desktop("radiology")
        window.show(stack()[0])
        second.assert_equal(display, out, "second-viewer")
        chromium_viewer.assert_equal(display, out, "first-viewer")
        assert chromium_viewer.connection() == "connected"
    finally:
        second.browser.close()


def test_scrolling_back_transfers_almost_nothing(
    start_browser: Callable[[str], Browser], lightbox: Lightbox, display: XDisplay, window: PlainWindow
) -> None:
    """The relay counts the bytes, not the product."""
    relay = Relay(lightbox.port)
    browser = start_browser("chromium")
    try:
        viewer = Viewer(browser, relay.url)
        viewer.sign_in(lightbox.username, lightbox.password)
        viewer.open_desktop("radiology")
        slices = stack()
        counts = []
        for order in (slices, slices[::-1]):
            start = relay.bytes_down
            for image in order:
                window.show(image)
                wait_for(
                    lambda image=image: shown(viewer, image),  # type: ignore[misc]
                    timeout_s=PATIENCE_S,
                    what=lambda: f"the slice; {viewer.situation()}",
                )
            viewer.wait_exact()
            counts.append(relay.bytes_down - start)
        print(f"first pass {counts[0]} bytes, scrolling back {counts[1]} bytes")
        assert counts[0] > SLICES * SLICE_PX * SLICE_PX // 4, "the stack must be hard to compress"
        assert counts[1] <= 0.05 * counts[0]
    finally:
        browser.close()
        relay.close()


def test_badge_panel_shows_the_figures(chromium_viewer: Viewer) -> None:
    viewer = chromium_viewer
    viewer.open_desktop("radiology")
    before = viewer.browser.evaluate("return document.body.innerText")
    viewer.click_element("[data-badge]")
    wait_for(
        lambda: viewer.browser.evaluate("return document.body.innerText") != before,
        timeout_s=PATIENCE_S,
        what="the panel",
    )
    wait_for(
        lambda: all(
            word in viewer.browser.evaluate("return document.body.innerText").lower()
            for word in ("number of this image", "verified", "mismatch")
        ),
        timeout_s=PATIENCE_S,
        what=viewer.situation,
    )
