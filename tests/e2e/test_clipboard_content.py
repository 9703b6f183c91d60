"""Content of the clipboard beside plain text, and content that the browser or the policy keeps back."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.e2e.browsers.browser import Browser
from tests.e2e.browsers.chromium import Chromium
from tests.e2e.browsers.webkit import WebKit
from tests.e2e.device_clipboard import DeviceClipboard
from tests.e2e.lightbox import Lightbox
from tests.e2e.processes import wait_for
from tests.e2e.viewer import PATIENCE_S, Viewer
from tests.e2e.x_desktop.display import XDisplay
from tests.e2e.x_desktop.probe import Probe
from tests.fakes.x_programs import ClipboardOwner, ClipboardRequestor

#: Offers the desktop's content when the page may not write it by itself.
CHIP = ".clipboard-chip"
FORMATTED = {"text/html": "<b>폐</b> 결절".encode(), "text/plain": "폐 결절".encode()}
#: Larger than the policy of the demo allows.
LARGE = "0123456789abcde\n" * 540_000
READ_TOAST = "return document.querySelector('.toast').textContent"


def noise_png(seed: int) -> bytes:
    """Returns a PNG of noise that is larger than one clipboard frame."""
    noise = np.random.default_rng(seed).integers(0, 256, (300, 400, 3), np.uint8)
    file = io.BytesIO()
    Image.fromarray(noise).save(file, "PNG")
    return file.getvalue()


def pixels(png: bytes | None) -> bytes:
    return b"" if png is None else Image.open(io.BytesIO(png)).convert("RGB").tobytes()


def desktop_content(display: XDisplay, target: str) -> bytes | None:
    """Returns what a program on the desktop would paste."""
    program = ClipboardRequestor(display.connect())
    try:
        return program.paste(target)
    finally:
        program.close()


def press_paste(viewer: Viewer) -> None:
    viewer.browser.key_down("Control")
    viewer.browser.tap("v")
    viewer.browser.key_up("Control")


def wait_for_toast(viewer: Viewer, part: str) -> None:
    wait_for(lambda: part in viewer.browser.evaluate(READ_TOAST), timeout_s=PATIENCE_S, what=viewer.situation)


def paste_old_text(viewer: Viewer, probe: Probe, device: DeviceClipboard) -> None:
    """Opens the desktop and pastes a text, which the desktop still has afterwards."""
    viewer.open_desktop("radiology")
    viewer.click(probe.entry)
    device.copy(viewer.browser, "old ")
    press_paste(viewer)
    probe.wait_for_text("old ")


def test_formatted_text_arrives_as_plain_text(
    viewer: Viewer, display: XDisplay, device: DeviceClipboard
) -> None:
    viewer.open_desktop("radiology")
    device.copy(viewer.browser, FORMATTED)
    press_paste(viewer)
    wait_for(
        lambda: desktop_content(display, "UTF8_STRING") == FORMATTED["text/plain"],
        timeout_s=PATIENCE_S,
        what=viewer.situation,
    )


def test_formatted_text_of_the_desktop_reaches_the_device_as_plain_text(
    viewer: Viewer, display: XDisplay, device: DeviceClipboard
) -> None:
    device.copy(viewer.browser, "before")
    viewer.open_desktop("radiology")
    content = {"text/html": FORMATTED["text/html"], "UTF8_STRING": FORMATTED["text/plain"]}
    program = ClipboardOwner(display.connect(), content)
    try:
        if not isinstance(viewer.browser, Chromium):
            viewer.click_element(CHIP)
        wait_for(
            lambda: device.paste(viewer.browser) == FORMATTED["text/plain"],
            timeout_s=PATIENCE_S,
            what=viewer.situation,
        )
    finally:
        program.close()


@pytest.mark.parametrize("browser", ["chromium", "firefox"], indirect=True)
def test_an_image_of_the_device_arrives(viewer: Viewer, display: XDisplay, device: DeviceClipboard) -> None:
    viewer.open_desktop("radiology")
    image = noise_png(1)
    device.copy(viewer.browser, {"image/png": image})
    press_paste(viewer)
    wait_for(
        lambda: pixels(desktop_content(display, "image/png")) == pixels(image),
        timeout_s=PATIENCE_S,
        what=viewer.situation,
    )


def test_an_image_of_the_desktop_reaches_the_device(
    viewer: Viewer, display: XDisplay, device: DeviceClipboard
) -> None:
    device.copy(viewer.browser, "before")
    viewer.open_desktop("radiology")
    image = noise_png(2)
    program = ClipboardOwner(display.connect(), {"image/png": image})
    try:
        if not isinstance(viewer.browser, Chromium):
            viewer.click_element(CHIP)
        wait_for(
            lambda: pixels(device.paste(viewer.browser, "image/png")) == pixels(image),
            timeout_s=PATIENCE_S,
            what=viewer.situation,
        )
    finally:
        program.close()


def copy_what_the_page_does_not_get(browser: Browser, device: DeviceClipboard) -> None:
    """Copies something on the device that the engine's `paste` event does not carry."""
    if isinstance(browser, Chromium):
        device.copy(browser, "")
    elif isinstance(browser, WebKit):
        device.copy(browser, {"image/png": noise_png(3)})
    else:
        device.copy(browser, "new", refusing=True)


def test_pastes_no_old_text_when_the_browser_gives_none(
    viewer: Viewer, probe: Probe, device: DeviceClipboard
) -> None:
    paste_old_text(viewer, probe, device)
    copy_what_the_page_does_not_get(viewer.browser, device)
    press_paste(viewer)
    wait_for_toast(viewer, "nothing was pasted")
    viewer.browser.type("!")
    probe.wait_for_text("old !")
    device.copy(viewer.browser, "new")
    press_paste(viewer)
    probe.wait_for_text("old !new")


def test_pastes_no_old_text_when_the_content_is_too_large(
    chromium_viewer: Viewer, probe: Probe, device: DeviceClipboard
) -> None:
    viewer = chromium_viewer
    paste_old_text(viewer, probe, device)
    device.copy(viewer.browser, LARGE)
    press_paste(viewer)
    wait_for_toast(viewer, "nothing was pasted")
    viewer.browser.type("!")
    probe.wait_for_text("old !")


@pytest.mark.parametrize("browser", ["firefox", "webkit"], indirect=True)
def test_the_desktop_pastes_its_own_copy_without_content_of_the_browser(
    viewer: Viewer, probe: Probe, device: DeviceClipboard
) -> None:
    """Chromium writes each copy of the desktop to the device, so that it always gets a content."""
    viewer.open_desktop("radiology")
    viewer.click(probe.entry)
    copy_what_the_page_does_not_get(viewer.browser, device)
    program = ClipboardOwner(probe.display.connect(), {"UTF8_STRING": b"of the desktop"})
    try:
        viewer.wait_for_element(CHIP)
        press_paste(viewer)
        probe.wait_for_text("of the desktop")
    finally:
        program.close()


def test_the_desktop_pastes_its_own_copy_where_the_policy_forbids_sending(
    chromium_viewer: Viewer, lightbox: Lightbox, device: DeviceClipboard, tmp_path: Path
) -> None:
    viewer = chromium_viewer
    viewer.open_desktop("blank")
    (session,) = [s for s in lightbox.sessions() if (s["profile"], s["state"]) == ("blank", "ready")]
    display = XDisplay(session["display"], Path(session["xauthority"]))
    probe = Probe(display, tmp_path, x=40, y=40)
    program = ClipboardOwner(display.connect(), {"UTF8_STRING": b"of the desktop"})
    try:
        viewer.click(probe.entry)
        device.copy(viewer.browser, "of the device")
        press_paste(viewer)
        probe.wait_for_text("of the desktop")
        assert device.text(viewer.browser) == "of the device"
    finally:
        program.close()
        probe.stop()
        display.close()
