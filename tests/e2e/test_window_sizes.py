"""A desktop without a size of its own takes that of the windows that show it, and so is shown one to one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.browsers.chromium import Chromium
from tests.e2e.browsers.chromium_window import ChromiumWindow
from tests.e2e.browsers.tablet import GALAXY_TAB, IPAD, RATIO, Tablet
from tests.e2e.conftest import signed_in
from tests.e2e.x_desktop.display import XDisplay
from tests.e2e.lightbox import Lightbox
from tests.e2e.processes import wait_for
from tests.e2e.monitor_layout import Place, wait_listed
from tests.e2e.viewer import PATIENCE_S, Viewer

DESKTOP = "office"
WIDTH, HEIGHT = 1111, 777
#: As many ms as a window is left in peace that is being resized, and more.
SETTLE = "await new Promise((done) => setTimeout(done, 1500))"
KEEP = ".monitor-keep input"


@pytest.fixture(scope="module")
def ward(out: Path) -> Iterator[Lightbox]:
    log = out / "following.log"
    log.write_bytes(b"")
    running = Lightbox(log, profile=DESKTOP, share=True)
    yield running
    running.stop()


@pytest.fixture(scope="module")
def workstation(chromium: Chromium, ward: Lightbox) -> Viewer:
    viewer = signed_in(chromium, ward)
    chromium.resize(WIDTH, HEIGHT)
    viewer.open_desktop(DESKTOP)
    return viewer


@pytest.fixture(scope="module")
def screen(ward: Lightbox, workstation: Viewer) -> Iterator[XDisplay]:
    reader = ward.display()
    yield reader
    reader.close()


@pytest.fixture
def desk(workstation: Viewer, ward: Lightbox, screen: XDisplay) -> Viewer:
    """One window that nothing was chosen in, with one monitor."""
    chromium = workstation.browser
    chromium.evaluate("localStorage.clear()")
    chromium.resize(WIDTH, HEIGHT)
    chromium.open(f"{ward.url}/desktop/{DESKTOP}")
    wait_sizes(workstation, screen, (0, 0, WIDTH, HEIGHT))
    return workstation


def wait_sizes(viewer: Viewer, screen: XDisplay, *places: Place) -> None:
    wait_listed(viewer, screen, places, timeout_s=PATIENCE_S)
    viewer.wait_exact()


def dots(screen: XDisplay) -> str:
    found = [line for line in screen.run("xrdb", "-query").splitlines() if line.startswith("Xft.dpi")]
    return found[0].split()[1] if found else "96"


def open_panel(viewer: Viewer) -> None:
    viewer.browser.evaluate("document.querySelector('.tools [aria-label=\"Monitors\"]').click()")
    viewer.wait_for_element(".monitors-card")


def close_panel(viewer: Viewer) -> None:
    viewer.browser.evaluate("document.querySelector('.monitors [aria-label=\"Close\"]').click()")


def kept(viewer: Viewer) -> bool:
    return bool(viewer.browser.evaluate(f"return document.querySelector('{KEEP}').checked"))


def test_it_fills_the_window_and_goes_on_doing_so(desk: Viewer, screen: XDisplay, out: Path) -> None:
    desk.assert_equal(screen, out, "following")
    desk.browser.resize(1500, 900)
    wait_sizes(desk, screen, (0, 0, 1500, 900))
    desk.assert_equal(screen, out, "following-wider")
    desk.browser.resize(400, 900)  # too narrow for programs: made smaller, not cut
    wait_listed(desk, screen, [(0, 0, 640, 900)], timeout_s=PATIENCE_S)
    desk.wait_for_badge("scaled")


def test_a_size_can_be_kept(desk: Viewer, ward: Lightbox, screen: XDisplay) -> None:
    open_panel(desk)
    assert not kept(desk)
    desk.click_element(KEEP)
    close_panel(desk)
    desk.browser.resize(1300, 820)
    desk.browser.evaluate(SETTLE)
    wait_sizes(desk, screen, (0, 0, WIDTH, HEIGHT))
    desk.browser.open(f"{ward.url}/desktop/{DESKTOP}")  # it is remembered
    desk.wait_exact()
    desk.browser.evaluate(SETTLE)
    wait_sizes(desk, screen, (0, 0, WIDTH, HEIGHT))
    open_panel(desk)
    assert kept(desk)
    desk.click_element(KEEP)
    close_panel(desk)
    wait_sizes(desk, screen, (0, 0, 1300, 820))


def test_a_size_that_is_chosen_stays(desk: Viewer, screen: XDisplay) -> None:
    open_panel(desk)
    desk.browser.evaluate(
        "const list = document.querySelector('#monitor-size-0'); list.value = '1920x1080';"
        "list.dispatchEvent(new Event('change'))"
    )
    assert kept(desk)
    desk.click_element('[data-act="apply"]')
    wait_listed(desk, screen, [(0, 0, 1920, 1080)])
    close_panel(desk)
    desk.browser.resize(1200, 700)
    desk.browser.evaluate(SETTLE)
    wait_listed(desk, screen, [(0, 0, 1920, 1080)])


def test_each_window_gives_its_own_monitors_size(
    desk: Viewer, chromium: Chromium, ward: Lightbox, screen: XDisplay, out: Path
) -> None:
    open_panel(desk)
    desk.click_element("[data-count] .segment:nth-child(2)")
    desk.click_element('[data-act="apply"]')
    wait_listed(desk, screen, [(0, 0, WIDTH, HEIGHT), (WIDTH, 0, WIDTH, HEIGHT)])
    close_panel(desk)
    second = ChromiumWindow(chromium)
    other = Viewer(second, ward.url)
    try:
        second.resize(900, 1200)
        other.open_desktop(DESKTOP, monitor=1)
        wait_sizes(other, screen, (0, 0, WIDTH, HEIGHT), (WIDTH, 0, 900, 1200))
        # Both at the same moment, as when a display changes its density: neither undoes the other's.
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
        wait_listed(desk, screen, [(0, 0, 1000, 800)])


def test_who_looks_on_orders_nothing(desk: Viewer, ward: Lightbox, screen: XDisplay, out: Path) -> None:
    tablet = Tablet(out, GALAXY_TAB)
    try:
        guest = signed_in(tablet, ward)
        tablet.open(f"{ward.url}/desktop/{DESKTOP}")
        guest.wait_exact()
        tablet.turn()
        tablet.evaluate(SETTLE)
        wait_sizes(desk, screen, (0, 0, WIDTH, HEIGHT))
        open_panel(guest)
        said = tablet.evaluate("return document.querySelector('.monitor-keep').innerText")
        assert "opened this desktop first" in said
        close_panel(guest)
        # The first device goes, and after a while the other one has the desktop for itself.
        desk.browser.open(f"{ward.url}/")
        upright = GALAXY_TAB.height * RATIO, GALAXY_TAB.width * RATIO
        wait_sizes(guest, screen, (0, 0, *upright))
    finally:
        tablet.close()


def test_a_tablet_has_its_own_pixels_and_text_that_can_be_read(
    desk: Viewer, ward: Lightbox, screen: XDisplay, out: Path
) -> None:
    assert dots(screen) == "96"
    desk.browser.open(f"{ward.url}/")
    tablet = Tablet(out, IPAD)
    across, upright = [(0, 0, w * RATIO, h * RATIO) for w, h in ((1180, 820), (820, 1180))]
    try:
        guest = signed_in(tablet, ward)
        tablet.open(f"{ward.url}/desktop/{DESKTOP}")
        wait_sizes(guest, screen, across)
        wait_for(lambda: dots(screen) == "192", timeout_s=PATIENCE_S, what=lambda: f"text; {dots(screen)}")
        tablet.screenshot(out / "following-ipad.png")
        tablet.turn()
        wait_sizes(guest, screen, upright)
        guest.assert_equal(screen, out, "following-ipad-upright")
        tablet.screenshot(out / "following-ipad-upright.png")
        # A soft keyboard that takes from the page's height, as Firefox for Android has it.
        tablet.tap_element(".handle")
        tablet.tap_element('[aria-label="On-screen keyboard"]')
        guest.wait_for_element(".keys")
        tablet.resize(820, 700)
        tablet.evaluate(SETTLE)
        wait_listed(guest, screen, [upright])
        tablet.resize(820, 1180)
        tablet.tap_element('[aria-label="Close the extra keys"]')
        # Slide Over.
        tablet.resize(320, 1180)
        wait_sizes(guest, screen, (0, 0, 640, 2360))
        tablet.resize(1180, 820)
        wait_sizes(guest, screen, across)
    finally:
        tablet.close()


def test_what_the_operator_gave_stays(chromium: Chromium, out: Path) -> None:
    log = out / "following-fixed.log"
    log.write_bytes(b"")
    lightbox = Lightbox(log, profile="blank", width_px=1024, height_px=768)
    try:
        viewer = signed_in(chromium, lightbox)
        chromium.evaluate("localStorage.clear()")
        chromium.resize(1200, 900)
        viewer.open_desktop("blank")
        screen = lightbox.display()
        chromium.resize(1250, 900)
        chromium.evaluate(SETTLE)
        wait_sizes(viewer, screen, (0, 0, 1024, 768))
        open_panel(viewer)
        assert kept(viewer)
        viewer.click_element(KEEP)  # the person may still want it otherwise
        wait_sizes(viewer, screen, (0, 0, 1250, 900))
        screen.close()
    finally:
        lightbox.stop()
