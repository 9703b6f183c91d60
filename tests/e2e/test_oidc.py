"""Signing in, unlocking and signing out at a real OpenID Connect provider, in a browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.browsers.chromium import HEADLESS_SHELL
from tests.e2e.conftest import OUT, ChromiumProcesses
from tests.e2e.keyboard_reach import unreached
from tests.e2e.sign_in_server import NamedHostChromium, sign_in_server
from tests.e2e.test_accessibility import choose, findings
from tests.fakes.oidc import CLIENT_ID, CLIENT_SECRET, PASSWORD, OidcProvider, client_of, oidc_provider

LIST = "a[href^='/desktop/']"
BUTTON = "[data-provider=hospital]"
#: The server of these tests always wants a second factor; here, the provider's counts.
CONFIGURATION = """
[[oidc]]
name = "hospital"
title = "Hospital account"
issuer = "{issuer}"
client_id = "{client}"
client_secret_file = "{secret}"
ca_file = "{ca}"
algorithms = ["ES256"]
domains = ["hospital.example"]
groups_claim = "groups"
second_factor_amr = ["otp"]
"""


@pytest.fixture
def both(tmp_path: Path) -> Iterator[tuple[str, OidcProvider]]:
    """The address of a server, and the provider at which people sign in."""
    secret = tmp_path / "secret"
    secret.write_text(CLIENT_SECRET)
    secret.chmod(0o600)
    with oidc_provider(tmp_path / "provider") as provider:
        more = CONFIGURATION.format(
            issuer=provider.issuer, client=CLIENT_ID, secret=secret, ca=provider.ca_file
        )
        with sign_in_server(tmp_path, more) as url:
            provider.start([client_of(url)], trust=tmp_path / "state" / "tls" / "ca.crt")
            provider.set(amr=["otp"])
            yield url, provider


@pytest.fixture
def browser(chromium_processes: ChromiumProcesses) -> Iterator[NamedHostChromium]:
    OUT.mkdir(parents=True, exist_ok=True)
    process = chromium_processes.for_window(NamedHostChromium, HEADLESS_SHELL)
    window = NamedHostChromium(OUT, width_px=1280, height_px=800, process=process)
    yield window
    window.close()


def test_a_person_signs_in_unlocks_and_signs_out_at_both(
    browser: NamedHostChromium, both: tuple[str, OidcProvider]
) -> None:
    url, provider = both
    browser.open(f"{url}/")
    choose(browser, ("en", "light"))
    page = browser.page

    def at_provider(login: str = "subject-1") -> None:
        page.click(BUTTON)
        page.wait_for_selector("input[name=login]")
        assert page.url.startswith(provider.issuer)
        page.fill("input[name=login]", login)
        page.fill("input[name=password]", PASSWORD)
        page.click("button")

    browser.run(lambda: page.goto(f"{url}/"))
    browser.run(lambda: page.wait_for_selector(BUTTON))
    assert browser.run(lambda: page.inner_text(BUTTON)) == "Sign in with Hospital account"
    assert findings(browser) == []
    assert unreached(browser) == []
    browser.screenshot(OUT / "oidc-sign-in.png")

    provider.set(disabled=["subject-1"])
    browser.run(at_provider)
    browser.run(lambda: page.wait_for_selector(".alert:not(:empty)"))
    assert "did not let you in" in browser.run(lambda: page.inner_text(".alert"))
    assert findings(browser) == []
    assert "code" not in browser.run(lambda: page.url)
    browser.run(lambda: page.click("button.primary"))
    provider.set(disabled=[])
    browser.run(lambda: page.wait_for_selector(BUTTON))
    browser.run(at_provider)
    browser.run(lambda: page.wait_for_selector(LIST))
    assert "박지훈" in browser.run(lambda: page.inner_text("body"))

    browser.run(lambda: page.evaluate("fetch('/api/v1/lock', { method: 'POST' })"))
    browser.run(lambda: page.goto(f"{url}/"))
    browser.run(lambda: page.wait_for_selector(f"form.lock {BUTTON}"))
    assert not browser.run(lambda: page.is_visible("#password"))
    assert findings(browser) == []
    browser.screenshot(OUT / "oidc-lock.png")
    browser.run(at_provider)
    browser.run(lambda: page.wait_for_selector(LIST))

    browser.run(lambda: page.click("button[aria-label='Sign out'], button:has-text('Sign out')"))
    browser.run(lambda: page.wait_for_selector("button[name=logout]"))
    assert browser.run(lambda: page.url).startswith(provider.issuer)
    browser.run(lambda: page.click("button[name=logout]"))
    browser.run(lambda: page.wait_for_selector("input[name=username]"))
    assert browser.run(lambda: page.url) == f"{url}/"
    choose(browser, ("ko", "dark"))
    browser.run(lambda: page.goto(f"{url}/"))
    browser.run(lambda: page.wait_for_selector(BUTTON))
    assert browser.run(lambda: page.inner_text(BUTTON)) == "Hospital account 계정으로 로그인"
    assert findings(browser) == []
