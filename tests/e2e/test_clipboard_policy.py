"""The radiology desktop as it is shipped: nothing that is copied there leaves it, and the page says so."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.browsers.chromium import Chromium
from tests.e2e.conftest import DESKTOP_PX
from tests.e2e.device_clipboard import DeviceClipboard, allow
from tests.e2e.lightbox import Lightbox
from tests.e2e.processes import wait_for
from tests.e2e.viewer import PATIENCE_S, Viewer
from tests.e2e.x_desktop.display import XDisplay
from tests.fakes.x_programs import ClipboardOwner, ClipboardRequestor

#: Offers the desktop's content when the page may not write it by itself.
CHIP_HIDDEN = "return document.querySelector('.clipboard-chip').hidden"
READ_TOAST = "return document.querySelector('.toast').textContent"


@pytest.fixture(scope="module")
def lightbox(out: Path) -> Iterator[Lightbox]:
    width_px, height_px = DESKTOP_PX
    with Lightbox(
        out / "clipboard-policy.log", profile="radiology", width_px=width_px, height_px=height_px
    ) as running:
        yield running


@pytest.mark.parametrize("content", [{"UTF8_STRING": b"patient"}, {"image/png": b"\x89PNG..."}])
def test_a_copy_stays_on_the_desktop_and_the_person_is_notified(
    chromium_viewer: Viewer,
    display: XDisplay,
    device: DeviceClipboard,
    out: Path,
    content: dict[str, bytes],
) -> None:
    viewer = chromium_viewer
    assert isinstance(viewer.browser, Chromium)
    allow(viewer.browser)  # the page may write the device's clipboard; only the policy is in the way
    device.copy(viewer.browser, "of the device")
    viewer.open_desktop("radiology")
    program = ClipboardOwner(display.connect(), content)
    try:
        wait_for(
            lambda: "stays on this desktop" in viewer.browser.evaluate(READ_TOAST),
            timeout_s=PATIENCE_S,
            what=viewer.situation,
        )
        viewer.browser.screenshot(out / "clipboard-stays.png")
        assert viewer.browser.evaluate(CHIP_HIDDEN)
        assert device.text(viewer.browser) == "of the device"
    finally:
        program.close()


def test_what_the_device_copied_can_be_pasted(
    chromium_viewer: Viewer, display: XDisplay, device: DeviceClipboard
) -> None:
    viewer = chromium_viewer
    viewer.open_desktop("radiology")
    device.copy(viewer.browser, "from the device")
    viewer.browser.key_down("Control")
    viewer.browser.tap("v")
    viewer.browser.key_up("Control")

    def pasted() -> bytes | None:
        program = ClipboardRequestor(display.connect())
        try:
            return program.paste("UTF8_STRING")
        finally:
            program.close()

    wait_for(lambda: pasted() == b"from the device", timeout_s=PATIENCE_S, what=viewer.situation)
