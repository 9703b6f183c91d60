"""Further windows of a running Chromium, with the same cookies and storage."""

from __future__ import annotations

from playwright.sync_api import Page

from tests.e2e.browsers.chromium import Chromium
from tests.e2e.processes import wait_for


class ChromiumWindow(Chromium):
    """A further window, which ends with the browser at the latest."""

    def __init__(self, main: Chromium, page: Page | None = None) -> None:
        """Opens a new window, or controls one that the page opened."""
        self._process = main._process
        self._console: list[str] = []
        self._closed = False
        self.run(lambda: self._control(page or main.page.context.new_page()))

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            self.run(lambda: self.page.close())


def opened_by(main: Chromium, count: int, timeout_s: float = 90.0) -> list[ChromiumWindow]:
    """Waits until the page has opened this many windows, and returns them."""

    def other_pages() -> list[Page]:
        main.page.evaluate("0")  # Playwright delivers events while it waits for an answer
        return [page for page in main.page.context.pages if page is not main.page]

    def others() -> list[Page] | None:
        pages = main.run(other_pages)
        return pages if len(pages) == count else None

    pages = wait_for(others, timeout_s=timeout_s, what=f"{count} windows opened by the page")
    return [ChromiumWindow(main, page) for page in pages]
