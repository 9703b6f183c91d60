"""The list of desktops, signing out, and addresses that are not the person's."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.e2e.browsers.chromium import Chromium
from tests.e2e.lightbox import COMMAND, ROOT, Lightbox
from tests.e2e.processes import wait_for
from tests.e2e.viewer import PATIENCE_S, Viewer

#: A second person, who may open no desktop.
OTHER, PASSWORD = "lee", "correct horse battery"
#: Least distance from a page's heading to what is below it, CSS px.
HEADING_GAP_PX = 16
TITLES = "return [...document.querySelectorAll('.desktop-title')].map((title) => title.innerText)"
TEXT = "return document.body.innerText"


@pytest.fixture(scope="module")
def other_account(lightbox: Lightbox) -> str:
    subprocess.run(
        [*COMMAND, "account", "add", OTHER],
        input=f"{PASSWORD}\n",
        env=lightbox.environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=True,
    )
    return OTHER


def wait_for_text(viewer: Viewer, *parts: str) -> str:
    """Waits until the page says all of this, and returns everything that it says."""

    def found() -> str | None:
        text: str = viewer.browser.evaluate(TEXT)
        return text if all(part in text for part in parts) else None

    text = wait_for(found, timeout_s=PATIENCE_S, what=lambda: f"{parts}; {viewer.situation()}")
    assert text is not None
    return text


def use_language(viewer: Viewer, language: str) -> None:
    viewer.browser.evaluate(f"localStorage.setItem('lightbox.language', '{language}')")


def test_the_list_has_each_desktop_once_in_the_persons_language(chromium_viewer: Viewer, out: Path) -> None:
    viewer = chromium_viewer
    names = {"en": ["Radiology", "Office", "Display check"], "ko": ["영상의학", "사무", "화면 점검"]}
    for language, expected in names.items():
        use_language(viewer, language)
        viewer.show_list()
        assert viewer.browser.evaluate(TITLES) == expected, "the blank desktop is for benchmarks"
        text = viewer.browser.evaluate(TEXT)
        assert all(text.count(name) == 1 for name in expected[:2]), text
        icons = viewer.browser.evaluate(
            "const icons = [...document.querySelectorAll('.desktop-icon')];"
            "return icons.map((icon) => icon.innerHTML)"
        )
        assert len(set(icons)) == len(icons), "each kind has an icon of its own"
        viewer.browser.screenshot(out / f"list-{language}.png")
    tools = viewer.browser.evaluate("return document.querySelector('h2 ~ .desktops').innerText")
    assert "화면 점검" in tools
    use_language(viewer, "en")


def test_a_list_that_cannot_be_loaded_says_so_below_its_heading(
    chromium_viewer: Viewer, chromium: Chromium, out: Path
) -> None:
    viewer = chromium_viewer
    use_language(viewer, "en")
    chromium.run(lambda: chromium.page.route("**/api/v1/desktops", lambda route: route.abort()))
    try:
        viewer.browser.open(viewer.url + "/")
        box = viewer.wait_for_element(".empty[role=alert]")
        heading = viewer.wait_for_element(".content h1")
        viewer.browser.screenshot(out / "list-failed.png")
        assert box[1] - (heading[1] + heading[3]) >= HEADING_GAP_PX
    finally:
        chromium.run(lambda: chromium.page.unroute("**/api/v1/desktops"))
    viewer.click_element(".empty button")
    viewer.wait_for_element('a[href^="/desktop/"]')


def test_an_unknown_address_is_a_page_in_both_languages(chromium_viewer: Viewer, out: Path) -> None:
    viewer = chromium_viewer
    for language, expected in (("en", "There is nothing at this address"), ("ko", "아무것도 없습니다")):
        use_language(viewer, language)
        viewer.browser.open(viewer.url + "/no/such/page")
        wait_for_text(viewer, expected)
        viewer.browser.screenshot(out / f"not-found-{language}.png")
    use_language(viewer, "en")
    viewer.browser.open(viewer.url + "/nothing")
    viewer.click_element(".empty a")
    viewer.wait_for_element('a[href^="/desktop/"]')


def test_signing_out_says_what_was_closed_and_what_keeps_running(
    chromium_viewer: Viewer, lightbox: Lightbox, out: Path
) -> None:
    viewer = chromium_viewer
    use_language(viewer, "en")
    viewer.open_desktop("radiology")
    viewer.browser.evaluate("document.querySelector('.tools [data-tool=signOut]').click()")
    wait_for_text(viewer, "You have signed out", "shows no desktop any more", "Still running", "Radiology")
    viewer.browser.screenshot(out / "signed-out.png")
    assert viewer.browser.evaluate("return location.pathname") == "/"
    assert lightbox.session().state == "ready"


def test_a_sign_out_that_failed_is_no_sign_out(chromium_viewer: Viewer, chromium: Chromium) -> None:
    viewer = chromium_viewer
    use_language(viewer, "en")
    viewer.show_list()
    chromium.run(lambda: chromium.page.route("**/sign-out", lambda route: route.abort()))
    try:
        viewer.click_element('[aria-label="Sign out"]')
        wait_for_text(viewer, "You are still signed in")
        assert chromium.evaluate("return document.querySelector('input[type=password]') === null")
        assert chromium.evaluate("return (await fetch('/api/v1/me')).status") == 200
    finally:
        chromium.run(lambda: chromium.page.unroute("**/sign-out"))
    wait_for_text(viewer, "You have signed out")
    assert chromium.evaluate("return (await fetch('/api/v1/me')).status") == 401


def test_the_next_person_starts_at_their_list_and_not_at_the_desktop_before(
    chromium_viewer: Viewer, chromium: Chromium, lightbox: Lightbox, other_account: str
) -> None:
    """Also when the first person's sign-in expired on the page of a desktop."""
    viewer = chromium_viewer
    use_language(viewer, "en")
    viewer.open_desktop("radiology")
    chromium.run(lambda: chromium.page.context.clear_cookies())
    chromium.run(lambda: chromium.page.reload())
    viewer.fill_in(other_account, PASSWORD)
    wait_for_text(viewer, "No desktop is assigned to you")
    assert chromium.evaluate("return location.pathname") == "/"
    viewer.sign_in(lightbox.username, lightbox.password)


def test_not_yours_and_has_ended_are_two_messages(
    chromium_viewer: Viewer, lightbox: Lightbox, other_account: str
) -> None:
    viewer = chromium_viewer
    use_language(viewer, "en")
    viewer.sign_out()
    viewer.fill_in(other_account, PASSWORD)
    wait_for_text(viewer, "No desktop is assigned to you")
    viewer.browser.open(viewer.url + "/desktop/radiology")
    text = wait_for_text(viewer, "This desktop is not yours")
    assert "ended" not in text
    viewer.sign_in(lightbox.username, lightbox.password)
