"""A desktop follows the person from device to device and outlives network failures."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.browsers.browser import Browser
from tests.e2e.browsers.chromium import Chromium
from tests.e2e.browsers.tablet import IPAD
from tests.e2e.conftest import StartTablet
from tests.e2e.lightbox import Lightbox
from tests.e2e.processes import wait_for
from tests.e2e.relay import Relay
from tests.e2e.viewer import PATIENCE_S, Viewer
from tests.e2e.x_desktop.display import XDisplay
from tests.e2e.x_desktop.probe import Probe

NOTE = "return document.querySelector('.connection-notice').innerText"


@pytest.fixture(scope="module")
def workstation(start_browser: Callable[[str], Browser], lightbox: Lightbox) -> Iterator[Viewer]:
    browser = start_browser("chromium")
    viewer = Viewer(browser, lightbox.url)
    viewer.sign_in(lightbox.username, lightbox.password)
    yield viewer
    browser.close()


@pytest.fixture(scope="module")
def ipad(start_tablet: StartTablet, lightbox: Lightbox) -> Iterator[Viewer]:
    browser = start_tablet(IPAD)
    viewer = Viewer(browser, lightbox.url)
    viewer.sign_in(lightbox.username, lightbox.password)
    yield viewer
    browser.close()


def wait_moved(viewer: Viewer) -> None:
    wait_for(lambda: viewer.connection() == "moved", timeout_s=PATIENCE_S, what=viewer.situation)


def open_scaled(viewer: Viewer) -> float:
    """Opens the desktop where it may be scaled. Returns how long its surface took to be exact, s."""
    viewer.browser.open(f"{viewer.url}/desktop/radiology")
    started = time.monotonic()
    viewer.wait_for_badge("exact", "scaled")
    return time.monotonic() - started


def test_moves_to_the_tablet_and_back(workstation: Viewer, ipad: Viewer, out: Path) -> None:
    workstation.open_desktop("radiology")
    assert workstation.surface().any()
    took_s = open_scaled(ipad)
    wait_moved(workstation)
    assert workstation.badge() not in ("exact", "scaled")
    assert not workstation.surface().any(), "the device that the person left must show nothing"
    message = workstation.browser.evaluate(NOTE)
    assert "iPad" in message
    workstation.browser.screenshot(out / "follow-me-moved.png")
    assert ipad.connection() == "connected"
    workstation.click_element(".connection-notice button.primary")
    workstation.wait_exact()
    wait_moved(ipad)
    ipad.browser.screenshot(out / "follow-me-moved-ipad.png")
    assert not ipad.surface().any()
    assert "Chrome" in ipad.browser.evaluate(NOTE)
    print(f"exact on the tablet after {took_s:.2f} s")


def test_windows_of_one_browser_share_the_desktop(
    workstation: Viewer, lightbox: Lightbox, display: XDisplay, out: Path
) -> None:
    workstation.open_desktop("radiology")
    chromium = workstation.browser
    assert isinstance(chromium, Chromium)
    twin = chromium.run(chromium.page.context.new_page)
    badge = "document.querySelector('[data-badge]')?.dataset.state"
    chromium.run(lambda: twin.goto(f"{lightbox.url}/desktop/radiology"))
    wait_for(
        lambda: chromium.run(lambda: twin.evaluate(badge)) == "exact",
        timeout_s=PATIENCE_S,
        what="the second window to be exact",
    )
    workstation.assert_equal(display, out, "follow-me-twin")
    chromium.run(twin.close)


def test_a_device_that_lost_the_network_does_not_take_the_desktop_back(
    start_browser: Callable[[str], Browser], relay: Relay, lightbox: Lightbox, workstation: Viewer
) -> None:
    browser = start_browser("chromium")
    away = Viewer(browser, relay.url)
    away.sign_in(lightbox.username, lightbox.password)
    away.open_desktop("radiology")
    relay.unplug()
    try:
        wait_for(lambda: away.connection() == "reconnecting", timeout_s=PATIENCE_S, what=away.situation)
        workstation.open_desktop("radiology")
    finally:
        relay.plug()
    wait_moved(away)
    assert not away.surface().any()
    assert workstation.connection() == "connected"
    browser.close()


@pytest.mark.parametrize("silent", [False, True], ids=["broken", "silent"])
def test_reconnects_after_a_network_failure(
    start_browser: Callable[[str], Browser],
    relay: Relay,
    lightbox: Lightbox,
    display: XDisplay,
    tmp_path: Path,
    out: Path,
    silent: bool,
) -> None:
    """The connection is reset, or the network drops everything silently as out of the range of the Wi-Fi."""
    browser = start_browser("chromium")
    viewer = Viewer(browser, relay.url)
    viewer.sign_in(lightbox.username, lightbox.password)
    viewer.open_desktop("radiology")
    viewer.watch_connection()
    if silent:
        relay.swallow()
    else:
        relay.unplug()
    try:
        probe = Probe(display, tmp_path, x=100, y=100)
        wait_for(lambda: viewer.connection() == "reconnecting", timeout_s=PATIENCE_S, what=viewer.situation)
        assert viewer.badge() not in ("exact", "scaled"), "the badge must not claim anything"
    finally:
        relay.plug()
    back_s = viewer.wait_exact()
    print(f"exact {back_s:.2f} s after the network failure ended")
    viewer.assert_equal(display, out, f"outage-{silent}")
    assert "ended" not in viewer.connections()
    probe.stop()
    browser.close()
