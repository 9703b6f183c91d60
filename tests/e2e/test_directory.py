"""Signing in with an account of the directory, and what the page says when the directory does not answer."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.browsers.browser import Browser
from tests.e2e.lightbox import Lightbox
from tests.e2e.processes import wait_for
from tests.e2e.viewer import PATIENCE_S, Viewer
from tests.fakes.slapd import GROUPS, PASSWORD, PEOPLE, SERVICE, SERVICE_PASSWORD, Slapd, two_servers

BANNER = "return document.querySelector('.downtime:not([hidden])')?.innerText ?? ''"
ALERT = "return document.querySelector('[role=alert]').innerText"
#: Sets the language of the page.
LANGUAGE = "localStorage.setItem('lightbox.language', '%s')"


@pytest.fixture(scope="module")
def servers() -> Iterator[tuple[Slapd, Slapd]]:
    with tempfile.TemporaryDirectory(prefix="lb") as folder, two_servers(Path(folder)) as both:
        yield both


@pytest.fixture(scope="module")
def directory_lightbox(out: Path, servers: tuple[Slapd, Slapd]) -> Iterator[Lightbox]:
    first, second = servers
    password = out / "directory-password"
    password.write_text(SERVICE_PASSWORD)
    password.chmod(0o600)
    settings = {
        "SERVERS": f"{first.tls_url},{second.start_tls_url}",
        "CA_FILE": str(first.folder / "ca.pem"),
        "KIND": "openldap",
        "BIND_DN": SERVICE,
        "BIND_PASSWORD_FILE": str(password),
        "PEOPLE_BASE": PEOPLE,
        "GROUPS_BASE": GROUPS,
        "DOMAINS": "HOSPITAL,hospital.example",
    }
    running = Lightbox(
        out / "lightbox-directory.log",
        profile="blank",
        width_px=640,
        height_px=480,
        settings={f"LIGHTBOX_DIRECTORY_{key}": value for key, value in settings.items()},
    )
    yield running
    running.stop()


def sign_in(viewer: Viewer, username: str, name: str) -> None:
    """Signs in and waits for the list, which has no desktop for this person but shows the name."""
    viewer.fill_in(username, PASSWORD)
    shown = "return document.body.innerText"
    wait_for(
        lambda: name in viewer.browser.evaluate(shown), timeout_s=PATIENCE_S, what=lambda: viewer.situation()
    )


def test_a_person_of_the_directory_signs_in_and_reads_of_an_outage(
    directory_lightbox: Lightbox,
    servers: tuple[Slapd, Slapd],
    start_browser: Callable[[str], Browser],
    out: Path,
) -> None:
    browser = start_browser("chromium")
    viewer = Viewer(browser, directory_lightbox.url)
    viewer.sign_out()
    browser.evaluate(LANGUAGE % "en")
    sign_in(viewer, r"HOSPITAL\kim", "김민수")
    viewer.sign_out()
    assert browser.evaluate(BANNER) == ""
    for server in servers:
        server.kill()
    viewer.fill_in(r"HOSPITAL\lee", PASSWORD)
    wait_for(
        lambda: "cannot be checked" in browser.evaluate(ALERT),
        timeout_s=PATIENCE_S,
        what=lambda: browser.evaluate(ALERT),
    )
    for language, words in (("en", "Only local accounts can sign in"), ("ko", "로컬 계정만 로그인하거나")):
        browser.evaluate(LANGUAGE % language)
        browser.open(viewer.url + "/")
        wait_for(
            lambda words=words: words in browser.evaluate(BANNER),  # type: ignore[misc]
            timeout_s=PATIENCE_S,
            what=lambda: browser.evaluate(BANNER),
        )
        browser.screenshot(out / f"directory-away-{language}.png")
    browser.evaluate(LANGUAGE % "en")
    for server in servers:
        server.start()
    # The page asks again by itself, and the server has noticed meanwhile.
    wait_for(lambda: browser.evaluate(BANNER) == "", timeout_s=PATIENCE_S, what="the banner gone")
    sign_in(viewer, "lee@hospital.example", "이서연")
