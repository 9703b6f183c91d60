"""The desktop fits the screen: windows keep their places whatever happens to the monitors."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.browsers.chromium import Chromium
from tests.e2e.browsers.chromium_window import ChromiumWindow
from tests.e2e.conftest import signed_in
from tests.e2e.desktop_layout import programs, started_windows
from tests.e2e.lightbox import Lightbox
from tests.e2e.monitor_layout import Place, is_inside, read_monitors, wait_for_monitors
from tests.e2e.processes import wait_for
from tests.e2e.viewer import PATIENCE_S, Viewer
from tests.e2e.x_desktop.display import Window, XDisplay

DESKTOP = "office"
SMALL, LARGE = (1280, 720), (1920, 1080)
#: How far a window may be from its place, px: size steps of a terminal, and its frame.
NEAR_PX = 45
#: The fourth starter of the taskbar, a terminal: distance from the left edge of the panel, px.
TERMINAL_STARTER_PX = 118
TOO_SMALL = ("small", "30", "800", "800", "800", "800", "600", "600", "600", "600")


@pytest.fixture(scope="module")
def office(out: Path) -> Iterator[Lightbox]:
    with Lightbox(out / "places.log", profile=DESKTOP) as running:
        yield running


@pytest.fixture(scope="module")
def workstation(chromium: Chromium, office: Lightbox) -> Viewer:
    viewer = signed_in(chromium, office)
    chromium.resize(*SMALL)
    viewer.open_desktop(DESKTOP)
    return viewer


@pytest.fixture(scope="module")
def screen(office: Lightbox, workstation: Viewer) -> Iterator[XDisplay]:
    assert workstation.url == office.url
    reader = office.display()
    yield reader
    reader.close()


@pytest.fixture
def desk(workstation: Viewer, office: Lightbox, screen: XDisplay) -> Viewer:
    """One small window with one monitor, default preferences and the profile's programs."""
    browser = workstation.browser
    browser.evaluate("localStorage.clear()")
    browser.resize(*SMALL)
    browser.open(f"{office.url}/desktop/{DESKTOP}")
    workstation.wait_for_badge("exact", "scaled")
    if len(read_monitors(screen)) > 1:
        choose_count(workstation, 1)
    wait_for_monitors(workstation, screen, [(0, 0, *SMALL)])
    wait_for(
        lambda: len(programs(screen)) >= started_windows(DESKTOP), timeout_s=PATIENCE_S, what="the programs"
    )
    return workstation


def open_panel(viewer: Viewer) -> None:
    viewer.browser.evaluate("document.querySelector('.tools [aria-label=\"Monitors\"]').click()")
    viewer.wait_for_element(".monitors-card")


def choose_count(viewer: Viewer, count: int) -> None:
    """Chooses the number of monitors in the panel, as a person does."""
    open_panel(viewer)
    viewer.click_element(f"[data-count] .segment:nth-child({count})")
    viewer.click_element('[data-act="apply"]')
    viewer.browser.evaluate("document.querySelector('.monitors [aria-label=\"Close\"]')?.click()")


def all_inside(screen: XDisplay, *monitors: Place) -> bool:
    windows = programs(screen)
    return all(any(is_inside(window, monitor) for monitor in monitors) for window in windows)


def window_of(screen: XDisplay, id_: int) -> Window:
    return next(window for window in screen.windows() if window.id == id_)


def near(window: Window, x: float, y: float) -> bool:
    return abs(window.x - x) <= NEAR_PX and abs(window.y - y) <= NEAR_PX


def terminals(screen: XDisplay) -> dict[int, Window]:
    found = {}
    for window in programs(screen):
        if "erminal" in screen.run("xprop", "-id", str(window.id), "WM_CLASS"):
            found[window.id] = window
    return found


def test_windows_are_placed_in_fractions_of_the_window_and_restored(
    desk: Viewer, screen: XDisplay, out: Path
) -> None:
    wait_for(lambda: all_inside(screen, (0, 0, *SMALL)), timeout_s=PATIENCE_S, what="windows that fit")
    wait_for(
        lambda: any(near(w, 0.67 * SMALL[0], 0.56 * (SMALL[1] - 40) + 24) for w in programs(screen)),
        timeout_s=PATIENCE_S,
        what=lambda: f"a terminal in the lower right; there are {programs(screen)}",
    )
    before = {window.id: window for window in programs(screen)}
    desk.browser.resize(*LARGE)
    wait_for_monitors(desk, screen, [(0, 0, *LARGE)])
    wait_for(
        lambda: any(near(w, 0.67 * LARGE[0], 0.56 * (LARGE[1] - 40) + 24) for w in programs(screen)),
        timeout_s=PATIENCE_S,
        what=lambda: f"a terminal in the lower right; there are {programs(screen)}",
    )
    desk.browser.screenshot(out / "places-large.png")
    desk.browser.resize(700, 1000)
    wait_for_monitors(desk, screen, [(0, 0, 700, 1000)])
    wait_for(
        lambda: all_inside(screen, (0, 0, 700, 1000)),
        timeout_s=PATIENCE_S,
        what=lambda: f"windows that fit; there are {programs(screen)}",
    )
    desk.browser.resize(*SMALL)
    wait_for(
        lambda: {window.id: window for window in programs(screen)} == before,
        timeout_s=PATIENCE_S,
        what=lambda: f"{before}; there are {programs(screen)}",
    )
    desk.assert_equal(screen, out, "places")


def test_a_window_that_was_moved_by_hand_stays_in_proportion(desk: Viewer, screen: XDisplay) -> None:
    window = next(iter(terminals(screen).values()))
    # By its title bar, to the left and up.
    start = (window.x + window.width // 2, window.y - 10)
    desk.drag(start, (start[0] - 400, start[1] - 200))
    moved = wait_for(
        lambda: now if (now := window_of(screen, window.id)) != window else None,
        timeout_s=PATIENCE_S,
        what="a window that was dragged",
    )
    desk.browser.resize(*LARGE)
    x, y = moved.x / SMALL[0] * LARGE[0], moved.y / (SMALL[1] - 40) * (LARGE[1] - 40)
    wait_for(
        lambda: near(window_of(screen, window.id), x, y),
        timeout_s=PATIENCE_S,
        what=lambda: f"a window at {x}, {y}; it is {window_of(screen, window.id)}",
    )
    desk.browser.resize(*SMALL)
    wait_for(
        lambda: window_of(screen, window.id) == moved,
        timeout_s=PATIENCE_S,
        what=lambda: f"{moved}; it is {window_of(screen, window.id)}",
    )


def test_a_resolution_set_on_the_desktop_strands_nobody(desk: Viewer, screen: XDisplay) -> None:
    desk.browser.evaluate(
        "await new Promise((done) => setTimeout(done, 3500))"
    )  # the last request is long ago
    if "small" not in screen.run("xrandr"):
        screen.run("xrandr", "--newmode", *TOO_SMALL)
    screen.run("xrandr", "--addmode", "screen", "small")
    screen.run("xrandr", "--output", "screen", "--mode", "small")
    toast = "return document.querySelector('.toast:not([hidden])')?.innerText ?? ''"
    wait_for(
        lambda: "size of this window" in desk.browser.evaluate(toast), timeout_s=PATIENCE_S, what="a message"
    )
    wait_for_monitors(desk, screen, [(0, 0, *SMALL)])
    wait_for(lambda: all_inside(screen, (0, 0, *SMALL)), timeout_s=PATIENCE_S, what="windows that fit")
    desk.wait_exact()


def test_apply_is_visible_in_a_small_window(desk: Viewer, out: Path) -> None:
    open_panel(desk)
    desk.browser.screenshot(out / "monitors-panel-small.png")
    found = desk.browser.evaluate(
        "const apply = document.querySelector('[data-act=apply]');"
        "const { left, top, right, bottom } = apply.getBoundingClientRect();"
        "const at = (x, y) => document.elementFromPoint(x, y)?.dataset?.act;"
        "return [at(left + 4, top + 4), at(right - 4, bottom - 4)]"
    )
    assert found == ["apply", "apply"]
    desk.browser.evaluate("document.querySelector('.monitors [aria-label=\"Close\"]').click()")


def test_missing_permission_for_displays_is_explained_in_front(desk: Viewer, out: Path) -> None:
    open_panel(desk)
    desk.click_element('[data-act="useDisplays"]')
    desk.wait_for_element(".toast:not([hidden])")
    desk.browser.screenshot(out / "displays-refused.png")
    in_front = desk.browser.evaluate(
        "const toast = document.querySelector('.toast'); toast.style.pointerEvents = 'auto';"
        "const { left, top, width, height } = toast.getBoundingClientRect();"
        "return document.elementFromPoint(left + width / 2, top + height / 2) === toast"
    )
    assert in_front
    desk.browser.evaluate("document.querySelector('.monitors [aria-label=\"Close\"]').click()")


def split(viewer: Viewer) -> None:
    open_panel(viewer)
    viewer.click_element('[data-act="split"]')
    viewer.browser.evaluate("document.querySelector('.monitors [aria-label=\"Close\"]').click()")
    viewer.wait_for_element(".pane")


def wait_for_one_monitor(viewer: Viewer, screen: XDisplay) -> None:
    wait_for_monitors(viewer, screen, [(0, 0, *SMALL)])
    wait_for(
        lambda: viewer.connection() == "connected" and shown(viewer) == "0",
        timeout_s=PATIENCE_S,
        what=viewer.situation,
    )
    viewer.wait_exact()


def shown(viewer: Viewer) -> Any:
    return viewer.browser.evaluate("return document.querySelector('canvas[data-monitor]')?.dataset.monitor")


@pytest.mark.parametrize("own", [0, 1])
def test_one_monitor_after_a_split_view_fills_the_window(desk: Viewer, screen: XDisplay, own: int) -> None:
    choose_count(desk, 2)
    wait_for(lambda: len(read_monitors(screen)) == 2, timeout_s=PATIENCE_S, what="two monitors")
    if own == 1:
        number = "document.querySelector('[data-strip=\"1\"]')"
        desk.browser.evaluate(f"while (!{number}) await new Promise((done) => setTimeout(done, 100))")
        desk.browser.evaluate(f"{number}.click()")
        wait_for(lambda: shown(desk) == "1", timeout_s=PATIENCE_S, what="the second monitor")
        desk.wait_for_badge("exact", "scaled")
    split(desk)
    wait_for(
        lambda: all(width <= SMALL[0] // 2 for _, _, width, _ in read_monitors(screen)),
        timeout_s=PATIENCE_S,
        what=lambda: f"two halves; there are {read_monitors(screen)}",
    )
    choose_count(desk, 1)
    wait_for_one_monitor(desk, screen)


def test_programs_open_on_the_monitor_of_their_taskbar_and_are_gathered_when_its_window_closes(
    desk: Viewer, chromium: Chromium, office: Lightbox, screen: XDisplay, out: Path
) -> None:
    choose_count(desk, 2)
    second: Place = (SMALL[0], 0, *SMALL)
    wait_for_monitors(desk, screen, [(0, 0, *SMALL), second])
    window = ChromiumWindow(chromium)
    other = Viewer(window, office.url)
    window.resize(*SMALL)
    other.open_desktop(DESKTOP, monitor=1)
    title = "return document.title"
    assert (desk.browser.evaluate(title), window.evaluate(title)) == (
        "office · Monitor 1 · Lightbox",
        "office · Monitor 2 · Lightbox",
    )
    known = terminals(screen).keys()

    def started() -> Window | None:
        return next((found for id_, found in terminals(screen).items() if id_ not in known), None)

    wait_for(
        lambda: any(w.title == "tint2" and is_inside(w, second) for w in screen.windows()),
        timeout_s=PATIENCE_S,
        what="a taskbar on the second monitor",
    )
    other.click((TERMINAL_STARTER_PX, SMALL[1] - 20))
    opened = wait_for(started, timeout_s=PATIENCE_S, what="a terminal")
    wait_for(
        lambda: is_inside(window_of(screen, opened.id), second),
        timeout_s=PATIENCE_S,
        what=lambda: f"the terminal on monitor 2; it is {window_of(screen, opened.id)}",
    )
    window.screenshot(out / "places-second.png")
    window.run(lambda: window.page.close(run_before_unload=True))
    wait_for(
        lambda: is_inside(window_of(screen, opened.id), (0, 0, *SMALL)),
        timeout_s=PATIENCE_S,
        what=lambda: f"the terminal on monitor 1; it is {window_of(screen, opened.id)}",
    )
    toast = "return document.querySelector('.toast:not([hidden])')?.innerText ?? ''"
    wait_for(
        lambda: "were moved to this one" in desk.browser.evaluate(toast),
        timeout_s=PATIENCE_S,
        what="a message",
    )
    assert json.dumps(read_monitors(screen)).count("1280") >= 2, "the monitor itself stays"
