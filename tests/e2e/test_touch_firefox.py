"""Touches in Firefox: touch pointers by WebDriver BiDi. WebKitGTK's driver has no touch."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.browsers.firefox import Firefox
from tests.e2e.conftest import PAGE_PX, signed_in
from tests.e2e.x_desktop.probe import Probe
from tests.e2e.lightbox import Lightbox
from tests.e2e.processes import wait_for
from tests.e2e.tablet_desktop import clicks, wait_for_releases
from tests.e2e.viewer import Viewer

GDK_BUTTON1_MASK = 1 << 8
ENLARGED = """
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


def test_tap_clicks_the_pixel(touched: Viewer, firefox: Firefox, probe: Probe) -> None:
    probe.clear()
    firefox.tap_at(touched.on_page(probe.area))
    wait_for_releases(probe, 1)
    assert clicks(probe) == [("button-down", 1, *probe.area), ("button-up", 1, *probe.area)]


def test_long_press_shows_itself_and_clicks_right(
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


def test_drag(touched: Viewer, firefox: Firefox, probe: Probe) -> None:
    probe.clear()
    end = probe.area[0] + 150, probe.area[1] + 60
    firefox.swipe({1: touched.on_page(probe.area)}, {1: touched.on_page(end)})
    wait_for_releases(probe, 1)
    assert clicks(probe)[0] == ("button-down", 1, *probe.area)
    assert clicks(probe)[-1] == ("button-up", 1, *end)
    held = {(e["x"], e["y"]) for e in probe.events("motion") if e["state"] & GDK_BUTTON1_MASK}
    assert len(held) >= 3, "the drag is a jump"


def test_two_fingers_scroll(touched: Viewer, firefox: Firefox, probe: Probe) -> None:
    probe.clear()
    x, y = touched.on_page(probe.area)
    start = {1: (x - 30, y + 40), 2: (x + 30, y + 40)}
    firefox.swipe(start, {n: (place[0], place[1] - 140) for n, place in start.items()}, steps=12)
    probe.wait_for(
        lambda events: len([e for e in events if e["kind"] == "scroll"]) >= 2, "notches of the scroll"
    )
    firefox.tap_at((x, y))  # it stops
    assert {e["direction"] for e in probe.events("scroll")} == {"down"}
    assert clicks(probe) == []


def test_two_finger_tap_clicks_right(touched: Viewer, firefox: Firefox, probe: Probe) -> None:
    probe.clear()
    x, y = touched.on_page(probe.area)
    firefox.tap_together([(x, y), (x + 50, y)])
    wait_for_releases(probe, 1)
    assert clicks(probe) == [("button-down", 3, *probe.area), ("button-up", 3, *probe.area)]


def test_pinch_enlarges_exact_pixels_and_says_so(touched: Viewer, firefox: Firefox, probe: Probe) -> None:
    before = firefox.evaluate(ENLARGED)
    x, y = touched.on_page(probe.area)
    firefox.swipe({1: (x - 30, y), 2: (x + 30, y)}, {1: (x - 90, y), 2: (x + 90, y)}, steps=20)
    touched.wait_for_badge("scaled")
    assert firefox.evaluate(ENLARGED) > before * 2
    probe.clear()
    firefox.tap_at(touched.on_page(probe.area))
    wait_for_releases(probe, 1)
    assert clicks(probe)[0] == ("button-down", 1, *probe.area), "what is enlarged is hit"
    touched.click_element(".zoom-chip")
    wait_for(lambda: firefox.evaluate(ENLARGED) == before, timeout_s=10, what="the whole picture")
    touched.wait_exact()
