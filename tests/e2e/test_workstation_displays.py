"""Window Management API: each display of a workstation becomes a monitor with its own window.

Headless Chromium emulates any number of displays, which the real `getScreenDetails` reports.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext

from tests.e2e.browsers.chromium import Chromium
from tests.e2e.browsers.chromium_window import opened_by
from tests.e2e.conftest import signed_in
from tests.e2e.lightbox import Lightbox
from tests.e2e.monitor_layout import Place, read_monitors, wait_for_monitors
from tests.e2e.processes import wait_for
from tests.e2e.viewer import PATIENCE_S, Viewer
from tests.e2e.x_desktop.display import XDisplay

DESKTOP = "office"
#: The displays of a reading room: one for lists, and a portrait one for images.
DISPLAYS: tuple[Place, ...] = ((0, 0, 1280, 800), (1280, 0, 1024, 1280))
#: A display that is plugged in later.
PLUGGED: Place = (2304, 0, 900, 700)


class Workstation(Chromium):
    """A Chromium with several displays and the permission to manage windows."""

    process_flags = (
        "--screen-info=" + "".join(f"{{{x},{y} {width}x{height}}}" for x, y, width, height in DISPLAYS),
    )

    def __init__(self, log_folder: Path) -> None:
        super().__init__(log_folder, width_px=DISPLAYS[0][2], height_px=DISPLAYS[0][3])

    def _new_context(self, width_px: int, height_px: int) -> BrowserContext:
        return self._process.browser.new_context(ignore_https_errors=True, no_viewport=True, locale="en-US")

    def allow(self, origin: str) -> None:
        """Grants the permission that Chrome asks a person for."""

        def work() -> None:
            context = self.cdp.send("Target.getTargetInfo")["targetInfo"]["browserContextId"]
            self._process.browser.new_browser_cdp_session().send(
                "Browser.setPermission",
                {
                    "permission": {"name": "window-management"},
                    "setting": "granted",
                    "origin": origin,
                    "browserContextId": context,
                },
            )

        self.run(work)

    def plug(self, place: Place) -> str:
        """Adds a display and returns its number."""
        left, top, width, height = place
        answer: dict[str, Any] = self.run(
            lambda: self.cdp.send(
                "Emulation.addScreen", {"left": left, "top": top, "width": width, "height": height}
            )
        )
        found: str = answer["screenInfo"]["id"]
        return found

    def unplug(self, number: str) -> None:
        self.run(lambda: self.cdp.send("Emulation.removeScreen", {"screenId": number}))


@pytest.fixture(scope="module")
def lightbox(out: Path) -> Iterator[Lightbox]:
    with Lightbox(out / "displays.log", profile=DESKTOP, width_px=1280, height_px=800) as running:
        yield running


@pytest.fixture(scope="module")
def workstation(out: Path, lightbox: Lightbox) -> Iterator[Viewer]:
    browser = Workstation(out)
    browser.allow(lightbox.url)
    viewer = signed_in(browser, lightbox)
    browser.open(f"{lightbox.url}/desktop/{DESKTOP}")
    viewer.wait_for_badge("exact", "scaled")
    yield viewer
    browser.close()


@pytest.fixture(scope="module")
def screen(lightbox: Lightbox, workstation: Viewer) -> Iterator[XDisplay]:
    assert workstation.url == lightbox.url
    reader = lightbox.display()
    yield reader
    reader.close()


def browser_of(viewer: Viewer) -> Workstation:
    assert isinstance(viewer.browser, Workstation)
    return viewer.browser


def test_one_click_fills_all_displays(workstation: Viewer, screen: XDisplay, out: Path) -> None:
    browser = browser_of(workstation)
    found = browser.evaluate(
        "const { screens } = await getScreenDetails();"
        "return screens.map(({ left, top, width, height }) => [left, top, width, height])"
    )
    assert sorted(tuple(place) for place in found) == sorted(DISPLAYS)
    browser.evaluate("document.querySelector('.tools [aria-label=\"Monitors\"]').click()")
    workstation.click_element('[data-act="useDisplays"]')
    wait_for_monitors(workstation, screen, DISPLAYS)
    (other,) = opened_by(browser, 1)
    second = Viewer(other, workstation.url)
    try:
        second.wait_for_badge("exact", "scaled")
        monitor, left = other.evaluate(
            "return [new URLSearchParams(location.search).get('monitor'), screenX]"
        )
        assert monitor == "1"
        assert left >= DISPLAYS[1][0], "the window must be on the other display"
        wait_for(
            lambda: browser.evaluate("return !!document.fullscreenElement"),
            timeout_s=PATIENCE_S,
            what="the first window to be full screen",
        )
        assert second.surface().shape == (DISPLAYS[1][3], DISPLAYS[1][2], 3)
        second.browser.screenshot(out / "displays-second.png")
    finally:
        other.close()


def test_a_plugged_in_display_becomes_a_monitor(workstation: Viewer, screen: XDisplay) -> None:
    browser = browser_of(workstation)
    number = browser.plug(PLUGGED)
    wait_for_monitors(workstation, screen, (*DISPLAYS, PLUGGED))
    notice = browser.evaluate("return document.querySelector('.toast').innerText")
    assert "display was added" in notice
    browser.unplug(number)
    wait_for_monitors(workstation, screen, DISPLAYS)
    # A reloaded page still follows the displays.
    workstation.browser.open(f"{workstation.url}/desktop/{DESKTOP}")
    workstation.wait_for_badge("exact", "scaled")
    number = browser.plug(PLUGGED)
    wait_for_monitors(workstation, screen, (*DISPLAYS, PLUGGED))
    browser.unplug(number)
    wait_for_monitors(workstation, screen, DISPLAYS)


def test_a_manual_layout_is_not_changed_by_new_displays(workstation: Viewer, screen: XDisplay) -> None:
    browser = browser_of(workstation)
    browser.evaluate("document.querySelector('.tools [aria-label=\"Monitors\"]').click()")
    workstation.wait_for_element(".monitors-card")
    for choice in ("[data-count] .segment:nth-child(1)", '[data-act="apply"]'):
        browser.evaluate(f"document.querySelector('{choice}').click()")
    wait_for(
        lambda: len(read_monitors(screen)) == 1,
        timeout_s=PATIENCE_S,
        what=lambda: f"one; there are {read_monitors(screen)}",
    )
    alone = read_monitors(screen)
    number = browser.plug(PLUGGED)
    browser.evaluate("await new Promise((done) => setTimeout(done, 1500))")
    assert read_monitors(screen) == alone
    browser.unplug(number)
