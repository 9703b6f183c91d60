"""Takes screenshots of the second factor: `python -m tests.e2e.take_second_factor_screenshots FOLDER`.

With `--docs` it writes the one picture of docs/second-factor.md instead.
"""

from __future__ import annotations

import functools
import io
import sys
import tempfile
from pathlib import Path

from PIL import Image

from tests.e2e.browsers.chromium import HEADLESS_SHELL, ChromiumProcess
from tests.e2e.lightbox import ROOT
from tests.e2e.sign_in_server import NamedHostChromium, give_password, next_code, set_up_app, sign_in_server
from tests.e2e.small_png import save_small
from tests.fakes.gateway import PASSWORD

#: Page sizes: a workstation, a tablet held upright, and a narrow window, CSS px.
SIZES = {"desktop": (1280, 800), "tablet": (768, 1024), "narrow": (400, 760)}
LOOKS = (("en", "light"), ("ko", "dark"))
LIST = "a[href^='/desktop/']"


class Album:
    """Takes pictures of one browser, with names that begin with its look and size."""

    def __init__(self, browser: NamedHostChromium, folder: Path, prefix: str) -> None:
        self._browser, self._folder, self._prefix = browser, folder, prefix

    def take(self, name: str) -> None:
        self._browser.page.wait_for_timeout(300)
        self._browser.page.screenshot(path=str(self._folder / f"{self._prefix}-{name}.png"))


def every_state(browser: NamedHostChromium, url: str, album: Album) -> None:
    """Walks through all states as one person, who has no factor yet."""
    page = browser.page
    give_password(page, url, "kim", PASSWORD)
    page.wait_for_selector(".factor-choice")
    album.take("1-choose")
    page.click(".factor-choice >> nth=1")
    album.take("2-passkey-setup")
    page.click(".second-factor > .quiet")
    secret = set_up_app_with_pictures(browser, album)
    album.take("5-recovery-codes")
    page.click(".recovery-codes .primary")
    page.wait_for_selector(LIST)
    album.take("6-list")
    page.click("header button[aria-label='My sign-in'], header button[aria-label='내 로그인']")
    page.wait_for_selector(".factor-section")
    page.click(".factor-section:nth-child(3) > .factor-actions button")
    page.fill("#passkey-name", "Ward tablet")
    album.take("7-add-passkey")
    page.click("dialog .passkey-setup .primary")
    page.wait_for_selector(".passkey-row")
    album.take("8-my-sign-in")
    page.click(".factor-section:nth-child(1) button")
    page.fill("#old-password", PASSWORD)
    page.fill("#new-password", "password123")
    page.fill("#again-password", "password123")
    page.click("dialog .primary")
    page.wait_for_selector("dialog .alert:not(:empty)")
    album.take("9-weak-password")
    page.click(".factor-close")
    page.click(".passkey-row button >> nth=1")
    album.take("10-remove-passkey")
    page.click(".factor-close")
    page.click(".factor-section:nth-child(4) button")
    page.click("dialog .primary")
    page.wait_for_selector("dialog .codes")
    album.take("11-new-codes")
    page.click(".recovery-codes .primary")
    page.click(".factor-section:nth-child(2) .secondary")
    page.wait_for_selector("dialog .qr-code")
    album.take("12-replace-app")
    give_password(page, url, "kim", PASSWORD)
    page.wait_for_selector("#code")
    album.take("13-code")
    page.fill("#code", "000000")
    page.wait_for_selector(".alert:not(:empty)")
    album.take("14-wrong-code")
    page.click("[data-method=recovery]")
    album.take("15-recovery")
    page.click("[data-method=passkey]")
    album.take("16-passkey")
    page.click("[data-method=app]")
    page.fill("#code", next_code(secret))
    page.wait_for_selector(LIST)
    page.evaluate("fetch('/api/v1/lock', { method: 'POST' })")
    page.goto(f"{url}/")
    page.wait_for_selector("form.lock")
    page.fill("#password", PASSWORD)
    page.click("form.lock button[type=submit]")
    page.wait_for_selector(".factor-title")
    album.take("17-unlock")


def set_up_app_with_pictures(browser: NamedHostChromium, album: Album) -> bytes:
    page = browser.page
    page.click(".factor-choice >> nth=0")
    page.wait_for_selector(".qr-code")
    album.take("3-app-setup")
    page.click(".second-factor > .quiet")
    album.take("4-choose-again")
    return set_up_app(page)


def picture_for_docs(browser: NamedHostChromium, url: str, target: Path) -> None:
    page = browser.page
    give_password(page, url, "kim", PASSWORD)
    page.wait_for_selector(".factor-choice")
    set_up_app(page)
    give_password(page, url, "kim", PASSWORD)
    page.wait_for_selector("#code")
    page.mouse.move(0, 0)  # over no button
    save_small(Image.open(io.BytesIO(page.screenshot())), target)


def main() -> None:
    docs = sys.argv[1] == "--docs"
    process = ChromiumProcess(NamedHostChromium.process_flags, executable=HEADLESS_SHELL)
    try:
        for name, (width_px, height_px) in SIZES.items():
            for language, theme in LOOKS:
                with tempfile.TemporaryDirectory(prefix="lightbox-pictures-") as scratch:
                    logs = Path(scratch)
                    browser = NamedHostChromium(logs, width_px=width_px, height_px=height_px, process=process)
                    browser.add_authenticator()
                    with sign_in_server(logs) as url:
                        browser.open(f"{url}/")
                        browser.evaluate(
                            f"localStorage.setItem('lightbox.language', '{language}');"
                            f"localStorage.setItem('lightbox.theme', '{theme}')"
                        )
                        if docs:
                            target = ROOT / "docs" / "images" / "second-factor.png"
                            browser.run(functools.partial(picture_for_docs, browser, url, target))
                            return
                        album = Album(browser, Path(sys.argv[1]), f"{name}-{language}-{theme}")
                        browser.run(functools.partial(every_state, browser, url, album))
                    browser.close()
    finally:
        process.close()


if __name__ == "__main__":
    main()
