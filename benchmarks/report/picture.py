"""The picture of a report that the README shows."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import sync_playwright

from benchmarks.driver.browser import CHROMIUM, FLAGS
from benchmarks.report.page import FIRST

WIDTH_PX, HEIGHT_PX = 1120, 900
#: Around the part that is shown.
MARGIN_PX = 20


def take_picture(html: str, path: Path) -> None:
    """The first part of the page, which says most, in the light style, as PNG."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        try:
            page = browser.new_page(
                viewport={"width": WIDTH_PX, "height": HEIGHT_PX},
                color_scheme="light",
                reduced_motion="reduce",
            )
            page.set_content(html)
            box = page.locator(f"#{FIRST}").bounding_box()
            assert box is not None  # the page always has that part
            height = box["y"] + box["height"] + MARGIN_PX
            path.parent.mkdir(parents=True, exist_ok=True)
            page.screenshot(
                path=path, full_page=True, clip={"x": 0, "y": 0, "width": WIDTH_PX, "height": height}
            )
        finally:
            browser.close()
