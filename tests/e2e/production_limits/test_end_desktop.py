"""Ending and restarting a desktop: from the list, from the notice of one that hangs, and by an operator."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.browsers.browser import Browser
from tests.e2e.lightbox import Lightbox
from tests.e2e.processes import wait_for
from tests.e2e.stopped_parts import stopped
from tests.e2e.viewer import PATIENCE_S, Viewer

TEXT = "return document.body.innerText"
NOTICE = "return document.querySelector('.connection-notice')?.innerText ?? ''"
QUESTION = "return document.querySelector('dialog.question[open]')?.innerText ?? ''"
END = 'button[data-end="office"]'
#: What the person reads before a desktop ends.
LOST = {
    "en": ("All programs of this desktop close", "What you have not saved in them is lost"),
    "ko": ("모든 프로그램이 모든 기기에서 닫힙니다", "저장하지 않은 작업은 사라집니다"),
}
BY_OPERATOR = {"en": "Your administrator ended this desktop", "ko": "관리자가 이 데스크톱을 종료했습니다"}


@pytest.fixture(scope="module")
def own(out: Path) -> Iterator[Lightbox]:
    """A demo of its own, because these tests end its desktop."""
    with Lightbox(out / "lightbox-end-desktop.log", profile="office", patience=1) as running:
        yield running


@pytest.fixture
def viewer(own: Lightbox, start_browser: Callable[[str], Browser]) -> Iterator[Viewer]:
    browser = start_browser("chromium")
    try:
        viewer = Viewer(browser, own.url)
        viewer.sign_in(own.username, own.password)
        yield viewer
    finally:
        browser.close()


def use_language(viewer: Viewer, language: str) -> None:
    viewer.browser.evaluate(f"localStorage.setItem('lightbox.language', '{language}')")


def wait_for_text(viewer: Viewer, script: str, *parts: str) -> str:
    def found() -> str | None:
        text: str = viewer.browser.evaluate(script)
        return text if all(part in text for part in parts) else None

    text = wait_for(found, timeout_s=PATIENCE_S, what=lambda: f"{parts}; {viewer.situation()}")
    assert text is not None
    return text


@pytest.mark.parametrize("language", ["en", "ko"])
def test_ends_a_desktop_from_the_list_after_saying_what_is_lost(
    viewer: Viewer, own: Lightbox, language: str, out: Path
) -> None:
    use_language(viewer, language)
    viewer.open_desktop("office")
    before = own.session().id
    viewer.show_list()
    viewer.click_element(END)
    wait_for_text(viewer, QUESTION, *LOST[language])
    viewer.browser.screenshot(out / f"end-desktop-{language}.png")
    viewer.click_element("dialog.question .primary")
    wait_for(lambda: viewer.browser.evaluate(QUESTION) == "", timeout_s=PATIENCE_S, what="no question")
    assert own.session().id == before, "keeping it changes nothing"

    viewer.click_element(END)
    wait_for_text(viewer, QUESTION, *LOST[language])
    viewer.click_element("dialog.question .secondary:last-child")
    wait_for(lambda: own.sessions() == [], timeout_s=PATIENCE_S, what="no desktop")
    ended = "const end = document.querySelector('button[data-end]'); return end === null"
    wait_for(lambda: viewer.browser.evaluate(ended), timeout_s=PATIENCE_S, what="a list without a desktop")
    viewer.open_desktop("office")


def test_escape_keeps_the_desktop(viewer: Viewer, own: Lightbox) -> None:
    viewer.open_desktop("office")
    before = own.session().id
    viewer.show_list()
    viewer.click_element(END)
    wait_for_text(viewer, QUESTION, "End or restart")
    viewer.browser.tap("Escape")
    wait_for(lambda: viewer.browser.evaluate(QUESTION) == "", timeout_s=PATIENCE_S, what="no question")
    focused = f"return document.activeElement === document.querySelector('{END}')"
    assert viewer.browser.evaluate(focused), "the keyboard is where it was"
    assert own.session().id == before


def test_restarts_a_desktop_that_hangs(viewer: Viewer, own: Lightbox, out: Path) -> None:
    viewer.open_desktop("office")
    before = own.session()
    with stopped(before.x_server_pid, may_end=True):
        wait_for_text(viewer, NOTICE, "This desktop is not responding", "restart the whole desktop")
        viewer.browser.screenshot(out / "desktop-hangs.png")
        viewer.click_element(".connection-notice button:last-child")
        wait_for_text(viewer, QUESTION, *LOST["en"])
        viewer.browser.screenshot(out / "desktop-hangs-question.png")
        viewer.click_element("dialog.question .secondary")
        viewer.wait_exact()
    assert own.session().id != before.id
    assert [session["desktop"] for session in own.sessions()] == ["office"]


@pytest.mark.parametrize("language", ["en", pytest.param("ko", marks=pytest.mark.nightly)])
def test_a_desktop_that_an_operator_ends_says_so(
    viewer: Viewer, own: Lightbox, language: str, out: Path
) -> None:
    use_language(viewer, language)
    viewer.open_desktop("office")
    own.command("sessions", "end", own.session().id)
    wait_for_text(viewer, NOTICE, BY_OPERATOR[language])
    viewer.browser.screenshot(out / f"ended-by-operator-{language}.png")
    viewer.click_element(".connection-notice button.primary")
    viewer.wait_for_element('a[href^="/desktop/"]')
    viewer.open_desktop("office")


def test_the_list_says_when_an_unattended_desktop_ends(viewer: Viewer, own: Lightbox, out: Path) -> None:
    viewer.open_desktop("office")
    viewer.show_list()
    wait_for_text(viewer, TEXT, "Open on no device.", "Ends in 24 h, with all its programs.")
    viewer.browser.screenshot(out / "list-unattended.png")


def test_a_new_desktop_says_so_and_gets_the_size_of_the_window(viewer: Viewer, own: Lightbox) -> None:
    """The server is restarted, and the desktop ends with it."""
    viewer.open_desktop("office")
    before = own.session()
    size = viewer.surface().shape
    own.restart()
    script = "const toast = document.querySelector('.toast'); return toast.hidden ? '' : toast.textContent"
    wait_for(
        lambda: "This is a new desktop" in viewer.browser.evaluate(script),
        timeout_s=PATIENCE_S,
        what=viewer.situation,
    )
    viewer.wait_exact()
    wait_for(lambda: viewer.surface().shape == size, timeout_s=PATIENCE_S, what=viewer.situation)
    assert own.session().id != before.id
