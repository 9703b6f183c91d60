"""Takes the screenshot of a report for the documentation."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import sync_playwright

from benchmarks.driver.browser import CHROMIUM, FLAGS
from benchmarks.report.page import FIRST_SECTION

#: Viewport of the page, px.
WIDTH_PX, HEIGHT_PX = 1120, 900
#: Margin below the section that is shown, px.
MARGIN_PX = 20


def take_screenshot(html: str, path: Path) -> None:
    """Writes the first section of the page in the light colour scheme as PNG."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        try:
            page = browser.new_page(
                viewport={"width": WIDTH_PX, "height": HEIGHT_PX},
                color_scheme="light",
                reduced_motion="reduce",
            )
            page.set_content(html)
            box = page.locator(f"#{FIRST_SECTION}").bounding_box()
            assert box is not None  # every page has that section
            height = box["y"] + box["height"] + MARGIN_PX
            path.parent.mkdir(parents=True, exist_ok=True)
            page.screenshot(
                path=path, full_page=True, clip={"x": 0, "y": 0, "width": WIDTH_PX, "height": height}
            )
        finally:
            browser.close()
