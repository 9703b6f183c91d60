"""The display check: patterns are exact on the screen, and what the person says of them is kept."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from display_server.desktop.display_check.patterns import PATTERNS, contrast
from tests.e2e.browsers.chromium import Chromium
from tests.e2e.browsers.tablet import IPAD, Tablet
from tests.e2e.conftest import DESKTOP_PX, PAGE_PX
from tests.e2e.lightbox import Lightbox
from tests.e2e.processes import wait_for
from tests.e2e.take_screenshots import prefer
from tests.e2e.viewer import PATIENCE_S, Viewer

WORDS = "return document.querySelector('.check-words')?.innerText ?? ''"
BUTTONS = "return [...document.querySelectorAll('.check-body button')].map((button) => button.innerText)"
PROGRESS = "return document.querySelector('.check-body progress')?.value ?? 0"


@pytest.fixture(scope="module")
def checking(out: Path) -> Iterator[Lightbox]:
    running = Lightbox(
        out / "lightbox-check.log", profile="check", width_px=DESKTOP_PX[0], height_px=DESKTOP_PX[1]
    )
    yield running
    running.stop()


@pytest.fixture
def viewer(chromium: Chromium, checking: Lightbox) -> Viewer:
    found = Viewer(chromium, checking.url)
    found.sign_in(checking.username, checking.password)
    return found


def say(viewer: Viewer, label: str) -> None:
    """Presses the button with this label, and waits for what comes next."""
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
        what=lambda: f"something after {label}; {viewer.situation()}",
    )


def shows(viewer: Viewer, name: str) -> None:
    """The canvas holds the pattern, computed anew for its size, pixel for pixel."""

    def same() -> bool:
        surface = viewer.surface()
        height, width = surface.shape[:2]
        return np.array_equal(surface, PATTERNS[name](width, height))

    wait_for(same, timeout_s=PATIENCE_S, what=lambda: f"{name}; {viewer.situation()}", every_s=0.2)


def find_square(viewer: Viewer) -> tuple[int, int, int] | None:
    """Base, difference and place, as they can be read from the canvas alone."""
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


def uncovered(viewer: Viewer) -> bool:
    """Whether the panel leaves the four places free."""
    left, top, width, height = viewer.wait_for_element(".check-panel")
    page_width, page_height = PAGE_PX
    half = min(page_width, page_height) / 16
    places = [(page_width * x / 6, page_height * y / 6) for x in (1, 5) for y in (1, 5)]
    return all(
        x + half < left or x - half > left + width or y + half < top or y - half > top + height
        for x, y in places
    )


def test_a_whole_check(viewer: Viewer, checking: Lightbox, out: Path) -> None:
    viewer.click_element('a[href="/check/check"]')
    viewer.wait_exact()
    viewer.browser.screenshot(out / "check-intro.png")
    say(viewer, "Start")
    for name, questions in zip(PATTERNS, (3, 2, 2, 2), strict=True):
        viewer.wait_for_badge("exact")
        shows(viewer, name)
        viewer.browser.screenshot(out / f"check-{name}.png")
        for _ in range(questions):
            say(viewer, "Yes")
    assert viewer.surface().shape == (PAGE_PX[1], PAGE_PX[0], 3), "the patterns have the page's pixels"
    seen = []
    places = ("Top left", "Top right", "Bottom left", "Bottom right")
    while "differs" in viewer.browser.evaluate(WORDS):
        square = find_square(viewer)
        assert square is not None
        assert uncovered(viewer), "the questions stand before the square"
        seen.append(square[1])
        # Near white this person sees nothing below four levels.
        say(viewer, "I see none" if square[0] > 200 and square[1] == -3 else places[square[2]])
    assert seen == [8, 6, 4, 3, 2, 1, 8, 6, 4, 3, 2, 1, -8, -6, -4, -3]
    viewer.browser.screenshot(out / "check-result.png")
    assert "in order" in viewer.browser.evaluate(WORDS)
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


def test_what_was_not_seen_fails(viewer: Viewer, checking: Lightbox) -> None:
    viewer.browser.open(f"{viewer.url}/check/check")
    viewer.wait_exact()
    say(viewer, "Start")
    for number in range(9):
        say(viewer, "No" if number == 4 else "Yes")
    while "differs" in viewer.browser.evaluate(WORDS):
        say(viewer, "I see none")
    stored = json.loads(checking.command("checks", "--json"))[0]
    assert stored["passed"] is False
    assert stored["thresholds"] == [None, None, None]
    assert [pattern["answers"] for pattern in stored["patterns"]][1] == [True, False]


def test_on_a_tablet_in_korean_and_dark(checking: Lightbox, out: Path) -> None:
    """Its two device pixels per CSS pixel are pixels of the patterns."""
    browser = Tablet(out, IPAD, language="ko", dark=True)
    viewer = Viewer(browser, checking.url)
    viewer.sign_in(checking.username, checking.password)
    prefer(browser, "dark", "ko")
    browser.open(f"{viewer.url}/check/check")
    viewer.wait_for_badge("exact")
    say(viewer, "시작")
    viewer.wait_for_badge("exact")
    assert viewer.surface().shape == (IPAD.height * 2, IPAD.width * 2, 3)
    shows(viewer, "tg18-qc")
    browser.screenshot(out / "check-ipad-ko.png")
    for _ in range(9):
        say(viewer, "예")
    browser.screenshot(out / "check-ipad-ko-contrast.png")
    browser.close()
