"""Lost connections and held keys."""

from __future__ import annotations

from pathlib import Path

from tests.e2e.processes import wait_for
from tests.e2e.relay import Relay
from tests.e2e.viewer import PATIENCE_S, Viewer
from tests.e2e.x_desktop.display import XDisplay
from tests.e2e.x_desktop.probe import Probe

NOTHING_HELD: tuple[list[int], int] = ([], 0)


def wait_held(display: XDisplay, *, something: bool) -> None:
    wait_for(
        lambda: (display.held() != NOTHING_HELD) == something,
        timeout_s=PATIENCE_S,
        what=lambda: f"{'a key' if something else 'nothing'} held; held are {display.held()}",
    )


def test_reconnects_after_a_lost_connection(
    relayed: Viewer, relay: Relay, display: XDisplay, out: Path
) -> None:
    relayed.open_desktop("radiology")
    relayed.watch_connection()
    relay.cut()
    wait_for(
        lambda: "reconnecting" in relayed.connections(),
        timeout_s=PATIENCE_S,
        what=lambda: f"the state reconnecting; states were {relayed.connections()}",
    )
    relayed.wait_exact()
    relayed.assert_equal(display, out, "after-cut")


def test_reconnects_after_a_long_outage(
    relayed: Viewer, relay: Relay, display: XDisplay, probe: Probe, out: Path
) -> None:
    """Several attempts fail. The badge claims nothing meanwhile, and the surface is up to date afterwards."""
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
            what="the window to vanish meanwhile",
        )
    finally:
        relay.plug()
    relayed.wait_exact()
    relayed.assert_equal(display, out, "after-outage")


def test_releases_held_keys_when_the_connection_is_lost(
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


def test_releases_a_held_button_when_the_page_is_closed(
    relayed: Viewer, display: XDisplay, probe: Probe
) -> None:
    relayed.open_desktop("radiology")
    relayed.move(probe.area)
    relayed.browser.press()
    try:
        wait_held(display, something=True)
        relayed.browser.open(relayed.url + "/")
        wait_held(display, something=False)
    finally:
        relayed.browser.release()


def test_releases_modifiers_when_the_page_loses_the_focus(
    viewer: Viewer, display: XDisplay, probe: Probe
) -> None:
    """After Alt+Tab another program receives the release of the key."""
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


def test_holds_no_key_after_fast_typing(viewer: Viewer, display: XDisplay, probe: Probe) -> None:
    viewer.open_desktop("radiology")
    viewer.click(probe.entry)
    text = "aAbBcC!1@2#3 " * 4
    viewer.browser.type(text)
    probe.wait_for_text(text)
    wait_held(display, something=False)
