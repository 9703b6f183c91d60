"""Broken lines and held keys."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.browsers.browser import Browser
from tests.e2e.x_desktop.display import XDisplay
from tests.e2e.x_desktop.probe import Probe
from tests.e2e.lightbox import Lightbox
from tests.e2e.processes import wait_for
from tests.e2e.relay import Relay
from tests.e2e.viewer import PATIENCE_S, Viewer

NOTHING_HELD: tuple[list[int], int] = ([], 0)


@pytest.fixture(scope="module")
def relay(lightbox: Lightbox) -> Iterator[Relay]:
    between = Relay(lightbox.port)
    yield between
    between.close()


@pytest.fixture(scope="module")
def relayed(start_browser: Callable[[str], Browser], relay: Relay, lightbox: Lightbox) -> Iterator[Viewer]:
    """Chromium on a line that can be cut."""
    browser = start_browser("chromium")
    viewer = Viewer(browser, relay.url)
    viewer.sign_in(lightbox.username, lightbox.password)
    yield viewer
    browser.close()


def wait_held(display: XDisplay, *, something: bool) -> None:
    wait_for(
        lambda: (display.held() != NOTHING_HELD) == something,
        timeout_s=PATIENCE_S,
        what=lambda: f"{'a key' if something else 'nothing'} held; held are {display.held()}",
    )


def test_cut_line_heals_by_itself(relayed: Viewer, relay: Relay, display: XDisplay, out: Path) -> None:
    relayed.open_desktop("radiology")
    relayed.watch_connection()
    relay.cut()
    wait_for(
        lambda: "reconnecting" in relayed.connections(),
        timeout_s=PATIENCE_S,
        what=lambda: f"the reconnecting note; seen {relayed.connections()}",
    )
    relayed.wait_exact()
    relayed.assert_equal(display, out, "after-cut")


def test_long_outage_heals_by_itself(
    relayed: Viewer, relay: Relay, display: XDisplay, probe: Probe, out: Path
) -> None:
    """The line is away for some attempts; what was drawn meanwhile is there afterwards. No lie meanwhile."""
    relayed.open_desktop("radiology")
    relay.unplug()
    try:
        wait_for(
            lambda: relayed.connection() == "reconnecting",
            timeout_s=PATIENCE_S,
            what=relayed.situation,
        )
        assert relayed.badge() == "unverified"
        probe.stop()
        wait_for(
            lambda: probe.window_id not in {window.id for window in display.windows()},
            timeout_s=PATIENCE_S,
            what="the window vanishes meanwhile",
        )
    finally:
        relay.plug()
    relayed.wait_exact(timeout_s=60)
    relayed.assert_equal(display, out, "after-outage")


def test_cut_line_lets_go_of_held_keys(
    relayed: Viewer, relay: Relay, display: XDisplay, probe: Probe
) -> None:
    relayed.open_desktop("radiology")
    relayed.click(probe.entry)
    relayed.browser.key_down("Shift")
    try:
        wait_held(display, something=True)
        relay.cut()
        wait_held(display, something=False)
    finally:
        relayed.browser.key_up("Shift")
    relayed.wait_exact()
    wait_held(display, something=False)


def test_closed_page_lets_go_of_held_button(relayed: Viewer, display: XDisplay, probe: Probe) -> None:
    relayed.open_desktop("radiology")
    relayed.move(probe.area)
    relayed.browser.press()
    try:
        wait_held(display, something=True)
        relayed.browser.open(relayed.url + "/")
        wait_held(display, something=False)
    finally:
        relayed.browser.release()


def test_blurred_page_lets_go_of_modifiers(viewer: Viewer, display: XDisplay, probe: Probe) -> None:
    """Alt+Tab away from the browser: the release of the key goes to somebody else."""
    viewer.open_desktop("radiology")
    viewer.click(probe.entry)
    viewer.browser.key_down("Shift")
    try:
        wait_held(display, something=True)
        viewer.browser.lose_focus()
        wait_held(display, something=False)
    finally:
        viewer.browser.key_up("Shift")
        viewer.browser.regain_focus()
    viewer.click(probe.entry)
    viewer.browser.type("a")
    probe.wait_for_text("a")
    wait_held(display, something=False)


def test_nothing_is_held_after_fast_typing(viewer: Viewer, display: XDisplay, probe: Probe) -> None:
    viewer.open_desktop("radiology")
    viewer.click(probe.entry)
    text = "aAbBcC!1@2#3 " * 4
    viewer.browser.type(text)
    probe.wait_for_text(text)
    wait_held(display, something=False)
