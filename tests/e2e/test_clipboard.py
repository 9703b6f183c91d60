"""Text of the clipboard in both directions, between real browsers and real programs on the desktop."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.e2e.browsers.browser import Button
from tests.e2e.browsers.chromium import Chromium
from tests.e2e.browsers.firefox import Firefox
from tests.e2e.device_clipboard import DeviceClipboard, allow
from tests.e2e.processes import wait_for
from tests.e2e.viewer import PATIENCE_S, Viewer
from tests.e2e.x_desktop.display import XDisplay
from tests.e2e.x_desktop.probe import Probe
from tests.fakes.x_programs import ClipboardOwner, ClipboardRequestor

#: Longer than `COPY_TIMEOUT_MS` of page_clipboard.ts, s.
COPY_TIMEOUT_S = 4.0
HANGUL = "환자: 김철수, CT-1 ☎ 😀"
#: Texts by what is special in them: as copied on the device, and as the desktop pastes them.
TEXTS = {
    "plain": ("plain", "plain"),
    "emoji": ("👩‍⚕️ 😀 𝔘", "👩‍⚕️ 😀 𝔘"),
    "lines": ("one\r\ntwo\r\n", "one\ntwo\n"),
    "5 MB": ("0123456789abcde\n" * 327_680, "0123456789abcde\n" * 327_680),
}
#: Offers the desktop's content when the page may not write it by itself.
CHIP = ".clipboard-chip"
READ_TOAST = "return document.querySelector('.toast').textContent"


def desktop_text(display: XDisplay, selection: str) -> str | None:
    """Returns what a program on the desktop would paste."""
    program = ClipboardRequestor(display.connect())
    try:
        data = program.paste("UTF8_STRING", selection=selection)
    finally:
        program.close()
    return None if data is None else data.decode()


def wait_for_desktop_text(viewer: Viewer, display: XDisplay, text: str, *selections: str) -> None:
    """Waits until programs on the desktop would paste `text` from each of the selections."""
    for selection in selections:
        wait_for(
            lambda selection=selection: desktop_text(display, selection) == text,  # type: ignore[misc]
            timeout_s=PATIENCE_S,
            what=lambda selection=selection: (  # type: ignore[misc]
                f"{text[:40]!r} in {selection}, which has {str(desktop_text(display, selection))[:40]!r}; "
                f"{viewer.situation()}, said last {viewer.browser.evaluate(READ_TOAST)!r}"
            ),
        )


def press(viewer: Viewer, *keys: str) -> None:
    """Presses the keys together and releases them."""
    for key in keys:
        viewer.browser.key_down(key)
    for key in reversed(keys):
        viewer.browser.key_up(key)


def test_pasted_text_arrives_on_the_desktop(viewer: Viewer, probe: Probe, device: DeviceClipboard) -> None:
    viewer.open_desktop("radiology")
    viewer.click(probe.entry)
    device.copy(viewer.browser, HANGUL)
    press(viewer, "Control", "v")
    probe.wait_for_text(HANGUL)
    viewer.browser.type("!")
    probe.wait_for_text(HANGUL + "!")
    press(viewer, "Control", "v")
    probe.wait_for_text(HANGUL + "!" + HANGUL)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param("plain", marks=pytest.mark.engines_alike),
        "emoji",
        "lines",
        pytest.param("5 MB", marks=pytest.mark.engines_alike),
    ],
)
def test_every_kind_of_text_arrives(
    viewer: Viewer, display: XDisplay, device: DeviceClipboard, content: str
) -> None:
    sent, wanted = TEXTS[content]
    viewer.open_desktop("radiology")
    if content == "5 MB" and isinstance(viewer.browser, Firefox):
        # Firefox waits 1 s for another program, which is too short for 5 MB on a busy host.
        viewer.browser.evaluate_in_gesture(f"await navigator.clipboard.writeText({sent!r})")
    else:
        device.copy(viewer.browser, sent)
    press(viewer, "Control", "v")
    wait_for_desktop_text(viewer, display, wanted, "CLIPBOARD", "PRIMARY")


@pytest.mark.parametrize("keys", [("Control", "v"), ("Control", "Shift", "v"), ("Shift", "Insert")])
def test_every_key_that_pastes_gives_the_copy_of_the_device(
    viewer: Viewer, display: XDisplay, device: DeviceClipboard, keys: tuple[str, ...]
) -> None:
    viewer.open_desktop("radiology")
    text = f"copied for {'+'.join(keys)}"
    device.copy(viewer.browser, text)
    press(viewer, *keys)
    wait_for_desktop_text(viewer, display, text, "CLIPBOARD", "PRIMARY")


def test_shift_insert_pastes_the_copy_of_the_device_after_a_selection(
    viewer: Viewer, display: XDisplay, device: DeviceClipboard
) -> None:
    viewer.open_desktop("radiology")
    device.copy(viewer.browser, "from the device")
    press(viewer, "Shift", "Insert")
    wait_for_desktop_text(viewer, display, "from the device", "PRIMARY")
    program = ClipboardOwner(display.connect(), {"UTF8_STRING": b"selected"}, selection="PRIMARY")
    try:
        wait_for_desktop_text(viewer, display, "selected", "PRIMARY")
        press(viewer, "Shift", "Insert")
        wait_for_desktop_text(viewer, display, "from the device", "PRIMARY")
        assert device.text(viewer.browser) == "from the device", "selecting alone must leave the device alone"
    finally:
        program.close()


def test_a_middle_click_pastes_the_copy_of_the_device(
    viewer: Viewer, probe: Probe, device: DeviceClipboard
) -> None:
    viewer.open_desktop("radiology")
    viewer.click(probe.entry)
    device.copy(viewer.browser, "once ")
    press(viewer, "Control", "v")
    probe.wait_for_text("once ")
    viewer.click(probe.entry, Button.MIDDLE)
    probe.wait_for_text("once once ")


def test_pastes_the_newer_copy(viewer: Viewer, probe: Probe, device: DeviceClipboard) -> None:
    viewer.open_desktop("radiology")
    viewer.click(probe.entry)
    device.copy(viewer.browser, "outside")
    viewer.browser.type("inside")
    probe.wait_for_text("inside")
    press(viewer, "Control", "a")
    press(viewer, "Control", "x")
    probe.wait_for_text("")
    # The page has noticed the copy: it wrote it to the device, or offers it because the desktop was too busy.
    shown = f"return !document.querySelector('{CHIP}').hidden"
    wait_for(
        lambda: device.text(viewer.browser) == "inside" or viewer.browser.evaluate(shown),
        timeout_s=PATIENCE_S,
        what=viewer.situation,
    )
    press(viewer, "Control", "v")
    probe.wait_for_text("inside")
    device.copy(viewer.browser, "later")
    press(viewer, "Control", "v")
    probe.wait_for_text("insidelater")


def test_copy_shortcut_copies_to_the_device(viewer: Viewer, probe: Probe, device: DeviceClipboard) -> None:
    viewer.open_desktop("radiology")
    device.copy(viewer.browser, "before")
    viewer.click(probe.entry)
    viewer.browser.compose("검사")
    viewer.browser.type(" 12")
    probe.wait_for_text("검사 12")
    press(viewer, "Control", "a")
    pressed_s = float("-inf")

    def copied() -> bool:
        """Presses the shortcut again when the desktop was too busy to copy within the page's time limit."""
        nonlocal pressed_s
        if time.monotonic() - pressed_s > COPY_TIMEOUT_S:
            press(viewer, "Control", "c")
            pressed_s = time.monotonic()
        return device.text(viewer.browser) == "검사 12"

    wait_for(
        copied,
        timeout_s=PATIENCE_S,
        what=lambda: (
            f"the copy on the device, which has {device.text(viewer.browser)!r}; {viewer.situation()}"
        ),
    )


def test_offers_text_that_a_menu_copied(
    viewer: Viewer, display: XDisplay, device: DeviceClipboard, out: Path
) -> None:
    """Without a shortcut there is no user gesture. Chrome lets the page write anyway; others need a tap."""
    device.copy(viewer.browser, "before")
    viewer.open_desktop("radiology")
    program = ClipboardOwner(display.connect(), {"UTF8_STRING": HANGUL.encode()})
    try:
        if not isinstance(viewer.browser, Chromium):
            viewer.wait_for_element(CHIP)
            assert device.text(viewer.browser) == "before"
            viewer.browser.screenshot(out / f"clipboard-chip-{viewer.browser.engine}.png")
            viewer.click_element(CHIP)
        wait_for(
            lambda: device.text(viewer.browser) == HANGUL,
            timeout_s=PATIENCE_S,
            what=lambda: (
                f"the copy on the device, which has {device.text(viewer.browser)!r}; {viewer.situation()}"
            ),
        )
        hidden = f"return document.querySelector('{CHIP}').hidden"
        wait_for(lambda: viewer.browser.evaluate(hidden), timeout_s=PATIENCE_S, what="the chip to disappear")
    finally:
        program.close()


def test_a_menu_pastes_the_copy_of_the_device(viewer: Viewer, probe: Probe, device: DeviceClipboard) -> None:
    viewer.open_desktop("radiology")
    viewer.click(probe.entry)
    device.copy(viewer.browser, "once ")
    press(viewer, "Control", "v")
    probe.wait_for_text("once ")
    choose_paste(viewer, probe)
    probe.wait_for_text("once once ")


def test_menus_paste_a_new_copy_where_the_page_may_read_the_clipboard(
    chromium_viewer: Viewer, probe: Probe, device: DeviceClipboard
) -> None:
    viewer = chromium_viewer
    assert isinstance(viewer.browser, Chromium)
    allow(viewer.browser)
    viewer.open_desktop("radiology")
    viewer.click(probe.entry)
    device.copy(viewer.browser, "first ")
    choose_paste(viewer, probe)
    probe.wait_for_text("first ")
    device.copy(viewer.browser, "second ")
    viewer.click(probe.entry, Button.MIDDLE)
    probe.wait_for_text("first second ")


def test_the_button_of_the_bar_sends_the_clipboard(chromium_viewer: Viewer, display: XDisplay) -> None:
    viewer = chromium_viewer
    assert isinstance(viewer.browser, Chromium)
    allow(viewer.browser)
    viewer.open_desktop("radiology")
    # Without a change of the focus the page does not notice the copy.
    viewer.browser.evaluate("await navigator.clipboard.writeText('sent by the button')")
    viewer.browser.evaluate("document.querySelector('button[aria-label^=\"Send this device\"]').click()")
    wait_for_desktop_text(viewer, display, "sent by the button", "CLIPBOARD", "PRIMARY")


def choose_paste(viewer: Viewer, probe: Probe) -> None:
    """Chooses Paste in the context menu of the probe's entry."""
    viewer.click(probe.entry, Button.RIGHT)
    wait_for(probe.display.popups, timeout_s=PATIENCE_S, what=viewer.situation)
    viewer.browser.tap("p")


def test_copies_nothing_that_the_policy_forbids(chromium_viewer: Viewer, device: DeviceClipboard) -> None:
    viewer = chromium_viewer
    viewer.browser.open(f"{viewer.url}/desktop/blank")
    viewer.wait_exact()
    device.copy(viewer.browser, "stays outside")
    press(viewer, "Control", "v")
    tools = viewer.browser.evaluate("return document.querySelectorAll('.tools button').length")
    viewer.open_desktop("radiology")
    allowed = viewer.browser.evaluate("return document.querySelectorAll('.tools button').length")
    assert allowed == tools + 1, "the paste tool must exist only where the policy permits it"
