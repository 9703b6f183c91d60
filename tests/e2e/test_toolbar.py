"""The bar with the badge: no alarm at the start, nothing moves under the pointer, and it can be moved."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.e2e.browsers.browser import Browser
from tests.e2e.browsers.chromium import Chromium
from tests.e2e.conftest import signed_in
from tests.e2e.lightbox import Lightbox
from tests.e2e.processes import wait_for
from tests.e2e.viewer import PATIENCE_S, Viewer

#: Records every state of the badge from the first moment of a page.
RECORD_BADGE = """
window.recorded = [];
new MutationObserver(() => {
  const state = document.querySelector('[data-badge]')?.dataset.state;
  if (state && recorded.at(-1) !== state) recorded.push(state);
}).observe(document, { subtree: true, childList: true, attributes: true, attributeFilter: ['data-state'] });
"""
#: Returns the box of every control of the tab that is visible, in CSS px.
CONTROLS = """
return [...document.querySelectorAll('.viewer > .bar .tab button')]
  .map((button) => button.getBoundingClientRect())
  .filter((at) => at.width > 0)
  .map(({ left, top, width, height }) => [left, top, width, height]);
"""
BAR_OPEN = "return document.querySelector('.viewer > .bar').dataset.open"
BAR_LEFT = "return document.querySelector('.viewer > .bar').getBoundingClientRect().left"


def wait_open(viewer: Viewer, expected: str) -> None:
    wait_for(
        lambda: viewer.browser.evaluate(BAR_OPEN) == expected, timeout_s=PATIENCE_S, what=viewer.situation
    )


def controls(viewer: Viewer) -> Any:
    return viewer.browser.evaluate(CONTROLS)


def test_badge_is_never_unverified_while_a_desktop_opens(
    start_browser: Callable[[str], Browser], lightbox: Lightbox
) -> None:
    """The first desktop of the run is started, and another page of it is opened directly."""
    browser = start_browser("chromium")
    assert isinstance(browser, Chromium)
    try:
        browser.run(lambda: browser.page.add_init_script(RECORD_BADGE))
        viewer = signed_in(browser, lightbox)
        for desktop in ("office", "office", "radiology"):
            viewer.open_desktop(desktop)
            states = browser.evaluate("return recorded")
            assert states[-1] == "exact", states
            assert "unverified" not in states, states
    finally:
        browser.close()


def test_badge_is_never_unverified_after_a_choice_in_the_list(viewer: Viewer) -> None:
    """In each engine."""
    viewer.browser.evaluate(RECORD_BADGE)
    viewer.click_element('a[href="/desktop/radiology"]')
    viewer.wait_exact()
    states = viewer.browser.evaluate("return recorded")
    assert states[-1] == "exact", states
    assert "unverified" not in states, states


def test_no_control_moves_when_the_pointer_rests_on_it(viewer: Viewer) -> None:
    viewer.open_desktop("radiology")
    viewer.browser.move(5, 400)
    wait_open(viewer, "false")
    before = controls(viewer)
    assert len(before) >= 2, "badge and handle"
    for left, top, width, height in before:
        viewer.browser.move(5, 400)
        wait_open(viewer, "false")
        viewer.browser.move(round(left + width / 2), round(top + height / 2))
        wait_open(viewer, "true")
        assert controls(viewer) == before
    left, top, width, height = before[0]
    viewer.browser.move(round(left + width / 2), round(top + height / 2))
    viewer.browser.press()
    viewer.browser.release()
    viewer.wait_for_element(".popover")
    assert controls(viewer) == before
    viewer.browser.press()
    viewer.browser.release()
    viewer.browser.move(5, 400)
    wait_open(viewer, "false")


def test_tools_that_opened_under_the_pointer_stay_open_after_a_click_on_the_handle(
    chromium_viewer: Viewer,
) -> None:
    viewer = chromium_viewer
    viewer.open_desktop("radiology")
    left, top, width, height = viewer.wait_for_element(".handle")
    viewer.browser.move(left + width / 2, top + height / 2)
    wait_open(viewer, "true")
    viewer.browser.click(left + width / 2, top + height / 2)
    assert viewer.browser.evaluate(BAR_OPEN) == "true"
    viewer.browser.click(left + width / 2, top + height / 2)
    assert viewer.browser.evaluate(BAR_OPEN) == "false"


def test_the_bar_is_dragged_away_from_what_it_covers(viewer: Viewer) -> None:
    viewer.open_desktop("radiology")
    viewer.browser.move(5, 400)
    wait_open(viewer, "false")
    before = viewer.browser.evaluate(BAR_LEFT)
    left, top, width, height = viewer.wait_for_element("[data-badge]")
    start = (round(left + width / 2), round(top + height / 2))
    viewer.browser.move(*start)
    wait_open(viewer, "true")  # the page receives the mouse

    def dragged() -> bool:
        """Drags, again if a busy browser merged the motions with the release."""
        if viewer.browser.evaluate(BAR_LEFT) == before:
            viewer.browser.drag(start, (start[0] - 300, start[1]))
        return bool(viewer.browser.evaluate(BAR_LEFT) == pytest.approx(before - 300, abs=2))

    wait_for(
        dragged,
        timeout_s=PATIENCE_S,
        every_s=0.5,
        what=lambda: f"the bar 300 px further left, it was at {before}; {viewer.situation()}",
    )
    assert viewer.browser.evaluate("return document.querySelector('.popover').hidden"), "a drag is no click"
    viewer.open_desktop("radiology")
    assert viewer.browser.evaluate(BAR_LEFT) == pytest.approx(before - 300, abs=2), "the place is remembered"
    viewer.browser.drag((start[0] - 300, start[1]), (start[0] - 2000, start[1]))
    assert viewer.browser.evaluate(BAR_LEFT) >= 0, "the bar stays in the window"
    viewer.browser.evaluate("localStorage.removeItem('lightbox.bar')")


def test_the_bar_is_moved_by_the_arrow_keys(chromium_viewer: Viewer) -> None:
    viewer = chromium_viewer
    viewer.open_desktop("radiology")
    before = viewer.browser.evaluate(BAR_LEFT)
    viewer.browser.evaluate("document.querySelector('.handle').focus()")
    viewer.browser.tap("ArrowRight")
    viewer.browser.tap("ArrowRight")
    assert viewer.browser.evaluate(BAR_LEFT) > before
    viewer.browser.tap("ArrowLeft")
    viewer.browser.tap("ArrowLeft")
    assert viewer.browser.evaluate(BAR_LEFT) == pytest.approx(before, abs=1)
    viewer.browser.evaluate("localStorage.removeItem('lightbox.bar')")
