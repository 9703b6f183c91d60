"""The badge never outlives what it promises: whatever stops to answer, it is not *exact* any more."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.lightbox import Lightbox
from tests.e2e.processes import wait_for
from tests.e2e.relay import Relay
from tests.e2e.stopped_parts import gateway_pid, stopped, supervisor_pid, window_manager_pid
from tests.e2e.viewer import PATIENCE_S, Viewer
from tests.e2e.x_desktop.display import XDisplay
from tests.e2e.x_desktop.probe import Probe

PARTS: dict[str, Callable[[Lightbox], int]] = {
    "gateway": gateway_pid,
    "agent": lambda lightbox: lightbox.session().agent_pid,
    "X server": lambda lightbox: lightbox.session().x_server_pid,
}


@pytest.mark.engines_alike
@pytest.mark.parametrize("part", PARTS)
def test_the_badge_is_not_exact_while_a_part_is_stopped(
    viewer: Viewer, lightbox: Lightbox, part: str, display: XDisplay, out: Path
) -> None:
    viewer.open_desktop("radiology")
    with stopped(PARTS[part](lightbox)):
        wait_for(lambda: viewer.badge() == "unverified", timeout_s=PATIENCE_S, what=viewer.situation)
    viewer.wait_exact()
    viewer.assert_equal(display, out, f"after-{part}")


def test_a_page_that_is_reloaded_while_the_x_server_is_stopped_is_not_exact(
    chromium_viewer: Viewer, lightbox: Lightbox
) -> None:
    viewer = chromium_viewer
    viewer.open_desktop("radiology")
    with stopped(lightbox.session().x_server_pid):
        wait_for(lambda: viewer.badge() != "exact", timeout_s=PATIENCE_S, what=viewer.situation)
        viewer.browser.open(f"{viewer.url}/desktop/radiology")
        wait_for(
            lambda: (viewer.connection(), viewer.badge()) == ("connected", "unverified"),
            timeout_s=PATIENCE_S,
            what=viewer.situation,
        )
        viewer.watch_connection()
        viewer.browser.evaluate("await new Promise((done) => setTimeout(done, 3000))")
        assert "exact" not in viewer.badges()
    viewer.wait_exact()


def wait_for_notice(viewer: Viewer, text: str) -> None:
    script = "return document.querySelector('.connection-notice')?.innerText ?? ''"
    wait_for(
        lambda: text in viewer.browser.evaluate(script),
        timeout_s=PATIENCE_S,
        what=lambda: f"a notice with {text!r}; {viewer.situation()}",
    )


def test_a_desktop_that_does_not_respond_can_be_given_another_agent(
    chromium_viewer: Viewer, lightbox: Lightbox, display: XDisplay, out: Path
) -> None:
    viewer = chromium_viewer
    viewer.open_desktop("radiology")
    agent = lightbox.session().agent_pid
    with contextlib.suppress(ProcessLookupError), stopped(agent):
        wait_for_notice(viewer, "This desktop is not responding")
        viewer.click_element(".connection-notice button.secondary")
        wait_for(lambda: lightbox.session().agent_pid != agent, timeout_s=PATIENCE_S, what="another agent")
        viewer.wait_exact()
    viewer.assert_equal(display, out, "after-restart")


@pytest.mark.parametrize(
    ("find", "name"),
    [(supervisor_pid, "The supervisor"), (window_manager_pid, "The window manager")],
    ids=["supervisor", "window manager"],
)
def test_a_stopped_part_that_does_not_matter_for_the_picture_is_named(
    chromium_viewer: Viewer, lightbox: Lightbox, find: Callable[[Lightbox], int], name: str
) -> None:
    """The badge stays exact, because the picture is."""
    viewer = chromium_viewer
    viewer.open_desktop("radiology")
    viewer.watch_connection()
    script = "const toast = document.querySelector('.toast'); return toast.hidden ? '' : toast.textContent"
    with stopped(find(lightbox)):
        wait_for(
            lambda: name in viewer.browser.evaluate(script),
            timeout_s=PATIENCE_S,
            what=viewer.situation,
        )
        viewer.wait_exact()


def test_waiting_hides_the_notice(chromium_viewer: Viewer, lightbox: Lightbox) -> None:
    viewer = chromium_viewer
    viewer.open_desktop("radiology")
    with stopped(lightbox.session().x_server_pid):
        wait_for_notice(viewer, "This desktop is not responding")
        viewer.click_element(".connection-notice button.primary")
        hidden = "return document.querySelector('.connection-notice').hidden"
        wait_for(lambda: viewer.browser.evaluate(hidden), timeout_s=PATIENCE_S, what=viewer.situation)
        assert viewer.badge() == "unverified"
    viewer.wait_exact()


def test_a_desktop_outlives_its_supervisor(
    chromium_viewer: Viewer, lightbox: Lightbox, display: XDisplay, out: Path
) -> None:
    viewer = chromium_viewer
    viewer.open_desktop("radiology")
    before, killed = lightbox.session(), supervisor_pid(lightbox)
    os.kill(killed, signal.SIGKILL)

    def replaced() -> bool:
        pids = next(entry["pids"] for entry in lightbox.sessions() if entry["id"] == before.id)
        return pids["supervisor"] not in (None, killed)

    wait_for(replaced, timeout_s=PATIENCE_S, what="another supervisor")
    viewer.wait_exact()
    viewer.assert_equal(display, out, "after-supervisor")
    assert lightbox.session() == before


def test_the_badge_is_not_exact_while_the_link_is_stalled(relayed: Viewer, relay: Relay) -> None:
    relayed.open_desktop("radiology")
    relay.swallow()
    try:
        wait_for(lambda: relayed.badge() == "unverified", timeout_s=PATIENCE_S, what=relayed.situation)
        assert relayed.connection() == "connected", (
            "the badge falls long before the connection counts as lost"
        )
    finally:
        relay.plug()
    relayed.wait_exact()


def test_picture_and_input_go_on_while_a_program_grabs_the_x_server(
    chromium_viewer: Viewer, display: XDisplay, probe: Probe, out: Path
) -> None:
    """The badge stays exact, and it is true."""
    viewer = chromium_viewer
    viewer.open_desktop("radiology")
    grabbing = display.connect()
    root = grabbing.get_setup().roots[0].root
    window = grabbing.generate_id()
    grabbing.core.GrabServer()
    grabbing.core.GetInputFocus().reply()
    try:
        viewer.watch_connection()
        # Only the program that holds the grab can draw now.
        grabbing.core.CreateWindow(0, window, root, 40, 60, 200, 100, 0, 1, 0, 0x0202, [0x3366CC, 1])
        grabbing.core.MapWindow(window)
        grabbing.core.GetInputFocus().reply()
        wait_for(
            lambda: viewer.surface()[100, 100, :3].tolist() == [0x33, 0x66, 0xCC],
            timeout_s=PATIENCE_S,
            what=viewer.situation,
        )
        viewer.move((333, 222))

        def pointer() -> tuple[int, int]:
            at = grabbing.core.QueryPointer(root).reply()
            return at.root_x, at.root_y

        wait_for(lambda: pointer() == (333, 222), timeout_s=PATIENCE_S, what=viewer.situation)
        viewer.wait_exact()
        assert "unverified" not in viewer.badges()
    finally:
        grabbing.core.DestroyWindow(window)
        grabbing.core.UngrabServer()
        grabbing.core.GetInputFocus().reply()
        grabbing.disconnect()
    viewer.wait_exact()
    viewer.assert_equal(display, out, "after-grab")
