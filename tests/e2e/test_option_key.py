"""The choice of what the left ⌥ of a Mac does, in Chromium that takes its system for a Mac."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.e2e.browsers.browser import Browser
from tests.e2e.browsers.chromium import Chromium
from tests.e2e.conftest import signed_in
from tests.e2e.lightbox import Lightbox
from tests.e2e.processes import wait_for
from tests.e2e.viewer import PATIENCE_S, Viewer
from tests.e2e.x_desktop.probe import Event, Probe

MAC = (
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/140.0.0.0 Safari/537.36"
)
#: The modifier Alt, in Chromium's events and in GDK's.
CDP_ALT, GDK_ALT = 1, 1 << 3
CHOICE = "[data-option]"
LABEL = f"return document.querySelector('.viewer > .bar {CHOICE}')?.textContent ?? ''"


@pytest.fixture(scope="module")
def mac(start_browser: Callable[[str], Browser], lightbox: Lightbox) -> Iterator[Viewer]:
    browser = start_browser("chromium")
    assert isinstance(browser, Chromium)
    agent = {"userAgent": MAC, "platform": "MacIntel"}
    browser.run(lambda: browser.cdp.send("Emulation.setUserAgentOverride", agent))
    yield signed_in(browser, lightbox)
    browser.close()


def press_option_l(viewer: Viewer) -> None:
    """Presses ⌥ and the key that has "@" with ⌥ on a German Mac keyboard."""
    browser = viewer.browser
    assert isinstance(browser, Chromium)
    option = {"key": "Alt", "code": "AltLeft", "location": 1, "windowsVirtualKeyCode": 18}
    at = {"key": "@", "code": "KeyL", "modifiers": CDP_ALT, "windowsVirtualKeyCode": 76}
    for kind, event in (
        ("rawKeyDown", {**option, "modifiers": CDP_ALT}),
        ("keyDown", {**at, "text": "@"}),
        ("keyUp", at),
        ("keyUp", option),
    ):
        browser.run(
            lambda kind=kind, event=event: browser.cdp.send("Input.dispatchKeyEvent", {"type": kind, **event})  # type: ignore[misc]
        )


def shortcuts(events: list[Event]) -> list[tuple[str, int]]:
    downs = [e for e in events if e["kind"] == "key-down" and e["name"] == "l"]
    return [(e["name"], e["state"] & GDK_ALT) for e in downs]


def choose(viewer: Viewer, expected: str) -> None:
    """Chooses in the bar what ⌥ does, and returns the focus to the desktop's program."""
    viewer.browser.evaluate(f"document.querySelector('.viewer > .bar {CHOICE}').click()")
    wait_for(lambda: viewer.browser.evaluate(LABEL) == expected, timeout_s=PATIENCE_S, what=viewer.situation)


def wait_for_at_signs(viewer: Viewer, probe: Probe) -> None:
    """Presses ⌥L until it types "@". A program that starts just then may take the focus."""

    def typed() -> bool:
        viewer.click(probe.entry)
        press_option_l(viewer)
        return set(probe.text()) == {"@"}

    wait_for(typed, timeout_s=PATIENCE_S, what=lambda: f"'@', has {probe.text()!r}; {viewer.situation()}")


def test_a_mac_user_chooses_what_option_does(mac: Viewer, probe: Probe) -> None:
    mac.open_desktop("radiology")
    wait_for_at_signs(mac, probe)
    probe.clear()
    choose(mac, "⌥ Alt")
    press_option_l(mac)
    probe.wait_for(lambda events: bool(shortcuts(events)), "Alt+L")
    assert shortcuts(probe.events()) == [("l", GDK_ALT)]
    mac.open_desktop("radiology")
    assert mac.browser.evaluate(LABEL) == "⌥ Alt", "the choice is remembered"
    choose(mac, "⌥ @")
    probe.reset()
    wait_for_at_signs(mac, probe)


def test_other_systems_do_not_offer_the_choice(chromium_viewer: Viewer) -> None:
    chromium_viewer.open_desktop("radiology")
    assert chromium_viewer.browser.evaluate(f"return document.querySelectorAll('{CHOICE}').length") == 0
