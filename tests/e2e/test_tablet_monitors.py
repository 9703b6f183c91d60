"""Several monitors on one tablet: monitor strip, swipes, split view and live thumbnails."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.e2e.browsers.chromium import Chromium
from tests.e2e.browsers.chromium_window import ChromiumWindow
from tests.e2e.browsers.tablet import IPAD, Tablet
from tests.e2e.conftest import StartTablet, signed_in
from tests.e2e.gesture_retry import retry_slow_gestures
from tests.e2e.lightbox import Lightbox
from tests.e2e.monitor_layout import Place, read_monitors, set_layout, wait_for_monitors
from tests.e2e.processes import wait_for
from tests.e2e.tablet_desktop import choose_touch_mode, clicks, open_on_tablet, tablet_of, wait_for_releases
from tests.e2e.viewer import PATIENCE_S, READ_RECT, Viewer
from tests.e2e.x_desktop.display import XDisplay
from tests.e2e.x_desktop.plain_window import PlainWindow
from tests.e2e.x_desktop.probe import Probe

DESKTOP = "office"
#: The first two fit side by side into the device pixels of both tablets.
FIRST, SECOND, THIRD = (0, 0, 1100, 1400), (1100, 0, 1100, 1400), (2200, 0, 900, 700)
TRIO: tuple[Place, ...] = (FIRST, SECOND, THIRD)
#: Three fingers on the surface, CSS px on the page.
HAND = {1: (560.0, 420.0), 2: (620.0, 400.0), 3: (680.0, 420.0)}
#: Length of a swipe, CSS px.
SWIPE_PX = 130
PANE = "document.querySelector('.pane canvas[data-monitor]')"
#: Colour in the middle of a monitor's thumbnail.
THUMBNAIL_COLOUR = """
const canvas = document.querySelector('[data-monitor-show="%d"] .monitor-thumbnail');
if (!canvas) return null;
const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
const middle = ((canvas.height >> 1) * canvas.width + (canvas.width >> 1)) * 4;
return [...data.slice(middle, middle + 3)];
"""


@pytest.fixture(scope="module")
def office(out: Path) -> Iterator[Lightbox]:
    with Lightbox(out / "tablet-monitors.log", profile=DESKTOP, width_px=1280, height_px=800) as running:
        yield running


@pytest.fixture
def on_three(tablet: Tablet, office: Lightbox) -> Viewer:
    """A tablet that shows the first of three monitors."""
    viewer = open_on_tablet(tablet, office, DESKTOP)
    screen = office.display()
    try:
        set_layout(viewer, DESKTOP, TRIO, screen)
    finally:
        screen.close()
    viewer.open_desktop(DESKTOP, monitor=0)
    return viewer


@pytest.fixture
def screen(on_three: Viewer, office: Lightbox) -> Iterator[XDisplay]:
    reader = office.display()
    yield reader
    reader.close()


@pytest.fixture
def probe(screen: XDisplay, tmp_path: Path) -> Iterator[Probe]:
    """A program on the second monitor."""
    running = Probe(screen, tmp_path, x=SECOND[0] + 250, y=200)
    yield running
    running.stop()


def shown(viewer: Viewer) -> str | None:
    found: str | None = viewer.browser.evaluate(
        "return document.querySelector('canvas[data-monitor]')?.dataset.monitor ?? null"
    )
    return found


def wait_shown(viewer: Viewer, monitor: int) -> None:
    wait_for(lambda: shown(viewer) == str(monitor), timeout_s=PATIENCE_S, what=lambda: f"monitor {monitor}")
    viewer.wait_exact()


def swipe(tablet: Tablet, dx: float) -> None:
    """Swipes sideways with three fingers."""
    tablet.swipe(HAND, {finger: (x + dx, y) for finger, (x, y) in HAND.items()})


def pane_badge(viewer: Viewer) -> str | None:
    state: str | None = viewer.browser.evaluate(
        "return document.querySelector('.pane [data-badge]')?.dataset.state ?? null"
    )
    return state


def in_pane(viewer: Viewer, point: tuple[int, int]) -> tuple[float, float]:
    """Returns the page position of the middle of a pixel in the pane."""
    x, y, scale_x, scale_y = viewer.browser.evaluate(
        f"const surface = {PANE}; const at = surface.getBoundingClientRect();"
        "return [at.left, at.top, at.width / surface.width, at.height / surface.height]"
    )
    return x + (point[0] + 0.5) * scale_x, y + (point[1] + 0.5) * scale_y


def has_pane(viewer: Viewer) -> Any:
    return viewer.browser.evaluate(READ_RECT % "'.pane'")


def wait_pane(viewer: Viewer) -> None:
    wait_for(
        lambda: (viewer.badge(), pane_badge(viewer)) == ("exact", "exact"),
        timeout_s=PATIENCE_S,
        what=lambda: f"two exact surfaces; the pane is {pane_badge(viewer)}; {viewer.situation()}",
    )


def wait_moved(viewer: Viewer) -> None:
    wait_for(lambda: viewer.connection() == "moved", timeout_s=PATIENCE_S, what=viewer.situation)


@retry_slow_gestures
def test_strip_and_swipes_show_other_monitors(
    on_three: Viewer, screen: XDisplay, probe: Probe, out: Path
) -> None:
    tablet = tablet_of(on_three)
    on_three.assert_equal(screen, out, "strip-first", monitor=FIRST)
    tablet.tap_element('[data-strip="1"]')
    wait_shown(on_three, 1)
    on_three.assert_equal(screen, out, "strip-second", monitor=SECOND)
    marks = "return [...document.querySelectorAll('[data-strip]')].map((one) => one.ariaCurrent)"
    assert tablet.evaluate(marks) == ["false", "true", "false"]
    swipe(tablet, -SWIPE_PX)
    wait_shown(on_three, 2)
    on_three.assert_equal(screen, out, "strip-third", monitor=THIRD)
    swipe(tablet, -SWIPE_PX)  # there is no fourth
    time.sleep(0.5)
    assert shown(on_three) == "2"
    swipe(tablet, SWIPE_PX)
    wait_shown(on_three, 1)
    # A swipe with one finger along the strip does not tap the number under the finger.
    left, top, width, height = on_three.wait_for_element(".strip")
    place = (left + width * 0.8, top + height / 2)
    tablet.swipe({1: place}, {1: (place[0] + 90, place[1] + 4)})
    wait_shown(on_three, 0)
    assert clicks(probe) == [], "a swipe must not click"
    assert screen.held() == ([], 0)


@retry_slow_gestures
def test_a_hand_next_to_a_drag_does_not_switch_monitors(on_three: Viewer, screen: XDisplay) -> None:
    """Fingers that come down beside a dragging finger are not a swipe."""
    tablet = tablet_of(on_three)
    tablet.touch({1: HAND[1]})
    tablet.glide({1: HAND[1]}, {1: (HAND[1][0] + 60, HAND[1][1])}, steps=8)
    start = {**HAND, 1: (HAND[1][0] + 60, HAND[1][1])}
    tablet.touch(start)
    tablet.glide(start, {finger: (x - SWIPE_PX, y) for finger, (x, y) in start.items()})
    tablet.touch({})
    time.sleep(0.5)
    assert shown(on_three) == "0"
    wait_for(lambda: screen.held() == ([], 0), timeout_s=PATIENCE_S, what="everything to be released")


@retry_slow_gestures
def test_split_view_shows_two_monitors(on_three: Viewer, screen: XDisplay, probe: Probe, out: Path) -> None:
    tablet = tablet_of(on_three)
    tablet.tap_element('[data-act="strip-split"]')
    wait_pane(on_three)
    on_three.assert_equal(screen, out, "beside-own", monitor=FIRST)

    def pane_equals_desktop() -> bool:
        return on_three.shows(screen.pixels()[:1400, 1100:2200], canvas=PANE)

    wait_for(pane_equals_desktop, timeout_s=PATIENCE_S, what="the pane to equal the X server's pixels")
    tablet.screenshot(out / f"beside-{tablet.device.name}.png")
    # Each half has its own touch input; the keyboard follows the last tap.
    probe.clear()
    area = probe.area[0] - SECOND[0], probe.area[1]
    tablet.tap_at(in_pane(on_three, area))
    wait_for_releases(probe, 1)
    assert clicks(probe) == [("button-down", 1, *probe.area), ("button-up", 1, *probe.area)]
    time.sleep(0.5)
    tablet.tap_at(in_pane(on_three, (probe.entry[0] - SECOND[0], probe.entry[1])))
    tablet.type("Ab")
    probe.wait_for_text("Ab")
    # A drag from one half to the other ends at the exact pixel there.
    probe.clear()
    tablet.swipe({1: in_pane(on_three, area)}, {1: on_three.on_page((700, 900))})
    wait_for_releases(probe, 1)
    assert clicks(probe)[0] == ("button-down", 1, *probe.area)
    assert clicks(probe)[-1] == ("button-up", 1, 700, 900)
    assert screen.held() == ([], 0)
    # A swipe moves both halves on by one monitor; the last one stays.
    swipe(tablet, -SWIPE_PX)
    wait_shown(on_three, 1)
    wait_pane(on_three)
    assert tablet.evaluate(f"return {PANE}.dataset.monitor") == "2"
    swipe(tablet, -SWIPE_PX)
    time.sleep(0.5)
    assert shown(on_three) == "1"
    # In portrait there is room for one monitor only.
    tablet.turn()
    wait_for(lambda: has_pane(on_three) is None, timeout_s=PATIENCE_S, what="one monitor in portrait")
    tablet.turn()
    wait_pane(on_three)
    tablet.tap_element('[data-act="strip-split"]')
    wait_for(lambda: has_pane(on_three) is None, timeout_s=PATIENCE_S, what="one monitor again")
    on_three.wait_exact()


@retry_slow_gestures
def test_trackpad_mode_works_in_each_half(on_three: Viewer, screen: XDisplay) -> None:
    tablet = tablet_of(on_three)
    choose_touch_mode(on_three, "trackpad")
    tablet.tap_element('[data-act="strip-split"]')
    wait_pane(on_three)
    tablet.mouse_to(in_pane(on_three, (500, 700)))
    wait_for(
        lambda: screen.pointer() == (SECOND[0] + 500, 700),
        timeout_s=PATIENCE_S,
        what=lambda: f"the pointer; it is at {screen.pointer()}",
    )
    place = in_pane(on_three, (300, 300))
    tablet.swipe({1: place}, {1: (place[0] + 40, place[1])})
    wait_for(
        lambda: screen.pointer()[0] > SECOND[0] + 520,
        timeout_s=PATIENCE_S,
        what=lambda: f"the pointer moved on; it is at {screen.pointer()}",
    )
    assert screen.pointer()[1] == 700


@retry_slow_gestures
def test_thumbnails_of_monitors_that_are_not_shown_are_live(
    on_three: Viewer, screen: XDisplay, out: Path
) -> None:
    tablet = tablet_of(on_three)
    tablet.tap_element(".handle")
    tablet.tap_element('.tools [aria-label="Monitors"]')
    on_three.wait_for_element(".monitors-card")
    width, height = THIRD[2:]
    for colour in ((200, 40, 60), (30, 160, 90)):
        window = PlainWindow(screen, x=THIRD[0], y=THIRD[1], width=width, height=height)
        try:
            window.show(np.full((height, width, 3), colour, np.uint8))
            wait_for(
                lambda colour=colour: tablet.evaluate(THUMBNAIL_COLOUR % 2) == list(colour),  # type: ignore[misc]
                timeout_s=PATIENCE_S,
                what=lambda: f"the third monitor's thumbnail; it is {tablet.evaluate(THUMBNAIL_COLOUR % 2)}",
            )
        finally:
            window.close()
    tablet.screenshot(out / f"overview-{tablet.device.name}.png")
    on_three.wait_exact()
    tablet.tap_element('[data-monitor-show="2"]')
    wait_shown(on_three, 2)


def test_all_windows_come_back_with_the_desktop(
    chromium: Chromium, start_tablet: StartTablet, office: Lightbox, out: Path
) -> None:
    """Three monitors, a tablet with its own size, and one click that brings all windows back."""
    first = signed_in(chromium, office)
    first.browser.open(f"{office.url}/desktop/{DESKTOP}")
    first.wait_for_badge("exact", "scaled")
    screen = office.display()
    set_layout(first, DESKTOP, TRIO, screen)
    second = Viewer(ChromiumWindow(chromium), office.url)
    for viewer in (first, second):
        viewer.browser.resize(1160, 1460)
    tablet = start_tablet(IPAD)
    try:
        second.open_desktop(DESKTOP, monitor=1)
        first.wait_exact()
        guest = signed_in(tablet, office)
        tablet.open(f"{office.url}/desktop/{DESKTOP}?fit=window")
        guest.wait_for_badge("exact")
        across = IPAD.width * 2, IPAD.height * 2
        wait_for(
            lambda: (0, 0, *across) in read_monitors(screen),
            timeout_s=PATIENCE_S,
            what=lambda: f"the tablet's own size; there are {read_monitors(screen)}",
        )
        for viewer in (first, second):
            wait_moved(viewer)
        first.click_element(".connection-notice button.primary")
        wait_for_monitors(first, screen, TRIO)
        first.assert_equal(screen, out, "back-first", monitor=FIRST)
        second.assert_equal(screen, out, "back-second", monitor=SECOND)
        wait_moved(guest)
        guest.click_element(".connection-notice button.primary")
        guest.wait_for_badge("exact")
        wait_for(
            lambda: (0, 0, *across) in read_monitors(screen),
            timeout_s=PATIENCE_S,
            what=lambda: f"the tablet's own size again; there are {read_monitors(screen)}",
        )
    finally:
        tablet.close()
        second.browser.close()
        screen.close()
