"""Ordinary use, once per engine: sign in, see the desktop exactly, type, click, outlive a killed agent."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.browsers.browser import Button
from tests.e2e.lightbox import Lightbox
from tests.e2e.processes import Program, wait_for
from tests.e2e.viewer import PATIENCE_S, Viewer
from tests.e2e.x_desktop.display import XDisplay
from tests.e2e.x_desktop.probe import Event, Probe

DICOM_VIEWER = "dicom"
GDK_BUTTON1_MASK = 1 << 8


def test_sign_in_leads_to_the_list(viewer: Viewer, lightbox: Lightbox) -> None:
    viewer.sign_out()
    viewer.fill_in(lightbox.username, lightbox.password)
    viewer.wait_for_element('a[href^="/desktop/"]')
    assert "/desktop/radiology" in viewer.desktops()
    viewer.click_element('a[href="/desktop/radiology"]')
    viewer.wait_exact()


def test_surface_equals_framebuffer(viewer: Viewer, display: XDisplay, out: Path) -> None:
    viewer.open_desktop("radiology")
    wait_for(
        lambda: any(DICOM_VIEWER in window.title.lower() for window in display.windows()),
        timeout_s=PATIENCE_S,
        what=lambda: f"a window of {DICOM_VIEWER}; there are {[w.title for w in display.windows()]}",
    )
    viewer.assert_equal(display, out, f"radiology-{viewer.browser.engine}")
    viewer.browser.screenshot(out / f"radiology-{viewer.browser.engine}.png")


def test_hangul_arrives_in_a_gtk_entry(viewer: Viewer, probe: Probe) -> None:
    viewer.open_desktop("radiology")
    viewer.click(probe.entry)
    written = ""
    for hangul, latin in (("한글", " "), ("입력", " CT-1 ("), ("값뷁", "): 3%")):
        viewer.browser.compose(hangul)
        viewer.browser.type(latin)
        written += hangul + latin
        # The page empties its field after a word; if it does so late, the input method begins anew.
        probe.wait_for_text(written)


def test_latin_and_symbols_arrive(viewer: Viewer, probe: Probe) -> None:
    viewer.open_desktop("radiology")
    viewer.click(probe.entry)
    text = "The quick Fox, 0123456789 ~`!@#$%^&*()-_=+[]{}\\|;:'\",.<>/? é€ß²µÄ"
    viewer.browser.type(text)
    probe.wait_for_text(text)
    for _ in "²µÄ":
        viewer.browser.tap("Backspace")
    probe.wait_for_text(text[:-3])
    viewer.browser.tap("Home")
    viewer.browser.tap("Delete")
    viewer.browser.tap("ArrowRight")
    viewer.browser.type("X")
    probe.wait_for_text("hX" + text[2:-3])


@pytest.mark.engines_alike
def test_text_arrives_in_a_plain_x_program(viewer: Viewer, display: XDisplay, tmp_path: Path) -> None:
    """xterm uses no toolkit and only X core events."""
    viewer.open_desktop("radiology")
    written = tmp_path / "written"
    program = Program(
        ["xterm", "-geometry", "60x10+40+60", "-e", "sh", "-c", f"cat > {written}"],
        log=tmp_path / "xterm.log",
        env={**display.environment, "LANG": "C.UTF-8"},
    )
    try:
        window = wait_for(
            lambda: next((w for w in display.windows() if w.title == "sh"), None),
            timeout_s=PATIENCE_S,
            what="xterm",
        )
        viewer.click((window.x + 100, window.y + 60))
        viewer.browser.type("Plain (X) = ")
        viewer.browser.compose("한글")
        viewer.browser.tap("Enter")
        wait_for(
            lambda: written.exists() and written.read_text() == "Plain (X) = 한글\n",
            timeout_s=PATIENCE_S,
            what=lambda: f"the typed line; there is {written.read_bytes() if written.exists() else None!r}",
        )
    finally:
        program.stop()


def test_shortcut_reaches_the_program(viewer: Viewer, probe: Probe) -> None:
    viewer.open_desktop("radiology")
    viewer.click(probe.entry)
    viewer.browser.type("old")
    probe.wait_for_text("old")
    viewer.browser.key_down("Control")
    viewer.browser.tap("a")
    viewer.browser.key_up("Control")
    viewer.browser.type("new")
    probe.wait_for_text("new")


@pytest.mark.parametrize(("button", "number"), [(Button.LEFT, 1), (Button.MIDDLE, 2), (Button.RIGHT, 3)])
def test_click_hits_the_exact_pixel(viewer: Viewer, probe: Probe, button: Button, number: int) -> None:
    viewer.open_desktop("radiology")
    probe.clear()
    viewer.click(probe.area, button)
    probe.wait_for(lambda events: [e for e in events if e["kind"] == "button-up"], "a click")
    received = [
        (e["kind"], e["button"], e["x"], e["y"])
        for e in probe.events("button-down", "double-click", "button-up")
    ]
    x, y = probe.area
    assert received == [("button-down", number, x, y), ("button-up", number, x, y)]


def test_double_click_arrives_as_one(viewer: Viewer, probe: Probe) -> None:
    viewer.open_desktop("radiology")
    probe.slow_down_double_clicks()
    probe.clear()
    viewer.click(probe.area, count=2)

    def released(events: list[Event]) -> bool:
        return len([e for e in events if e["kind"] == "button-up"]) == 2

    probe.wait_for(released, "two clicks")
    kinds = [e["kind"] for e in probe.events("button-down", "double-click", "triple-click", "button-up")]
    assert kinds == ["button-down", "button-up", "button-down", "double-click", "button-up"]


def test_drag_moves_between_exact_pixels(viewer: Viewer, probe: Probe) -> None:
    viewer.open_desktop("radiology")
    start = probe.area
    end = start[0] + 150, start[1] + 60
    middle = start[0] + 70, start[1] + 30
    probe.clear()
    viewer.move(start)
    viewer.browser.press()
    viewer.move(middle)
    probe.wait_for(
        lambda events: [e for e in events if e["kind"] == "motion" and (e["x"], e["y"]) == middle],
        "the middle of the drag",
    )
    viewer.move(end)
    viewer.browser.release()
    probe.wait_for(lambda events: [e for e in events if e["kind"] == "button-up"], "the end of the drag")
    (down,) = probe.events("button-down")
    (up,) = probe.events("button-up")
    assert (down["x"], down["y"]) == start
    assert (up["x"], up["y"]) == end
    held = [e for e in probe.events("motion") if e["state"] & GDK_BUTTON1_MASK]
    assert middle in {(e["x"], e["y"]) for e in held}, "the drag must not be a jump"
    assert all(start[0] <= e["x"] <= end[0] and start[1] <= e["y"] <= end[1] for e in held)


def test_wheel_notches_are_counted_exactly(viewer: Viewer, probe: Probe) -> None:
    viewer.open_desktop("radiology")
    viewer.move(probe.area)
    probe.clear()
    turns = [3, -2, 1, 5, -1]
    expected = [direction for turn in turns for direction in ["down" if turn > 0 else "up"] * abs(turn)]
    for turn in turns:
        viewer.wheel(probe.area, turn)
    probe.wait_for(
        lambda events: len([e for e in events if e["kind"] == "scroll"]) >= len(expected), "the notches"
    )
    time.sleep(0.5)  # a superfluous notch would arrive late
    assert [e["direction"] for e in probe.events("scroll")] == expected


def test_reconnects_after_the_agent_was_killed(
    viewer: Viewer,
    lightbox: Lightbox,
    display: XDisplay,
    out: Path,
    record_property: Callable[[str, object], None],
) -> None:
    viewer.open_desktop("radiology")
    before = lightbox.session()
    windows = {window.id: window.title for window in display.windows()}
    assert windows
    viewer.watch_connection()
    killed = time.monotonic()
    os.kill(before.agent_pid, signal.SIGKILL)
    wait_for(
        lambda: "reconnecting" in viewer.connections(),
        timeout_s=PATIENCE_S,
        what=lambda: f"the state reconnecting; states were {viewer.connections()}; {viewer.situation()}",
        every_s=0.01,
    )
    viewer.wait_exact(timeout_s=PATIENCE_S)
    recovery_s = time.monotonic() - killed
    print(f"{viewer.browser.engine}: exact again {recovery_s:.2f} s after SIGKILL to the agent")
    record_property("exact_again_s", f"{recovery_s:.2f}")
    after = lightbox.session()
    assert after.agent_pid != before.agent_pid
    assert after.x_server_pid == before.x_server_pid
    assert {window.id: window.title for window in display.windows()} == windows
    viewer.assert_equal(display, out, f"after-kill-{viewer.browser.engine}")
