"""The second factor in a browser: the setup, codes, passkeys, recovery codes, and "My sign-in"."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.e2e.browsers.chromium import HEADLESS_SHELL
from tests.e2e.conftest import OUT, ChromiumProcesses
from tests.e2e.keyboard_reach import unreached
from tests.e2e.sign_in_server import (
    NamedHostChromium,
    give_password,
    next_code,
    set_up_app,
    sign_in_server,
)
from tests.e2e.test_accessibility import choose, findings
from tests.fakes.gateway import PASSWORD

LIST = "a[href^='/desktop/']"


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    with sign_in_server(tmp_path) as address:
        yield address


@pytest.fixture
def browser(chromium_processes: ChromiumProcesses) -> Iterator[NamedHostChromium]:
    OUT.mkdir(parents=True, exist_ok=True)
    process = chromium_processes.for_window(NamedHostChromium, HEADLESS_SHELL)
    window = NamedHostChromium(OUT, width_px=1280, height_px=800, process=process)
    yield window
    window.close()


def clean(browser: NamedHostChromium) -> None:
    """The page as it is has no finding of axe-core, and the keyboard reaches everything on it."""
    assert findings(browser) == []


def test_a_person_sets_up_an_app_and_signs_in_with_it(browser: NamedHostChromium, url: str) -> None:
    browser.open(f"{url}/")
    choose(browser, ("en", "light"))
    page = browser.page

    def set_up() -> tuple[bytes, list[str]]:
        give_password(page, url, "kim", PASSWORD)
        page.wait_for_selector(".factor-choice")
        secret = set_up_app(page)
        codes = page.locator(".codes code").all_inner_texts()
        return secret, codes

    secret, codes = browser.run(set_up)
    clean(browser)
    assert len(codes) == 10
    browser.run(lambda: page.click(".recovery-codes .primary"))
    browser.run(lambda: page.wait_for_selector(LIST))

    browser.run(lambda: give_password(page, url, "kim", PASSWORD))
    browser.run(lambda: page.wait_for_selector("#code"))
    clean(browser)
    assert unreached(browser) == []
    browser.run(lambda: page.fill("#code", "000000"))
    browser.run(lambda: page.wait_for_selector(".alert:not(:empty)"))
    clean(browser)
    # A code that is pasted with a space is complete, and is sent without a button.
    code = next_code(secret)
    browser.run(lambda: page.evaluate(PASTE, f"{code[:3]} {code[3:]}"))
    browser.run(lambda: page.wait_for_selector(LIST))

    browser.run(lambda: give_password(page, url, "kim", PASSWORD))
    browser.run(lambda: page.click("[data-method=recovery]"))
    clean(browser)
    browser.run(lambda: page.fill("#code", codes[3].lower()))
    browser.run(lambda: page.click(".factor-body button[type=submit]"))
    browser.run(lambda: page.wait_for_selector(LIST))

    # The screen takes the second factor as well, because the configuration says so.
    browser.run(lambda: page.evaluate("fetch('/api/v1/lock', { method: 'POST' })"))
    browser.run(lambda: page.goto(f"{url}/"))
    browser.run(lambda: page.wait_for_selector("form.lock"))
    browser.run(lambda: page.fill("#password", PASSWORD))
    browser.run(lambda: page.click("form.lock button[type=submit]"))
    browser.run(lambda: page.click("[data-method=recovery]"))
    browser.run(lambda: page.fill("#code", codes[4]))
    browser.run(lambda: page.click(".factor-body button[type=submit]"))
    browser.run(lambda: page.wait_for_selector(LIST))


#: What pasting does: the field gets the whole text at once.
PASTE = """(text) => {
  const field = document.querySelector('#code');
  field.value = text;
  field.dispatchEvent(new InputEvent('input', { bubbles: true, inputType: 'insertFromPaste' }));
}"""


def test_passkeys_are_added_used_renamed_and_removed(browser: NamedHostChromium, url: str) -> None:
    browser.open(f"{url}/")
    choose(browser, ("ko", "dark"))
    authenticator = browser.add_authenticator()
    page = browser.page

    def enrol() -> None:
        give_password(page, url, "kim", PASSWORD)
        page.click(".factor-choice >> nth=1")
        page.fill("#passkey-name", "병동 태블릿")
        page.click(".passkey-setup .primary")
        page.wait_for_selector(".recovery-codes .codes")
        page.click(".recovery-codes .primary")
        page.wait_for_selector(LIST)

    browser.run(enrol)

    def sign_in_with_passkey() -> None:
        give_password(page, url, "kim", PASSWORD)
        page.click(".factor-body .primary")
        page.wait_for_selector(LIST)

    browser.run(sign_in_with_passkey)

    browser.run(lambda: page.goto(f"{url}/my-sign-in"))
    browser.run(lambda: page.wait_for_selector(".passkey-row"))
    clean(browser)
    assert unreached(browser) == []
    assert "병동 태블릿" in browser.run(lambda: page.inner_text(".passkey-row"))
    # The only factor stays: this server always requires one.
    browser.run(lambda: page.click(".passkey-row button >> nth=1"))
    clean(browser)
    browser.run(lambda: page.click("dialog .primary"))
    browser.run(lambda: page.wait_for_selector(".my-sign-in > .alert:not(:empty)"))

    def rename() -> None:
        page.click(".passkey-row button >> nth=0")
        page.fill("#new-name", "새 이름")
        page.click("dialog .primary")
        page.wait_for_selector("text=새 이름")

    browser.run(rename)
    browser.remove_authenticator(authenticator)
    browser.add_authenticator()  # another device, which has no passkey yet

    def add_and_remove() -> None:
        page.click(".factor-section:nth-child(3) > .factor-actions button")
        page.fill("#passkey-name", "second")
        page.click("dialog .passkey-setup .primary")
        page.wait_for_selector(".passkey-row:nth-child(2)")
        page.click(".passkey-row:nth-child(1) button >> nth=1")
        page.click("dialog .primary")
        page.wait_for_selector(".passkey-row:nth-child(2)", state="detached")

    browser.run(add_and_remove)
    browser.run(sign_in_with_passkey)


def test_a_person_changes_the_password(browser: NamedHostChromium, url: str) -> None:
    browser.open(f"{url}/")
    choose(browser, ("en", "light"))
    browser.add_authenticator()
    page = browser.page

    def change() -> None:
        give_password(page, url, "lee", PASSWORD)
        set_up_app(page)
        page.click(".recovery-codes .primary")
        page.wait_for_selector(LIST)
        page.click("[aria-label='My sign-in']")
        page.wait_for_selector(".factor-section")
        page.click(".factor-section:nth-child(1) button")

    browser.run(change)
    clean(browser)
    assert unreached(browser, within="dialog.question") == []

    def send(old: str, new: str, again: str) -> str:
        page.fill("#old-password", old)
        page.fill("#new-password", new)
        page.fill("#again-password", again)
        page.click("dialog .primary")
        page.wait_for_selector("dialog .alert:not(:empty)")
        return page.inner_text("dialog .alert")

    new = "quiet river copper lamp"
    assert "differ" in browser.run(lambda: send(PASSWORD, new, new + "!"))
    assert "easily guessed" in browser.run(lambda: send(PASSWORD, "password123", "password123"))
    assert "wrong" in browser.run(lambda: send("not this one", new, new))
    clean(browser)

    def succeed(page: Page) -> Any:
        page.fill("#old-password", PASSWORD)
        page.fill("#new-password", new)
        page.fill("#again-password", new)
        page.click("dialog .primary")
        page.wait_for_selector(".factor-status:not(:empty)")
        give_password(page, url, "lee", new)
        return page.wait_for_selector("#code")

    browser.run(lambda: succeed(page))
