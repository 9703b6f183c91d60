"""Enrolling a device and signing in with a badge, in a browser with a reader that types like a keyboard.

The times of keys are part of their events, and the page waits long for late ones, so that nothing depends on
how fast this host is.
"""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.browsers.chromium import Chromium
from tests.e2e.lightbox import COMMAND, ROOT, Lightbox
from tests.e2e.processes import wait_for
from tests.e2e.test_accessibility import choose, findings
from tests.e2e.viewer import PATIENCE_S, Viewer
from tests.e2e.x_desktop.probe import Probe

DEMO, LEE = "0012345678", "0087654321"
PASSWORD, PIN = "correct horse battery", "4071"
PREFIX = ";"
#: Time between two keys of a reader, and of a person who types digits as fast as they can, s.
READER_S, PERSON_S = 0.012, 0.13
#: Makes the page wait for late keys of a reader. It knows by their events when they were pressed.
WAIT_LONG = """
const set = window.setTimeout;
window.setTimeout = (work, ms, ...more) => set(work, ms === 300 ? 60_000 : ms, ...more);
"""


@pytest.fixture(scope="module")
def lightbox(out: Path) -> Iterator[Lightbox]:
    settings = {"LIGHTBOX_BADGE_ENABLED": "true"}
    with Lightbox(
        out / "lightbox-badges.log", profile="blank", width_px=1280, height_px=800, settings=settings
    ) as running:
        command(running, "account", "add", "lee", given=f"{PASSWORD}\n")
        for person, number in ((running.username, DEMO), ("lee", LEE)):
            command(running, "badge", "add", person, given=f"{PREFIX}{number}\n")
        yield running


def command(lightbox: Lightbox, *arguments: str, given: str = "") -> str:
    return subprocess.run(
        [*COMMAND, *arguments],
        input=given,
        env=lightbox.environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=True,
    ).stdout


def press(browser: Chromium, keys: str, gap_s: float) -> None:
    """Presses keys one after another, `gap_s` apart by the times of their events."""
    began_s = time.time()

    def send() -> None:
        for index, character in enumerate(keys):
            enter = character == "\n"
            event: dict[str, Any] = {
                "key": "Enter" if enter else character,
                "code": {"\n": "Enter", PREFIX: "Semicolon"}.get(character, f"Digit{character}"),
                "windowsVirtualKeyCode": {"\n": 13, PREFIX: 186}.get(character, ord(character)),
            }
            at_s = began_s + index * gap_s
            text = "\r" if enter else character
            down = {"type": "keyDown", "text": text, "timestamp": at_s, **event}
            browser.cdp.send("Input.dispatchKeyEvent", down)
            browser.cdp.send("Input.dispatchKeyEvent", {"type": "keyUp", "timestamp": at_s, **event})

    browser.run(send)


def tap(browser: Chromium, number: str) -> None:
    press(browser, f"{PREFIX}{number}\n", READER_S)


def enrol(chromium: Chromium, viewer: Viewer, lightbox: Lightbox) -> None:
    made = command(
        lightbox, "devices", "enrol", "ward-3-07", "--place", "Ward 3", "--tag", "ward-3", "--json"
    )
    link = json.loads(made)["link"]
    assert link.startswith(lightbox.url)
    viewer.browser.open(link)
    viewer.wait_for_element("#enrolment-code")
    assert findings(chromium) == []
    viewer.click_element("form button[type=submit]")
    viewer.wait_for_element("form .link-button")
    viewer.click_element("form .link-button")
    wait_for(
        lambda: viewer.browser.evaluate("return document.querySelector('[data-device]')?.textContent"),
        timeout_s=PATIENCE_S,
        what="the name of the device on the sign-in page",
    )
    viewer.browser.evaluate(WAIT_LONG)


def fill(viewer: Viewer, **values: str) -> None:
    for name, value in values.items():
        viewer.click_element(f"input[name={name}]")
        viewer.browser.type(value)
    viewer.click_element("form button[type=submit]")


def field(viewer: Viewer, name: str) -> str:
    value: str = viewer.browser.evaluate(f"return document.querySelector('input[name={name}]').value")
    return value


def test_a_person_taps_and_works_and_another_ones_tap_locks(
    chromium: Chromium, lightbox: Lightbox, request: pytest.FixtureRequest
) -> None:
    viewer = Viewer(chromium, lightbox.url)
    chromium.open(f"{lightbox.url}/")
    choose(chromium, ("ko", "light"))
    viewer.wait_for_element("input[name=username]")
    press(chromium, f"{PREFIX}{DEMO}", READER_S)
    assert field(viewer, "username") == f"{PREFIX}{DEMO}", "an unknown device holds no key back"
    enrol(chromium, viewer, lightbox)

    # On the sign-in page: what is typed by hand stays in the field, and a badge leaves nothing there.
    viewer.click_element("input[name=username]")
    press(chromium, f"{PREFIX}{DEMO}", PERSON_S)
    chromium.type("0")
    assert field(viewer, "username") == f"{PREFIX}{DEMO}0"
    tap(chromium, DEMO)
    viewer.wait_for_element("form.badge-tap #badge-pin-again")
    assert findings(chromium) == []
    fill(viewer, **{"badge-password": lightbox.password, "badge-pin": PIN, "badge-pin-again": PIN})
    # The tap opens the only desktop that runs, which is that of the demo.
    viewer.wait_exact()
    assert chromium.evaluate("return location.pathname") == "/desktop/blank"

    # Over the desktop: a program gets what is typed by hand, and nothing of a badge.
    probe: Probe = request.getfixturevalue("probe")
    viewer.click(probe.entry)
    press(chromium, f"{PREFIX}{DEMO}", PERSON_S)
    chromium.type("0x")
    probe.wait_for_text(f"{PREFIX}{DEMO}0x")
    probe.clear()
    tap(chromium, LEE)
    viewer.wait_for_element("form.badge-tap #badge-pin-again")
    assert chromium.evaluate("return (await fetch('/api/v1/me')).status") == 423
    assert [event for event in probe.events() if event["kind"].startswith("key")] == []
    viewer.click_element("form.badge-tap button.quiet")
    viewer.wait_for_element("form.lock")
    tap(chromium, DEMO)
    viewer.wait_exact()
    assert probe.events() == [] or all(not event["kind"].startswith("key") for event in probe.events())

    # Another person signs in over it, at a list of desktops of their own.
    tap(chromium, LEE)
    viewer.wait_for_element("form.badge-tap #badge-pin-again")
    fill(viewer, **{"badge-password": PASSWORD, "badge-pin": PIN, "badge-pin-again": PIN})
    wait_for(
        lambda: chromium.evaluate("return (await (await fetch('/api/v1/me')).json()).username") == "lee",
        timeout_s=PATIENCE_S,
        what="lee signed in",
    )
    listed = json.loads(command(lightbox, "devices", "list", "--json"))
    assert [(device["name"], device["people"]) for device in listed] == [("ward-3-07", ["lee"])]

    # A revocation signs out at once, and the device is unknown.
    command(lightbox, "devices", "revoke", "ward-3-07")
    assert chromium.evaluate("return (await fetch('/api/v1/me')).status") == 401
    assert chromium.evaluate("return (await (await fetch('/api/v1/device')).json()).enrolled") is False
