"""Touch input in Firefox by WebDriver BiDi. WebKitGTK's driver has no touch input."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.browsers.firefox import Firefox
from tests.e2e.conftest import PAGE_PX, signed_in
from tests.e2e.gesture_retry import retry_slow_gestures
from tests.e2e.lightbox import Lightbox
from tests.e2e.processes import wait_for
from tests.e2e.tablet_desktop import clicks, held_positions, wait_for_releases
from tests.e2e.viewer import PATIENCE_S, Viewer
from tests.e2e.x_desktop.probe import Probe

#: Device px per surface px.
SCALE = """
const surface = document.querySelector('.surface');
return surface.getBoundingClientRect().width * devicePixelRatio / surface.width;
"""


@pytest.fixture(scope="module")
def firefox(out: Path) -> Iterator[Firefox]:
    running = Firefox(out, width_px=PAGE_PX[0], height_px=PAGE_PX[1], touch=True)
    yield running
    running.close()


@pytest.fixture
def touched(firefox: Firefox, lightbox: Lightbox) -> Viewer:
    viewer = signed_in(firefox, lightbox)
    viewer.open_desktop("radiology")
    return viewer


@retry_slow_gestures
def test_tap_clicks_the_pixel(touched: Viewer, firefox: Firefox, probe: Probe) -> None:
    probe.clear()
    firefox.tap_at(touched.on_page(probe.area))
    wait_for_releases(probe, 1)
    assert clicks(probe) == [("button-down", 1, *probe.area), ("button-up", 1, *probe.area)]


@retry_slow_gestures
def test_long_press_opens_the_magnifier_and_right_clicks(
    touched: Viewer, firefox: Firefox, probe: Probe, out: Path
) -> None:
    probe.clear()
    firefox.touch({1: touched.on_page(probe.area)})
    touched.wait_for_element(".loupe")
    firefox.screenshot(out / "firefox-hold.png")
    assert clicks(probe) == []
    firefox.touch({})
    wait_for_releases(probe, 1)
    assert clicks(probe) == [("button-down", 3, *probe.area), ("button-up", 3, *probe.area)]


@retry_slow_gestures
def test_drag(touched: Viewer, firefox: Firefox, probe: Probe) -> None:
    probe.clear()
    end = probe.area[0] + 150, probe.area[1] + 60
    firefox.swipe(
        {1: touched.on_page(probe.area)},
        {1: touched.on_page(end)},
        midway=lambda: probe.wait_for(held_positions, "a motion while the button is held"),
    )
    wait_for_releases(probe, 1)
    assert clicks(probe)[0] == ("button-down", 1, *probe.area)
    assert clicks(probe)[-1] == ("button-up", 1, *end)
    assert held_positions(probe.events()) - {probe.area, end}, "the drag must not be a jump"


@retry_slow_gestures
def test_two_fingers_scroll(touched: Viewer, firefox: Firefox, probe: Probe) -> None:
    probe.clear()
    x, y = touched.on_page(probe.area)
    start = {1: (x - 30, y + 40), 2: (x + 30, y + 40)}
    # Long enough for two notches without momentum, which depends on the host.
    firefox.swipe(start, {n: (place[0], place[1] - 240) for n, place in start.items()}, steps=12)
    probe.wait_for(
        lambda events: len([e for e in events if e["kind"] == "scroll"]) >= 2, "notches of the scroll"
    )
    assert {e["direction"] for e in probe.events("scroll")} == {"down"}
    assert clicks(probe) == []


@retry_slow_gestures
def test_two_finger_tap_right_clicks(touched: Viewer, firefox: Firefox, probe: Probe) -> None:
    probe.clear()
    x, y = touched.on_page(probe.area)
    firefox.tap_together([(x, y), (x + 50, y)])
    wait_for_releases(probe, 1)
    assert clicks(probe) == [("button-down", 3, *probe.area), ("button-up", 3, *probe.area)]


@retry_slow_gestures
def test_pinch_enlarges_pixels_and_the_badge_says_scaled(
    touched: Viewer, firefox: Firefox, probe: Probe
) -> None:
    before = firefox.evaluate(SCALE)
    x, y = touched.on_page(probe.area)
    firefox.swipe({1: (x - 30, y), 2: (x + 30, y)}, {1: (x - 90, y), 2: (x + 90, y)}, steps=20)
    touched.wait_for_badge("scaled")
    assert firefox.evaluate(SCALE) > before * 2
    probe.clear()
    firefox.tap_at(touched.on_page(probe.area))
    wait_for_releases(probe, 1)
    assert clicks(probe)[0] == ("button-down", 1, *probe.area), "the tap must hit the enlarged pixel"
    touched.click_element(".zoom-chip")
    wait_for(lambda: firefox.evaluate(SCALE) == before, timeout_s=PATIENCE_S, what=f"the scale {before}")
    touched.wait_exact()
