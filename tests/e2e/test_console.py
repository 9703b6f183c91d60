"""An administrator finds somebody's session, ends it, and finds that in the audit."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.browsers.browser import Browser
from tests.e2e.browsers.chromium import Chromium
from tests.e2e.console_server import ADMINISTRATOR, ConsoleServer, console_server
from tests.e2e.keyboard_reach import unreached
from tests.e2e.processes import wait_for
from tests.e2e.test_accessibility import findings
from tests.e2e.viewer import PATIENCE_S, Viewer
from tests.fakes.gateway import PASSWORD

#: Pages that have no object, with what each shows when it is loaded.
PAGES = {
    "overview": ".tile-value:not(:empty)",
    "help": ".help-search",
    "sessions": "tbody tr",
    "pools": "tbody tr",
    "people": "tbody tr",
    "groups": "tbody tr",
    "access": "tbody tr",
    "audit": "tbody tr",
    "use": ".empty, .heat",
    "health": ".check",
}
#: Language and colour scheme.
LOOKS = [
    pytest.param(("en", "light"), id="en-light"),
    pytest.param(("ko", "dark"), id="ko-dark", marks=pytest.mark.nightly),
]
#: People besides the two of the fake server.
PEOPLE = 16


@pytest.fixture(scope="module")
def server() -> Iterator[ConsoleServer]:
    with (
        tempfile.TemporaryDirectory(prefix="lb") as folder,
        console_server(Path(folder), people=PEOPLE) as running,
    ):
        yield running


@pytest.fixture
def console(start_browser: Callable[[str], Browser], server: ConsoleServer) -> Iterator[Viewer]:
    """Chromium, signed in as the administrator."""
    browser = start_browser("chromium")
    viewer = Viewer(browser, server.url)
    browser.open(server.url + "/")
    browser.evaluate("localStorage.setItem('lightbox.language', 'en')")
    viewer.sign_in(ADMINISTRATOR, PASSWORD)
    yield viewer
    browser.close()


def chromium_of(viewer: Viewer) -> Chromium:
    assert isinstance(viewer.browser, Chromium)
    return viewer.browser


def open_page(viewer: Viewer, path: str, loaded: str) -> None:
    viewer.browser.open(f"{viewer.url}/admin/{path}")
    viewer.wait_for_element(f".admin-main :is({loaded})")


def wait_for_text(viewer: Viewer, selector: str, text: str) -> None:
    script = f"return document.querySelector({selector!r})?.textContent ?? ''"
    wait_for(
        lambda: text in viewer.browser.evaluate(script),
        timeout_s=PATIENCE_S,
        what=lambda: f"{text}; {viewer.situation()}",
    )


def press_button(viewer: Viewer, text: str, within: str = ".admin-main") -> None:
    """Presses the button with this text."""
    viewer.browser.evaluate(
        f"const found = [...document.querySelectorAll('{within} button')];"
        f"found.find((one) => one.textContent === {text!r}).click()"
    )


def test_an_administrator_ends_a_session_and_the_audit_shows_it(
    console: Viewer, server: ConsoleServer
) -> None:
    person = server.people[3]
    session = server.open_desktop(person, "reading")
    console.show_list()
    console.click_element("button[aria-label=Administration]")
    console.wait_for_element(".admin-main .tile-value:not(:empty)")
    console.click_element(".admin-nav a[href='/admin/sessions']")
    console.wait_for_element("tbody a")
    console.browser.tap("/")
    console.browser.type(person)
    wait_for_text(console, "tbody", person)
    wait_for(
        lambda: console.browser.evaluate("return document.querySelectorAll('tbody tr').length") == 1,
        timeout_s=PATIENCE_S,
        what=console.situation,
    )
    console.wait_for_element(f"a[href='/admin/sessions/{session}']")
    console.browser.tap("ArrowDown")
    console.wait_for_element("tbody a:focus")
    console.browser.tap("Enter")
    wait_for_text(console, ".admin-main h1", f"reading – {person}")
    press_button(console, "End the desktop…")
    console.wait_for_element("dialog.question")
    question = console.browser.evaluate("return document.querySelector('dialog').innerText")
    assert f"End the desktop “reading” of {person}?" in question
    assert findings(chromium_of(console)) == []
    press_button(console, "End the desktop", "dialog")
    wait_for_text(console, ".said", f"The desktop “reading” of {person} is being ended.")
    open_page(console, "audit?action=desktop-ended", "tbody tr")
    entry = console.browser.evaluate("return document.querySelector('tbody tr').innerText")
    assert "Desktop ended" in entry
    assert ADMINISTRATOR in entry
    assert f"{person}/reading" in entry


def test_the_list_of_sessions_follows_what_happens(console: Viewer, server: ConsoleServer) -> None:
    person = server.people[7]
    open_page(console, f"sessions?q={person}", ".empty")
    server.open_desktop(person, "ward")
    wait_for_text(console, "tbody", person)


@pytest.mark.parametrize("look", LOOKS)
def test_the_pages_have_no_finding(console: Viewer, server: ConsoleServer, look: tuple[str, str]) -> None:
    session = server.open_desktop(server.people[9], "front")
    console.browser.evaluate(
        f"localStorage.setItem('lightbox.language', '{look[0]}');"
        f"localStorage.setItem('lightbox.theme', '{look[1]}')"
    )
    objects = {
        f"sessions/{session}": ".facts",
        f"people/{server.people[9]}": ".facts",
        "groups/radiology": "tbody tr",
        "pools/front": ".facts",
    }
    for path, loaded in {**PAGES, **objects}.items():
        open_page(console, path, loaded)
        assert findings(chromium_of(console)) == [], path


def test_the_keyboard_reaches_every_action(console: Viewer, server: ConsoleServer) -> None:
    person = server.people[11]
    server.open_desktop(person, "front")
    for path, loaded in {"sessions": "tbody tr", "audit": "tbody tr", f"people/{person}": ".actions"}.items():
        open_page(console, path, loaded)
        assert unreached(console.browser) == [], path
    press_button(console, "Disable the account…")
    console.wait_for_element("dialog.question")
    assert unreached(console.browser, within="dialog.question") == []


def test_somebody_without_a_role_is_offered_nothing(console: Viewer, server: ConsoleServer) -> None:
    console.sign_out()
    console.sign_in(server.people[0], PASSWORD)
    console.show_list()
    assert console.browser.evaluate("return document.querySelector('[aria-label=Administration]')") is None
    open_page(console, "people", ".empty")
    assert console.browser.evaluate("return document.querySelectorAll('.admin-nav a').length") == 0
    assert server.people[5] not in console.browser.evaluate("return document.body.innerText")
