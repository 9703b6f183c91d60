"""A held key never types on by itself, and input that is lost in a gap is announced."""

from __future__ import annotations

import os
import signal
import time

import pytest

from tests.e2e.lightbox import Lightbox
from tests.e2e.processes import wait_for
from tests.e2e.relay import Relay
from tests.e2e.stopped_parts import stopped
from tests.e2e.viewer import PATIENCE_S, Viewer
from tests.e2e.x_desktop.display import XDisplay
from tests.e2e.x_desktop.probe import Probe

NOTHING_HELD: tuple[list[int], int] = ([], 0)
#: X servers repeat a key 660 ms after its press, and then 25 times per second.
LONGER_THAN_A_REPEAT_S = 1.5
GDK_CONTROL = 1 << 2
LOST = "What you did was dropped."


@pytest.fixture
def typing(relayed: Viewer, display: XDisplay, probe: Probe) -> Viewer:
    """The desktop is open, its text field has the focus, and a program has turned the key repeat on."""
    relayed.open_desktop("radiology")
    relayed.click(probe.entry)
    relayed.browser.type("-")
    probe.wait_for_text("-")
    display.run("xset", "r", "on")
    return relayed


def wait_for_toast(viewer: Viewer, text: str) -> None:
    script = "const toast = document.querySelector('.toast'); return toast.hidden ? '' : toast.textContent"
    wait_for(
        lambda: text in viewer.browser.evaluate(script),
        timeout_s=PATIENCE_S,
        what=lambda: f"a message with {text!r}; {viewer.situation()}",
    )


def wait_released(display: XDisplay) -> None:
    wait_for(
        lambda: display.held() == NOTHING_HELD,
        timeout_s=PATIENCE_S,
        what=lambda: f"nothing held; held are {display.held()}",
    )


def test_the_desktop_repeats_no_key_by_itself(typing: Viewer, probe: Probe) -> None:
    """The driver holds the key without repeating it, so exactly one character is meant."""
    typing.browser.key_down("x")
    try:
        probe.wait_for_text("-x")
        time.sleep(LONGER_THAN_A_REPEAT_S)
    finally:
        typing.browser.key_up("x")
    typing.browser.type("y")
    probe.wait_for_text("-xy")


def test_a_held_key_is_released_while_the_link_is_stalled(
    typing: Viewer, relay: Relay, display: XDisplay, probe: Probe
) -> None:
    typing.browser.key_down("x")
    probe.wait_for_text("-x")
    relay.swallow()
    try:
        wait_released(display)
        typing.browser.key_up("x")
    finally:
        relay.plug()
    typing.wait_exact()
    typing.browser.type("y")
    probe.wait_for_text("-xy")


def test_a_modifier_that_is_held_through_a_gap_is_held_afterwards(
    typing: Viewer, relay: Relay, display: XDisplay, probe: Probe
) -> None:
    """The agent releases it in the gap. Without it, the shortcut would type a letter."""
    typing.browser.key_down("Control")
    try:
        wait_for(lambda: display.held() != NOTHING_HELD, timeout_s=PATIENCE_S, what="Control to be held")
        relay.swallow()
        wait_released(display)
        relay.plug()
        typing.wait_exact()
        typing.browser.key_down("b")
        typing.browser.key_up("b")
        probe.wait_for(lambda events: [e for e in events if e.get("name") == "b"], "the shortcut")
    finally:
        relay.plug()
        typing.browser.key_up("Control")
    (pressed,) = [e for e in probe.events("key-down") if e["name"] == "b"]
    assert pressed["state"] & GDK_CONTROL
    wait_released(display)
    typing.browser.type("y")
    probe.wait_for_text("-y")


def test_input_of_a_gap_has_no_effect_afterwards_and_is_announced(
    typing: Viewer, relay: Relay, probe: Probe
) -> None:
    relay.swallow()
    try:
        wait_for(lambda: typing.badge() == "unverified", timeout_s=PATIENCE_S, what=typing.situation)
        typing.browser.type("lost")
        wait_for_toast(typing, LOST)
    finally:
        relay.plug()
    typing.wait_exact()
    typing.browser.type("kept")
    probe.wait_for_text("-kept")


def test_a_drag_survives_a_short_gap(typing: Viewer, relay: Relay, display: XDisplay, probe: Probe) -> None:
    """The button stays down, as in a drag for window and level."""
    typing.move(probe.area)
    typing.browser.press()
    try:
        wait_for(lambda: display.held()[1] != 0, timeout_s=PATIENCE_S, what="the button to be held")
        relay.swallow()
        wait_for(lambda: typing.badge() == "unverified", timeout_s=PATIENCE_S, what=typing.situation)
        relay.plug()
        typing.wait_exact()
        assert display.held()[1] != 0
    finally:
        relay.plug()
        typing.browser.release()
    wait_released(display)


def test_input_made_while_the_x_server_is_stopped_has_no_effect_afterwards(
    typing: Viewer, lightbox: Lightbox, probe: Probe
) -> None:
    with stopped(lightbox.session().x_server_pid):
        wait_for(lambda: typing.badge() == "unverified", timeout_s=PATIENCE_S, what=typing.situation)
        typing.browser.type("lost")
        wait_for_toast(typing, LOST)
    typing.wait_exact()
    typing.browser.type("kept")
    probe.wait_for_text("-kept")


def test_a_held_key_types_nothing_after_the_agent_was_killed(
    typing: Viewer, lightbox: Lightbox, probe: Probe
) -> None:
    typing.browser.key_down("x")
    probe.wait_for_text("-x")
    os.kill(lightbox.session().agent_pid, signal.SIGKILL)
    time.sleep(LONGER_THAN_A_REPEAT_S)
    typing.browser.key_up("x")
    typing.wait_exact()
    typing.browser.type("y")
    probe.wait_for_text("-xy")
