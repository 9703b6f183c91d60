"""A desktop without a fixed size takes the size of the windows that show it, and so is shown 1:1."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.browsers.chromium import Chromium
from tests.e2e.browsers.chromium_window import ChromiumWindow
from tests.e2e.browsers.tablet import GALAXY_TAB, IPAD, RATIO
from tests.e2e.conftest import StartTablet, signed_in
from tests.e2e.lightbox import Lightbox
from tests.e2e.monitor_layout import Place, wait_for_monitors
from tests.e2e.processes import wait_for
from tests.e2e.viewer import PATIENCE_S, Viewer
from tests.e2e.x_desktop.display import XDisplay

DESKTOP = "office"
WIDTH, HEIGHT = 1111, 777
#: Waits longer than the page delays a request after a resize.
SETTLE = "await new Promise((done) => setTimeout(done, 1500))"
#: The checkbox that keeps the size.
KEEP = ".monitor-keep input"


@pytest.fixture(scope="module")
def office(out: Path) -> Iterator[Lightbox]:
    with Lightbox(out / "following.log", profile=DESKTOP, share=True) as running:
        yield running


@pytest.fixture(scope="module")
def workstation(chromium: Chromium, office: Lightbox) -> Viewer:
    viewer = signed_in(chromium, office)
    chromium.resize(WIDTH, HEIGHT)
    viewer.open_desktop(DESKTOP)
    return viewer


@pytest.fixture(scope="module")
def screen(office: Lightbox, workstation: Viewer) -> Iterator[XDisplay]:
    reader = office.display()
    yield reader
    reader.close()


@pytest.fixture
def desk(workstation: Viewer, office: Lightbox, screen: XDisplay) -> Viewer:
    """One window with one monitor and default preferences."""
    chromium = workstation.browser
    chromium.evaluate("localStorage.clear()")
    chromium.resize(WIDTH, HEIGHT)
    chromium.open(f"{office.url}/desktop/{DESKTOP}")
    wait_sizes(workstation, screen, (0, 0, WIDTH, HEIGHT))
    return workstation


def wait_sizes(viewer: Viewer, screen: XDisplay, *places: Place) -> None:
    wait_for_monitors(viewer, screen, places, timeout_s=PATIENCE_S)
    viewer.wait_exact()


#: Lower edge of the surface and upper edge of the extra keys, CSS px on the page; whether the surface is 1:1.
ABOVE_KEYS = """
const box = (name) => document.querySelector(name).getBoundingClientRect();
const keys = box('.keys');
return [box('.surface').bottom, keys.top, keys.height, document.querySelector('.viewport').dataset.oneToOne];
"""


def wait_above_keys(viewer: Viewer, screen: XDisplay, window: Place) -> Place:
    """Waits until the monitor fills a tablet's window above the extra keys, 1:1. Returns the monitor."""
    height_px = viewer.browser.evaluate(ABOVE_KEYS)[2]
    monitor = (*window[:3], window[3] - round(height_px * RATIO))
    wait_sizes(viewer, screen, monitor)

    def ends_above_keys() -> bool:  # the page adopts the new size a moment after the desktop
        bottom, top, _, one_to_one = viewer.browser.evaluate(ABOVE_KEYS)
        return bool(one_to_one == "true" and bottom <= top + 0.5)

    wait_for(ends_above_keys, timeout_s=PATIENCE_S, what=lambda: str(viewer.browser.evaluate(ABOVE_KEYS)))
    viewer.wait_exact()
    return monitor


def text_dpi(screen: XDisplay) -> str:
    """Returns Xft.dpi, which is 96 by default."""
    found = [line for line in screen.run("xrdb", "-query").splitlines() if line.startswith("Xft.dpi")]
    return found[0].split()[1] if found else "96"


def open_panel(viewer: Viewer) -> None:
    viewer.browser.evaluate("document.querySelector('.tools [aria-label=\"Monitors\"]').click()")
    viewer.wait_for_element(".monitors-card")


def close_panel(viewer: Viewer) -> None:
    viewer.browser.evaluate("document.querySelector('.monitors [aria-label=\"Close\"]').click()")


def is_size_kept(viewer: Viewer) -> bool:
    return bool(viewer.browser.evaluate(f"return document.querySelector('{KEEP}').checked"))


def test_the_desktop_follows_the_windows_size(desk: Viewer, screen: XDisplay, out: Path) -> None:
    desk.assert_equal(screen, out, "following")
    desk.browser.resize(1500, 900)
    wait_sizes(desk, screen, (0, 0, 1500, 900))
    desk.assert_equal(screen, out, "following-wider")
    desk.browser.resize(400, 900)  # too narrow for programs: scaled down, not cut off
    wait_for_monitors(desk, screen, [(0, 0, 640, 900)], timeout_s=PATIENCE_S)
    desk.wait_for_badge("scaled")


def test_the_size_can_be_kept(desk: Viewer, office: Lightbox, screen: XDisplay) -> None:
    open_panel(desk)
    assert not is_size_kept(desk)
    desk.click_element(KEEP)
    close_panel(desk)
    desk.browser.resize(1300, 820)
    desk.browser.evaluate(SETTLE)
    wait_sizes(desk, screen, (0, 0, WIDTH, HEIGHT))
    desk.browser.open(f"{office.url}/desktop/{DESKTOP}")  # the page remembers it
    desk.wait_exact()
    desk.browser.evaluate(SETTLE)
    wait_sizes(desk, screen, (0, 0, WIDTH, HEIGHT))
    open_panel(desk)
    assert is_size_kept(desk)
    desk.click_element(KEEP)
    close_panel(desk)
    wait_sizes(desk, screen, (0, 0, 1300, 820))


def test_a_chosen_size_stays(desk: Viewer, screen: XDisplay) -> None:
    open_panel(desk)
    desk.browser.evaluate(
        "const list = document.querySelector('#monitor-size-0'); list.value = '1920x1080';"
        "list.dispatchEvent(new Event('change'))"
    )
    assert is_size_kept(desk)
    desk.click_element('[data-act="apply"]')
    wait_for_monitors(desk, screen, [(0, 0, 1920, 1080)])
    close_panel(desk)
    desk.browser.resize(1200, 700)
    desk.browser.evaluate(SETTLE)
    wait_for_monitors(desk, screen, [(0, 0, 1920, 1080)])


def test_each_window_determines_its_own_monitors_size(
    desk: Viewer, chromium: Chromium, office: Lightbox, screen: XDisplay, out: Path
) -> None:
    open_panel(desk)
    desk.click_element("[data-count] .segment:nth-child(2)")
    desk.click_element('[data-act="apply"]')
    wait_for_monitors(desk, screen, [(0, 0, WIDTH, HEIGHT), (WIDTH, 0, WIDTH, HEIGHT)])
    close_panel(desk)
    second = ChromiumWindow(chromium)
    other = Viewer(second, office.url)
    try:
        second.resize(900, 1200)
        other.open_desktop(DESKTOP, monitor=1)
        wait_sizes(other, screen, (0, 0, WIDTH, HEIGHT), (WIDTH, 0, 900, 1200))
        # Both windows are resized at once, as when a display changes its density; neither undoes the other.
        desk.browser.resize(1000, 800)
        second.resize(800, 1000)
        wait_sizes(desk, screen, (0, 0, 1000, 800), (1000, 0, 800, 1000))
        desk.assert_equal(screen, out, "following-first", monitor=(0, 0, 1000, 800))
        other.assert_equal(screen, out, "following-second", monitor=(1000, 0, 800, 1000))
    finally:
        second.close()
        open_panel(desk)
        desk.click_element("[data-count] .segment:nth-child(1)")
        desk.click_element('[data-act="apply"]')
        wait_for_monitors(desk, screen, [(0, 0, 1000, 800)])


def test_a_second_device_does_not_change_the_size(
    desk: Viewer, start_tablet: StartTablet, office: Lightbox, screen: XDisplay
) -> None:
    tablet = start_tablet(GALAXY_TAB)
    try:
        guest = signed_in(tablet, office)
        tablet.open(f"{office.url}/desktop/{DESKTOP}")
        guest.wait_exact()
        tablet.turn()
        tablet.evaluate(SETTLE)
        wait_sizes(desk, screen, (0, 0, WIDTH, HEIGHT))
        open_panel(guest)
        message = tablet.evaluate("return document.querySelector('.monitor-keep').innerText")
        assert "opened this desktop first" in message
        close_panel(guest)
        # When the first device leaves, the size follows the other one after a while.
        desk.browser.open(f"{office.url}/")
        portrait = GALAXY_TAB.height * RATIO, GALAXY_TAB.width * RATIO
        wait_sizes(guest, screen, (0, 0, *portrait))
    finally:
        tablet.close()


def test_a_tablet_gets_its_device_pixels_and_larger_text(
    desk: Viewer, start_tablet: StartTablet, office: Lightbox, screen: XDisplay, out: Path
) -> None:
    assert text_dpi(screen) == "96"
    desk.browser.open(f"{office.url}/")
    tablet = start_tablet(IPAD)
    landscape, portrait = [(0, 0, w * RATIO, h * RATIO) for w, h in ((1180, 820), (820, 1180))]
    try:
        guest = signed_in(tablet, office)
        tablet.open(f"{office.url}/desktop/{DESKTOP}")
        wait_sizes(guest, screen, landscape)
        wait_for(
            lambda: text_dpi(screen) == "192", timeout_s=PATIENCE_S, what=lambda: f"text; {text_dpi(screen)}"
        )
        tablet.screenshot(out / "following-ipad.png")
        tablet.turn()
        wait_sizes(guest, screen, portrait)
        guest.assert_equal(screen, out, "following-ipad-upright")
        tablet.screenshot(out / "following-ipad-upright.png")
        # The desktop ends above the extra keys, also after the tablet was turned, and keeps its scale.
        tablet.tap_element(".handle")
        tablet.tap_element('[aria-label="On-screen keyboard"]')
        guest.wait_for_element(".keys")
        wait_above_keys(guest, screen, portrait)
        tablet.screenshot(out / "following-ipad-upright-keys.png")
        tablet.turn()
        wait_above_keys(guest, screen, landscape)
        tablet.turn()
        above_keys = wait_above_keys(guest, screen, portrait)
        # A soft keyboard that reduces the page's height, as in Firefox for Android.
        tablet.resize(820, 700)
        tablet.evaluate(SETTLE)
        wait_for_monitors(guest, screen, [above_keys])
        tablet.resize(820, 1180)
        tablet.tap_element('[aria-label="Close the extra keys"]')
        # A narrow window, as in Slide Over.
        tablet.resize(320, 1180)
        wait_sizes(guest, screen, (0, 0, 640, 2360))
        tablet.resize(1180, 820)
        wait_sizes(guest, screen, landscape)
    finally:
        tablet.close()


def test_a_size_from_the_configuration_stays(chromium: Chromium, out: Path) -> None:
    log = out / "following-fixed.log"
    with Lightbox(log, profile="blank", width_px=1024, height_px=768) as lightbox:
        viewer = signed_in(chromium, lightbox)
        chromium.evaluate("localStorage.clear()")
        chromium.resize(1200, 900)
        viewer.open_desktop("blank")
        screen = lightbox.display()
        chromium.resize(1250, 900)
        chromium.evaluate(SETTLE)
        wait_sizes(viewer, screen, (0, 0, 1024, 768))
        open_panel(viewer)
        assert is_size_kept(viewer)
        viewer.click_element(KEEP)  # the person may still change it
        wait_sizes(viewer, screen, (0, 0, 1250, 900))
        screen.close()
