"""The bar with the badge: no alarm at the start, nothing moves under the pointer, and it can be moved."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Dialog

from tests.e2e.browsers.browser import Browser
from tests.e2e.browsers.chromium import Chromium
from tests.e2e.conftest import DESKTOP_PX, PAGE_PX, signed_in
from tests.e2e.keyboard_reach import focus, focus_toolbar
from tests.e2e.lightbox import Lightbox
from tests.e2e.monitor_layout import set_layout
from tests.e2e.processes import wait_for
from tests.e2e.viewer import PATIENCE_S, Viewer
from tests.e2e.x_desktop.display import XDisplay
from tests.e2e.x_desktop.probe import Probe

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
    viewer.show_list()
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


def test_every_tool_has_a_visible_name(chromium_viewer: Viewer, out: Path) -> None:
    viewer = chromium_viewer
    viewer.open_desktop("radiology")
    focus_toolbar(viewer.browser)
    wait_open(viewer, "true")
    tools = viewer.browser.evaluate(
        "return [...document.querySelectorAll('.tools button')]"
        "  .map((button) => [button.getAttribute('aria-label'), button.title, button.innerText])"
    )
    assert len(tools) > 5
    for name, tooltip, label in tools:
        assert name, tools
        assert name == tooltip
        assert label.lower() in name.lower(), "what is seen is part of the name"
    viewer.browser.screenshot(out / "tools.png")


def test_esc_closes_the_badges_panel_and_does_not_reach_the_desktop(
    chromium_viewer: Viewer, probe: Probe
) -> None:
    viewer = chromium_viewer
    viewer.open_desktop("radiology")
    viewer.click(probe.entry)
    viewer.click_element("[data-badge]")  # the keyboard stays with the desktop
    viewer.wait_for_element(".popover")
    viewer.browser.tap("Escape")
    assert viewer.browser.evaluate("return document.querySelector('.popover').hidden")
    viewer.browser.type("x")
    probe.wait_for_text("x")
    assert "Escape" not in [event["name"] for event in probe.events("key-down")]


def test_fit_says_when_there_is_nothing_to_fit(chromium_viewer: Viewer) -> None:
    """The desktop of this run is smaller than the page; in a page of its size there is nothing to fit."""
    viewer = chromium_viewer
    viewer.browser.resize(*DESKTOP_PX)
    try:
        viewer.open_desktop("radiology")
        viewer.browser.evaluate("document.querySelector('.tools [data-tool=view]').click()")
        wait_for(
            lambda: "nothing to fit" in viewer.browser.evaluate("return document.body.innerText"),
            timeout_s=PATIENCE_S,
            what=viewer.situation,
        )
    finally:
        viewer.browser.evaluate("localStorage.removeItem('lightbox.view')")
        viewer.browser.resize(*PAGE_PX)


def test_controls_next_to_images_are_dark_unless_the_person_chose_light(chromium_viewer: Viewer) -> None:
    viewer = chromium_viewer
    theme = "return document.documentElement.dataset.theme ?? 'system'"
    viewer.open_desktop("radiology")
    assert viewer.browser.evaluate(theme) == "dark"
    viewer.browser.evaluate("localStorage.setItem('lightbox.theme', 'light')")
    viewer.open_desktop("radiology")
    assert viewer.browser.evaluate(theme) == "light"
    viewer.browser.evaluate("localStorage.removeItem('lightbox.theme')")
    viewer.show_list()
    assert viewer.browser.evaluate(theme) == "system"


def test_frame_times_are_moved_and_show_the_round_trip(chromium_viewer: Viewer, out: Path) -> None:
    viewer = chromium_viewer
    viewer.open_desktop("radiology")
    focus_toolbar(viewer.browser)
    focus(viewer.browser, "Frame times")
    viewer.browser.tap("Enter")
    place = viewer.wait_for_element("[data-trace]")
    start = (place[0] + 60, place[1] + 200)
    viewer.browser.drag(start, (start[0] + 300, start[1] - 250))
    wait_for(
        lambda: viewer.wait_for_element("[data-trace]")[0] == pytest.approx(place[0] + 300, abs=4),
        timeout_s=PATIENCE_S,
        what=lambda: f"the overlay 300 px further right; {viewer.wait_for_element('[data-trace]')}",
    )
    label = "return document.querySelector('[data-trace] canvas').getAttribute('aria-label')"

    def measured() -> bool:
        viewer.move((300, 300))
        viewer.move((500, 500))
        return re.search(r"Round trip \d+\.\d ms", viewer.browser.evaluate(label)) is not None

    wait_for(measured, timeout_s=PATIENCE_S, what=viewer.situation)
    viewer.browser.screenshot(out / "frame-times.png")
    moved = viewer.wait_for_element("[data-trace]")
    viewer.open_desktop("radiology")
    viewer.browser.evaluate("document.querySelector('.tools [data-tool=trace]').click()")
    assert viewer.wait_for_element("[data-trace]") == pytest.approx(moved, abs=1), "the place is remembered"
    viewer.browser.evaluate("localStorage.removeItem('lightbox.trace')")


def test_the_browser_asks_before_a_window_with_a_desktop_is_closed(
    chromium_viewer: Viewer, chromium: Chromium, probe: Probe
) -> None:
    """As Ctrl+W and the window's button do. A page without a desktop is closed without a question."""
    viewer = chromium_viewer
    viewer.open_desktop("radiology")
    viewer.click(probe.entry)  # browsers ask only people who used the page
    asked: list[str] = []

    def close() -> None:
        def answer(dialog: Dialog) -> None:
            asked.append(dialog.type)
            dialog.dismiss()

        chromium.page.once("dialog", answer)
        chromium.page.close(run_before_unload=True)
        chromium.page.wait_for_timeout(1)

    chromium.run(close)
    wait_for(lambda: chromium.evaluate("return 1") and asked, timeout_s=PATIENCE_S, what="a question")
    assert asked == ["beforeunload"]
    assert viewer.connection() == "connected"
    viewer.browser.evaluate("document.querySelector('.tools [data-tool=desktops]').click()")
    viewer.wait_for_element('a[href^="/desktop/"]')
    prevented = "return !dispatchEvent(new Event('beforeunload', { cancelable: true }))"
    assert chromium.evaluate(prevented) is False


def test_no_bar_of_a_split_view_covers_another_or_leaves_the_window(
    chromium_viewer: Viewer, display: XDisplay, out: Path
) -> None:
    """At every place to which the person can drag the bars, in a window that is just wide enough."""
    viewer = chromium_viewer
    viewer.open_desktop("radiology")
    width, height = DESKTOP_PX
    set_layout(
        viewer, "radiology", ((0, 0, width // 2, height), (width // 2, 0, width // 2, height)), display
    )
    viewer.browser.resize(900, 700)
    try:
        viewer.browser.open(viewer.url + "/desktop/radiology?split=yes")
        viewer.wait_for_element(".pane [data-badge]")
        focus_toolbar(viewer.browser)
        for own in (0, 0.5, 1):
            for others in (0, 1):
                viewer.browser.evaluate(
                    f"document.querySelector('.viewer > .bar').style.setProperty('--bar-at', {own});"
                    f"document.querySelector('.pane .bar').style.setProperty('--bar-at', {others})"
                )
                tab = viewer.wait_for_element(".viewer > .bar .tab")
                tools = viewer.wait_for_element(".tools")
                pane = viewer.wait_for_element(".pane .tab")
                assert tools[0] >= 0
                assert tools[0] + tools[2] <= 900
                assert tab[0] + tab[2] <= pane[0] or pane[0] + pane[2] <= tab[0]
                assert pane[1] + pane[3] <= tools[1], "the open tools are below both badges"
        viewer.browser.screenshot(out / "split-bars.png")
    finally:
        viewer.browser.resize(*PAGE_PX)
        viewer.browser.open(viewer.url + "/desktop/radiology")
        set_layout(viewer, "radiology", ((0, 0, width, height),), display)
