"""The display check: its patterns are exact on the surface, and the person's answers are stored."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from display_server.desktop.display_check.patterns import PATTERNS, contrast
from tests.e2e.browsers.chromium import Chromium
from tests.e2e.browsers.tablet import IPAD
from tests.e2e.conftest import DESKTOP_PX, PAGE_PX, StartTablet
from tests.e2e.lightbox import Lightbox
from tests.e2e.processes import wait_for
from tests.e2e.take_screenshots import prefer
from tests.e2e.viewer import PATIENCE_S, SURFACE, Viewer

#: The text that the check shows.
WORDS = "return document.querySelector('.check-message')?.innerText ?? ''"
BUTTONS = "return [...document.querySelectorAll('.check-body button')].map((button) => button.innerText)"
PROGRESS = "return document.querySelector('.check-body progress')?.value ?? 0"


@pytest.fixture(scope="module")
def checking(out: Path) -> Iterator[Lightbox]:
    with Lightbox(
        out / "lightbox-check.log", profile="check", width_px=DESKTOP_PX[0], height_px=DESKTOP_PX[1]
    ) as running:
        yield running


@pytest.fixture
def viewer(chromium: Chromium, checking: Lightbox) -> Viewer:
    signed_in = Viewer(chromium, checking.url)
    signed_in.sign_in(checking.username, checking.password)
    return signed_in


def press_button(viewer: Viewer, label: str) -> None:
    """Presses the button with this label and waits for the next step."""
    before = viewer.browser.evaluate(WORDS), viewer.browser.evaluate(PROGRESS)

    def pressed() -> bool:
        found: bool = viewer.browser.evaluate(
            "const all = [...document.querySelectorAll('.check-body button')];"
            f"const button = all.find((one) => one.innerText === {json.dumps(label)});"
            "button?.click(); return button !== undefined"
        )
        return found

    wait_for(pressed, timeout_s=PATIENCE_S, what=lambda: f"a button {label}; {viewer.situation()}")
    wait_for(
        lambda: (
            viewer.browser.evaluate(BUTTONS)
            and (viewer.browser.evaluate(WORDS), viewer.browser.evaluate(PROGRESS)) != before
        ),
        timeout_s=PATIENCE_S,
        what=lambda: f"the step after {label}; {viewer.situation()}",
    )


def wait_for_pattern(viewer: Viewer, name: str) -> None:
    """Waits until the surface equals the pattern, which is computed for its size."""

    def same() -> bool:
        width, height = viewer.browser.evaluate(f"return [{SURFACE}.width, {SURFACE}.height]")
        return viewer.shows(PATTERNS[name](width, height))

    wait_for(same, timeout_s=PATIENCE_S, what=lambda: f"{name}; {viewer.situation()}", every_s=0.2)


def find_square(viewer: Viewer) -> tuple[int, int, int] | None:
    """Reads grey level, difference and position of the square from the surface; None without a square."""
    surface = viewer.surface()
    height, width = surface.shape[:2]
    base = int(surface[0, 0, 0])
    rows, columns = np.nonzero(surface[:, :, 0] != base)
    if len(rows) == 0:
        return None
    place = int(columns.mean() > width / 2) + 2 * int(rows.mean() > height / 2)
    difference = int(surface[rows[0], columns[0], 0]) - base
    assert np.array_equal(surface, contrast(width, height, base, difference, place))
    return base, difference, place


def is_square_free(viewer: Viewer) -> bool:
    """Returns whether the panel covers none of the four positions."""
    left, top, width, height = viewer.wait_for_element(".check-panel")
    page_width, page_height = PAGE_PX
    half = min(page_width, page_height) / 16
    places = [(page_width * x / 6, page_height * y / 6) for x in (1, 5) for y in (1, 5)]
    return all(
        x + half < left or x - half > left + width or y + half < top or y - half > top + height
        for x, y in places
    )


def covers(viewer: Viewer, areas: list[tuple[float, float, float, float]]) -> bool:
    """Returns whether the panel covers a part of these areas: left, top, right and bottom as fractions."""
    left, top, width, height = viewer.wait_for_element(".check-panel")
    page_width, page_height = PAGE_PX
    return any(
        left < right * page_width
        and left + width > x * page_width
        and top < bottom * page_height
        and top + height > y * page_height
        for x, y, right, bottom in areas
    )


def test_the_panel_covers_nothing_that_it_asks_about_and_an_answer_is_taken_back(
    viewer: Viewer, out: Path
) -> None:
    """SMPTE's second question is about line pairs in the middle and in all corners."""
    viewer.browser.open(f"{viewer.url}/check/check")
    viewer.wait_exact()
    press_button(viewer, "Start")
    assert "Back" not in viewer.browser.evaluate(BUTTONS)
    for _ in range(5):
        press_button(viewer, "Yes")
    press_button(viewer, "No")
    assert "line pairs" in viewer.browser.evaluate(WORDS)
    corners = [(x, y, x + 0.2, y + 0.16) for x in (0, 0.8) for y in (0, 0.84)]
    assert not covers(viewer, [*corners, (0.36, 0.3, 0.64, 0.7)])
    viewer.browser.screenshot(out / "check-panel.png")
    press_button(viewer, "Back")
    assert "5 %" in viewer.browser.evaluate(WORDS)
    for _ in range(2):
        press_button(viewer, "Back")
    wait_for_pattern(viewer, "tg270-sqc")
    before = viewer.wait_for_element(".check-panel")
    viewer.click_element('[aria-label="Move this panel"]')
    assert viewer.wait_for_element(".check-panel") != before
    for _ in range(6):
        press_button(viewer, "Yes")
    assert "differs" in viewer.browser.evaluate(WORDS)
    press_button(viewer, "I see none")
    press_button(viewer, "Back")
    assert is_square_free(viewer)


def test_stores_a_passed_check(viewer: Viewer, checking: Lightbox, out: Path) -> None:
    viewer.click_element('a[href="/check/check"]')
    viewer.wait_exact()
    viewer.browser.screenshot(out / "check-intro.png")
    press_button(viewer, "Start")
    for name, questions in zip(PATTERNS, (3, 2, 2, 2), strict=True):
        viewer.wait_for_badge("exact")
        wait_for_pattern(viewer, name)
        viewer.browser.screenshot(out / f"check-{name}.png")
        for _ in range(questions):
            press_button(viewer, "Yes")
    assert viewer.surface().shape == (PAGE_PX[1], PAGE_PX[0], 3), "the patterns must have the page's size"
    seen = []
    places = ("Top left", "Top right", "Bottom left", "Bottom right")
    while "differs" in viewer.browser.evaluate(WORDS):
        square = find_square(viewer)
        assert square is not None
        assert is_square_free(viewer), "the panel must not cover the square"
        seen.append(square[1])
        # This person sees no difference below four levels near white.
        press_button(viewer, "I see none" if square[0] > 200 and square[1] == -3 else places[square[2]])
    assert seen == [8, 6, 4, 3, 2, 1, 8, 6, 4, 3, 2, 1, -8, -6, -4, -3]
    viewer.browser.screenshot(out / "check-result.png")
    assert "passed the check" in viewer.browser.evaluate(WORDS)
    (stored,) = json.loads(checking.command("checks", "--json"))
    assert (stored["username"], stored["desktop"], stored["passed"]) == (checking.username, "check", True)
    assert stored["thresholds"] == [1, 1, 4]
    assert {pattern["state"] for pattern in stored["patterns"]} == {"exact"}
    assert (stored["width"], stored["height"]) == PAGE_PX
    assert "Chrome" in stored["device"]["name"]
    assert stored["device"]["colour_depth"] >= 24
    assert "passed" in checking.command("checks")
    listed: list[dict[str, Any]] = viewer.browser.evaluate("return (await fetch('/api/v1/checks')).json()")
    assert [one["checked_s"] for one in listed] == [stored["checked_s"]]


def test_fails_when_nothing_was_seen(viewer: Viewer, checking: Lightbox) -> None:
    viewer.browser.open(f"{viewer.url}/check/check")
    viewer.wait_exact()
    press_button(viewer, "Start")
    for number in range(9):
        press_button(viewer, "No" if number == 4 else "Yes")
    while "differs" in viewer.browser.evaluate(WORDS):
        press_button(viewer, "I see none")
    stored = json.loads(checking.command("checks", "--json"))[0]
    assert stored["passed"] is False
    assert stored["thresholds"] == [None, None, None]
    assert [pattern["answers"] for pattern in stored["patterns"]][1] == [True, False]


def test_runs_on_a_tablet_in_korean_and_dark(
    checking: Lightbox, start_tablet: StartTablet, out: Path
) -> None:
    """The patterns use the tablet's device pixels, two per CSS pixel."""
    browser = start_tablet(IPAD, language="ko", dark=True)
    viewer = Viewer(browser, checking.url)
    viewer.sign_in(checking.username, checking.password)
    prefer(browser, "dark", "ko")
    browser.open(f"{viewer.url}/check/check")
    viewer.wait_for_badge("exact")
    press_button(viewer, "시작")
    viewer.wait_for_badge("exact")
    assert viewer.surface().shape == (IPAD.height * 2, IPAD.width * 2, 3)
    wait_for_pattern(viewer, "tg18-qc")
    browser.screenshot(out / "check-ipad-ko.png")
    for _ in range(9):
        press_button(viewer, "예")
    browser.screenshot(out / "check-ipad-ko-contrast.png")
    browser.close()
