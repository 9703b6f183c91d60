"""A window beyond the limit of one person's viewers says what to do, and works when there is room."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.browsers.browser import Browser
from tests.e2e.gateway_client import GatewayClient
from tests.e2e.lightbox import Lightbox
from tests.e2e.processes import wait_for
from tests.e2e.viewer import PATIENCE_S, Viewer

NOTICE = "return document.querySelector('.connection-notice')?.innerText ?? ''"


@pytest.fixture(scope="module")
def limited(out: Path) -> Iterator[Lightbox]:
    with Lightbox(
        out / "lightbox-viewer-limit.log",
        profile="blank",
        share=True,
        settings={"LIGHTBOX_LIMITS_VIEWERS_PER_PERSON": "1"},
    ) as running:
        yield running


@pytest.mark.parametrize(
    ("language", "said"),
    [("en", "Too many windows show your desktops"), ("ko", "데스크톱을 표시하는 창이 너무 많습니다")],
)
def test_a_window_too_many_says_what_to_do(
    limited: Lightbox, start_browser: Callable[[str], Browser], language: str, said: str
) -> None:
    browser = start_browser("chromium")
    try:
        viewer = Viewer(browser, limited.url)
        viewer.sign_in(limited.username, limited.password)
        browser.evaluate(f"localStorage.setItem('lightbox.language', '{language}')")
        elsewhere = GatewayClient(limited.url)
        assert elsewhere.sign_in(limited.username, limited.password).status_code == 200
        with elsewhere.connect(elsewhere.viewer("blank")["ticket"]):
            browser.open(f"{limited.url}/desktop/blank")
            wait_for(
                lambda: said in browser.evaluate(NOTICE),
                timeout_s=PATIENCE_S,
                what=lambda: f"the notice; it says {browser.evaluate(NOTICE)!r}",
            )
        viewer.click_element(".connection-notice button.primary")
        viewer.wait_exact()
    finally:
        browser.close()
