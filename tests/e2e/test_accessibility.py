"""No page has a finding of axe-core in either language and colour scheme; the keyboard reaches everything."""

from __future__ import annotations

import functools

import pytest

from tests.e2e.browsers.chromium import Chromium
from tests.e2e.browsers.tablet import Tablet
from tests.e2e.conftest import signed_in
from tests.e2e.keyboard_reach import focus, focus_toolbar, unreached
from tests.e2e.lightbox import ROOT, Lightbox
from tests.e2e.processes import wait_for
from tests.e2e.tablet_desktop import tablet_of
from tests.e2e.viewer import PATIENCE_S, Viewer

AXE = ROOT / "clients" / "web" / "node_modules" / "axe-core" / "axe.min.js"
RUN_AXE = """
const { violations } = await axe.run(document, { resultTypes: ['violations'] });
return violations.flatMap(({ id, nodes }) =>
  nodes.map(({ html, failureSummary }) => `${id}: ${html.slice(0, 160)}: ${failureSummary}`));
"""
#: Language and colour scheme. The first two have each language and each scheme once.
LOOKS = [
    pytest.param(("en", "light"), id="en-light"),
    pytest.param(("ko", "dark"), id="ko-dark"),
    pytest.param(("en", "dark"), id="en-dark", marks=pytest.mark.nightly),
    pytest.param(("ko", "light"), id="ko-light", marks=pytest.mark.nightly),
]
Look = tuple[str, str]


@functools.cache
def axe() -> str:
    return AXE.read_text()


def findings(browser: Chromium) -> list[str]:
    """Returns what axe-core finds on the page as it is."""
    if not browser.evaluate("return 'axe' in window"):
        browser.run(lambda: browser.page.evaluate(axe()))
    found: list[str] = browser.evaluate(RUN_AXE)
    return found


def choose(browser: Chromium, look: Look) -> None:
    """Chooses language and colours for the pages that are opened next."""
    browser.run(lambda: browser.page.emulate_media(reduced_motion="reduce"))
    browser.evaluate(
        f"localStorage.clear(); localStorage.setItem('lightbox.language', '{look[0]}');"
        f"localStorage.setItem('lightbox.theme', '{look[1]}')"
    )


def press(browser: Chromium, selector: str) -> None:
    browser.evaluate(f"document.querySelector('{selector}').click()")


@pytest.mark.parametrize("look", LOOKS)
def test_sign_in_list_and_unknown_address_have_no_finding(
    chromium_viewer: Viewer, chromium: Chromium, lightbox: Lightbox, look: Look
) -> None:
    viewer = chromium_viewer
    choose(chromium, look)
    viewer.show_list()
    assert findings(chromium) == []
    press(chromium, "[data-end=radiology]")
    viewer.wait_for_element("dialog.question")
    assert findings(chromium) == []
    chromium.open(lightbox.url + "/nothing/here")
    viewer.wait_for_element(".empty h1")
    assert findings(chromium) == []
    viewer.sign_out()
    assert findings(chromium) == []
    chromium.evaluate("document.querySelector('form').requestSubmit()")
    viewer.wait_for_element(".alert:not(:empty)")
    assert findings(chromium) == []


@pytest.mark.parametrize("look", LOOKS)
def test_a_locked_screen_and_a_failed_sign_out_have_no_finding(
    chromium_viewer: Viewer, chromium: Chromium, lightbox: Lightbox, look: Look
) -> None:
    viewer = chromium_viewer
    choose(chromium, look)
    viewer.show_list()
    chromium.evaluate("await fetch('/api/v1/lock', { method: 'POST' })")
    viewer.wait_for_element("form.lock")
    chromium.evaluate("document.querySelector('form').requestSubmit()")
    viewer.wait_for_element(".alert:not(:empty)")
    assert findings(chromium) == []
    assert unreached(chromium) == []
    chromium.run(lambda: chromium.page.route("**/sign-out", lambda route: route.abort()))
    try:
        press(chromium, "form.lock button.quiet")
        viewer.wait_for_element("[data-signing-out] .alert:not(:empty)")
        assert findings(chromium) == []
    finally:
        chromium.run(lambda: chromium.page.unroute("**/sign-out"))
    viewer.sign_in(lightbox.username, lightbox.password)


@pytest.mark.parametrize("look", LOOKS)
def test_a_desktop_with_open_panels_has_no_finding(
    chromium_viewer: Viewer, chromium: Chromium, look: Look
) -> None:
    viewer = chromium_viewer
    choose(chromium, look)
    viewer.open_desktop("radiology")
    assert findings(chromium) == []
    focus_toolbar(chromium)
    chromium.tap("Enter")
    viewer.wait_for_element(".popover dl")
    press(chromium, ".tools [data-tool=view]")  # 1:1 or fit, with its message
    assert findings(chromium) == []
    chromium.tap("Escape")
    focus_toolbar(chromium)
    for name in ("trace", "keyboard"):
        press(chromium, f".tools [data-tool={name}]")
    viewer.wait_for_element(".keys")
    assert findings(chromium) == []
    press(chromium, ".tools [data-tool=monitors]")
    viewer.wait_for_element(".monitors .monitor-show")
    assert findings(chromium) == []
    chromium.tap("Escape")
    for name in ("trace", "keyboard"):
        press(chromium, f".tools [data-tool={name}]")


@pytest.mark.parametrize("look", LOOKS)
def test_the_display_check_has_no_finding(
    chromium_viewer: Viewer, chromium: Chromium, lightbox: Lightbox, look: Look
) -> None:
    viewer = chromium_viewer
    choose(chromium, look)
    chromium.open(lightbox.url + "/check/check")
    viewer.wait_for_badge("exact")
    assert findings(chromium) == []
    press(chromium, ".check-body button")
    viewer.wait_for_element(".check-body progress")
    wait_for(
        lambda: chromium.evaluate("return document.querySelectorAll('.check-body button').length") > 1,
        timeout_s=PATIENCE_S,
        what=viewer.situation,
    )
    assert findings(chromium) == []
    assert unreached(chromium) == []


def test_the_help_for_fingers_has_no_finding(on_tablet: Viewer) -> None:
    tablet: Tablet = tablet_of(on_tablet)
    tablet.tap_element(".handle")
    tablet.tap_element('[aria-label="Touch gestures"]')
    on_tablet.wait_for_element(".gestures")
    assert findings(tablet) == []
    tablet.tap_element('.gestures [aria-label="Close"]')


def test_the_keyboard_reaches_every_action_of_the_pages(chromium: Chromium, lightbox: Lightbox) -> None:
    viewer = signed_in(chromium, lightbox)
    choose(chromium, ("en", "light"))
    viewer.show_list()
    assert unreached(chromium) == []
    press(chromium, "[data-end=radiology]")
    viewer.wait_for_element("dialog.question")
    assert unreached(chromium, within="dialog.question") == []
    chromium.open(lightbox.url + "/nothing/here")
    viewer.wait_for_element(".empty h1")
    assert unreached(chromium) == []
    viewer.sign_out()
    assert unreached(chromium) == []


def test_the_keyboard_reaches_every_action_of_a_desktop(chromium_viewer: Viewer, chromium: Chromium) -> None:
    viewer = chromium_viewer
    choose(chromium, ("en", "light"))
    viewer.open_desktop("radiology")
    focus_toolbar(chromium)
    focus(chromium, "Frame times")
    chromium.tap("Enter")
    focus_toolbar(chromium)
    focus(chromium, "On-screen keyboard")
    chromium.tap("Enter")
    viewer.wait_for_element(".keys")
    focus_toolbar(chromium)
    chromium.tap("Enter")
    viewer.wait_for_element(".popover dl")
    assert unreached(chromium) == []
    chromium.tap("Escape")
    focus_toolbar(chromium)
    focus(chromium, "Monitors")
    chromium.tap("Enter")
    viewer.wait_for_element(".monitors .monitor-show")
    assert unreached(chromium, within=".monitors") == []
