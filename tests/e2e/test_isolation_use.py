"""One isolated desktop as a person uses it: text, wheel and clipboard in each engine; monitors and video."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.e2e.browsers.browser import Browser
from tests.e2e.browsers.chromium import Chromium
from tests.e2e.browsers.chromium_window import ChromiumWindow
from tests.e2e.conftest import DESKTOP_PX, signed_in
from tests.e2e.device_clipboard import DeviceClipboard, allow
from tests.e2e.lightbox import Lightbox
from tests.e2e.monitor_layout import set_layout
from tests.e2e.processes import wait_for
from tests.e2e.test_clipboard import COPY_TIMEOUT_S, press, wait_for_desktop_text
from tests.e2e.video_setup import VideoSetup, open_video_setup, play_film
from tests.e2e.viewer import PATIENCE_S, Viewer
from tests.e2e.x_desktop.display import XDisplay
from tests.e2e.x_desktop.probe import Probe
from tests.fakes.x_programs import ClipboardOwner

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="isolation needs root")
ISOLATED = {"LIGHTBOX_ISOLATION_ENABLED": "true"}
#: Two monitors beside each other: x, y, width and height.
LEFT, RIGHT = (0, 0, 800, 640), (800, 90, 700, 500)
#: Enough frames to say that video plays.
FRAMES = 20
#: The address of loopback in /proc/net/udp.
LOOPBACK = "0100007F"


@pytest.fixture(scope="module")
def lightbox(out: Path) -> Iterator[Lightbox]:
    width_px, height_px = DESKTOP_PX
    with Lightbox(
        out / "lightbox-isolated-use.log",
        profile="office",
        width_px=width_px,
        height_px=height_px,
        settings=ISOLATED,
    ) as running:
        yield running


@pytest.mark.engines_alike
def test_text_wheel_and_clipboard_work_in_each_engine(
    viewer: Viewer, probe: Probe, display: XDisplay, device: DeviceClipboard, out: Path
) -> None:
    viewer.open_desktop("office")
    viewer.click(probe.entry)
    viewer.browser.compose("한글")
    viewer.browser.type(" 12")
    probe.wait_for_text("한글 12")

    probe.clear()
    viewer.wheel(probe.area, 2)
    probe.wait_for(lambda events: [e for e in events if e["kind"] == "scroll"], "the wheel")

    probe.reset()
    viewer.click(probe.entry)
    device.copy(viewer.browser, "환자 7")
    press(viewer, "Control", "v")
    probe.wait_for_text("환자 7")
    wait_for_desktop_text(viewer, display, "환자 7", "CLIPBOARD")

    probe.reset()
    viewer.click(probe.entry)
    viewer.browser.type("desktop")
    probe.wait_for_text("desktop")
    press(viewer, "Control", "a")
    wait_for_copy(viewer, device, "desktop")
    viewer.assert_equal(display, out, f"isolated-use-{viewer.browser.engine}")


def wait_for_copy(viewer: Viewer, device: DeviceClipboard, text: str) -> None:
    """Copies with the shortcut, again when the desktop was too busy to answer in time."""
    pressed_s = float("-inf")

    def copied() -> bool:
        nonlocal pressed_s
        if time.monotonic() - pressed_s > COPY_TIMEOUT_S:
            press(viewer, "Control", "c")
            pressed_s = time.monotonic()
        return device.text(viewer.browser) == text

    wait_for(
        copied,
        timeout_s=PATIENCE_S,
        what=lambda: f"the copy on the device, which has {device.text(viewer.browser)!r}",
    )


def test_each_window_shows_its_monitor_exactly(
    chromium: Chromium, lightbox: Lightbox, display: XDisplay, out: Path
) -> None:
    first = signed_in(chromium, lightbox)
    first.open_desktop("office")
    window = None
    try:
        set_layout(first, "office", (LEFT, RIGHT), display)
        first.wait_exact()
        window = ChromiumWindow(chromium)
        second = Viewer(window, lightbox.url)
        second.open_desktop("office", monitor=1)
        second.wait_exact()
        first.assert_equal(display, out, "isolated-left", monitor=LEFT)
        second.assert_equal(display, out, "isolated-right", monitor=RIGHT)
    finally:
        if window is not None:
            window.close()
        set_layout(first, "office", ((0, 0, *DESKTOP_PX),), display)


def test_nothing_that_is_copied_leaves_a_desktop_whose_policy_forbids_it(
    chromium: Chromium, lightbox: Lightbox, device: DeviceClipboard
) -> None:
    viewer = signed_in(chromium, lightbox)
    allow(chromium)  # the page may write the device's clipboard; only the policy is in the way
    device.copy(chromium, "of the device")
    viewer.open_desktop("radiology")
    with closing(lightbox.display("radiology")) as radiology:
        program = ClipboardOwner(radiology.connect(), {"UTF8_STRING": b"patient"})
        try:
            wait_for(
                lambda: (
                    "stays on this desktop"
                    in chromium.evaluate("return document.querySelector('.toast').textContent")
                ),
                timeout_s=PATIENCE_S,
                what=viewer.situation,
            )
            assert device.text(chromium) == "of the device"
        finally:
            program.close()
        device.copy(chromium, "newer")
        press(viewer, "Control", "v")
        wait_for_desktop_text(viewer, radiology, "newer", "CLIPBOARD")


@pytest.fixture(scope="module")
def video(start_browser: Callable[[str], Browser], out: Path) -> Iterator[VideoSetup]:
    with open_video_setup(
        out / "lightbox-isolated-video.log", lambda: start_browser("chromium"), settings=ISOLATED
    ) as setup:
        yield setup


def test_motion_is_sent_as_video_although_the_agent_has_no_network(video: VideoSetup, out: Path) -> None:
    viewer = video.viewer
    with play_film(video) as (display, film):
        video.wait_for_video(FRAMES)
        viewer.wait_for_badge("lossy")
        video.wait_for_changing_surface()
        # The sockets are the gateway's, on the loopback interface of this host alone.
        agent = video.lightbox.session().agent_pid
        assert udp_sockets(f"/proc/{agent}/net/udp") == set()
        first, last = 21000, 21999
        addresses = {a for a, port in udp_sockets("/proc/net/udp") if first <= port <= last}
        assert addresses == {LOOPBACK}
        film.stop()
        viewer.wait_exact()
        viewer.assert_equal(display, out, "isolated-video")


def udp_sockets(table: str) -> set[tuple[str, int]]:
    """Returns the local addresses and ports of a network namespace's UDP sockets."""
    lines = Path(table).read_text().splitlines()[1:]
    local = [line.split()[1].split(":") for line in lines]
    return {(address, int(port, 16)) for address, port in local}
