"""Several monitors: each window shows one exactly, drags cross them, and programs survive changes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.e2e import monitor_layout
from tests.e2e.browsers.browser import Browser
from tests.e2e.browsers.chromium import Chromium
from tests.e2e.browsers.chromium_window import ChromiumWindow, opened_by
from tests.e2e.conftest import signed_in
from tests.e2e.lightbox import Lightbox
from tests.e2e.monitor_layout import Place, is_inside, read_monitors
from tests.e2e.processes import Program, wait_for
from tests.e2e.viewer import PATIENCE_S, Viewer
from tests.e2e.x_desktop.display import Window, XDisplay
from tests.e2e.x_desktop.probe import SYSTEM_PYTHON, Probe

DESKTOP = "office"
LEFT, RIGHT = (0, 0, 800, 640), (800, 90, 700, 500)
PAIR: tuple[Place, ...] = (LEFT, RIGHT)
ALONE: tuple[Place, ...] = ((0, 0, 1280, 800),)
PROBE_PROGRAM = Path(__file__).parent / "x_desktop" / "monitors_probe.py"


@pytest.fixture(scope="module")
def office(out: Path) -> Iterator[Lightbox]:
    """A separate demo, because these tests change monitors and other tests must not be affected."""
    with Lightbox(out / "monitors.log", profile=DESKTOP, width_px=1280, height_px=800) as running:
        yield running


@pytest.fixture(scope="module")
def screen(office: Lightbox, first: Viewer) -> Iterator[XDisplay]:
    reader = office.display()
    yield reader
    reader.close()


@pytest.fixture(scope="module")
def first(chromium: Chromium, office: Lightbox) -> Viewer:
    viewer = signed_in(chromium, office)
    viewer.open_desktop(DESKTOP)
    return viewer


@pytest.fixture
def left(first: Viewer, screen: XDisplay) -> Viewer:
    """The first window, on a desktop of two monitors."""
    first.browser.resize(1320, 880)
    first.browser.open(f"{first.url}/desktop/{DESKTOP}")
    first.wait_for_badge("exact", "scaled")
    set_layout(first, PAIR, screen)
    return first


@pytest.fixture
def right(left: Viewer, chromium: Chromium, office: Lightbox) -> Iterator[Viewer]:
    """A second window, on the second monitor."""
    window = ChromiumWindow(chromium)
    viewer = Viewer(window, office.url)
    viewer.open_desktop(DESKTOP, monitor=1)
    yield viewer
    window.close()


def set_layout(viewer: Viewer, places: Sequence[Place], screen: XDisplay) -> None:
    monitor_layout.set_layout(viewer, DESKTOP, places, screen)
    viewer.wait_exact()


def programs(screen: XDisplay) -> set[tuple[int, str]]:
    """Returns the windows of programs. Background and panel recreate theirs when monitors change."""
    return {
        (window.id, window.title) for window in screen.windows() if window.title not in ("pcmanfm", "tint2")
    }


def test_each_window_shows_its_monitor_exactly(
    left: Viewer, right: Viewer, screen: XDisplay, out: Path
) -> None:
    left.assert_equal(screen, out, "monitor-left", monitor=LEFT)
    right.assert_equal(screen, out, "monitor-right", monitor=RIGHT)
    right.browser.screenshot(out / "monitor-right.png")


def test_pointer_and_drags_cross_monitors(
    left: Viewer, right: Viewer, screen: XDisplay, tmp_path: Path
) -> None:
    right.move((30, 40))
    wait_for(lambda: screen.pointer() == (830, 130), timeout_s=PATIENCE_S, what=lambda: f"{screen.pointer()}")
    probe = Probe(screen, tmp_path, x=300, y=120)
    try:
        start, end = probe.area, (RIGHT[0] + 250, probe.area[1] + 30)
        probe.clear()
        # The drag leaves the left surface; the page is wider than the monitor.
        left.drag(start, end)
        probe.wait_for(lambda events: [e for e in events if e["kind"] == "button-up"], "the drag's end")
        (up,) = probe.events("button-up")
        assert (up["x"], up["y"]) == end
        assert screen.held() == ([], 0)
    finally:
        probe.stop()


@pytest.mark.parametrize("toolkit", ["gtk", "qt"])
@pytest.mark.parametrize("monitor", [LEFT, RIGHT], ids=["left", "right"])
def test_programs_see_monitors_and_maximise_to_one(
    left: Viewer,
    screen: XDisplay,
    tmp_path: Path,
    toolkit: str,
    monitor: tuple[int, int, int, int],
) -> None:
    answer = tmp_path / "answer"
    at = str(monitor[0] + 200), str(monitor[1] + 100)
    command = f"exec {SYSTEM_PYTHON} {PROBE_PROGRAM} {toolkit} {at[0]} {at[1]} > {answer}"
    environment = {**screen.environment, "XDG_RUNTIME_DIR": str(tmp_path), "LANG": "C.UTF-8"}
    program = Program(["sh", "-c", command], log=tmp_path / "log", env=environment)
    try:
        wait_for(
            lambda: answer.exists() and answer.read_text(), timeout_s=PATIENCE_S, what=f"a {toolkit} program"
        )
        assert {tuple(place) for place in json.loads(answer.read_text())} == {LEFT, RIGHT}

        def maximised() -> Window | None:
            found = [window for window in screen.windows() if window.title == "monitors"]
            return found[0] if found and found[0].width > 0.9 * monitor[2] else None

        window = wait_for(maximised, timeout_s=PATIENCE_S, what="a maximised window")
        assert is_inside(window, monitor)

        def dialog() -> Window | None:
            return next((window for window in screen.windows() if window.title == "dialog"), None)

        assert is_inside(wait_for(dialog, timeout_s=PATIENCE_S, what="its dialog"), monitor), f"{dialog()}"
    finally:
        program.stop()


def test_programs_survive_layout_changes_and_stay_reachable(
    left: Viewer, right: Viewer, screen: XDisplay, out: Path, tmp_path: Path
) -> None:
    program = Program(
        ["xterm", "-title", "kept", "-geometry", "40x10+1200+300"],
        log=tmp_path / "log",
        env=screen.environment,
    )

    def kept() -> Window | None:
        return next((window for window in screen.windows() if window.title == "kept"), None)

    try:
        window = wait_for(kept, timeout_s=PATIENCE_S, what="xterm")
        assert is_inside(window, RIGHT)
        windows = programs(screen)
        # The right monitor is turned, then removed.
        set_layout(left, (LEFT, (800, 90, 500, 700)), screen)
        right.assert_equal(screen, out, "monitor-upright", monitor=(800, 90, 500, 700))
        set_layout(left, ALONE, screen)
        wait_for(
            lambda: (now := kept()) is not None and now.x + now.width // 2 < 1280 and now.y < 800,
            timeout_s=PATIENCE_S,
            what=lambda: f"the window to be reachable; it is {kept()}",
        )
        assert windows <= programs(screen)
        left.assert_equal(screen, out, "monitor-alone")
    finally:
        program.stop()


def test_a_window_reports_that_its_monitor_was_removed(left: Viewer, right: Viewer, screen: XDisplay) -> None:
    set_layout(left, ALONE, screen)
    wait_for(lambda: right.connection() == "ended", timeout_s=PATIENCE_S, what=lambda: right.situation())
    assert "This monitor" in right.browser.evaluate(
        "return document.querySelector('.connection-notice').innerText"
    )
    right.click_element(".message-actions .primary")
    right.wait_exact()
    assert right.browser.evaluate("return location.search") == "?monitor=0"


def test_shortcuts_show_another_monitor(left: Viewer, screen: XDisplay, out: Path) -> None:
    def shown() -> Any:
        return left.browser.evaluate("return document.querySelector('canvas[data-monitor]')?.dataset.monitor")

    for digit, monitor, place in (("2", "1", RIGHT), ("1", "0", LEFT)):
        left.browser.key_down("Control")
        left.browser.key_down("Alt")
        left.browser.tap(digit)
        left.browser.key_up("Alt")
        left.browser.key_up("Control")
        wait_for(lambda monitor=monitor: shown() == monitor, timeout_s=PATIENCE_S, what=f"monitor {monitor}")  # type: ignore[misc]
        left.assert_equal(screen, out, f"monitor-key-{digit}", monitor=place)
    assert screen.held() == ([], 0)


def test_the_panel_changes_monitors_and_opens_windows(
    left: Viewer, chromium: Chromium, office: Lightbox, screen: XDisplay, out: Path
) -> None:
    set_layout(left, ALONE, screen)
    left.browser.evaluate("document.querySelector('.tools [aria-label=\"Monitors\"]').click()")
    left.wait_for_element(".monitors-card")
    left.click_element("[data-count] .segment:nth-child(3)")
    for number, size in enumerate(("2048x2560", "2048x2560", "1920x1080")):
        left.browser.evaluate(
            f"const list = document.querySelector('#monitor-size-{number}'); list.value = '{size}';"
            "list.dispatchEvent(new Event('change'))"
        )
    left.browser.screenshot(out / "monitors-panel.png")
    left.click_element('[data-act="apply"]')
    wanted = {(0, 0, 2048, 2560), (2048, 0, 2048, 2560), (4096, 0, 1920, 1080)}
    wait_for(
        lambda: set(read_monitors(screen)) == wanted,
        timeout_s=PATIENCE_S,
        what=lambda: f"{read_monitors(screen)}",
    )
    assert screen.size() == (6016, 2560)
    left.click_element('[data-act="openAll"]')
    windows = opened_by(chromium, 2)
    try:
        for window in windows:
            viewer = Viewer(window, office.url)
            viewer.wait_for_badge("exact", "scaled")
            number = viewer.browser.evaluate(
                "return Number(new URLSearchParams(location.search).get('monitor'))"
            )
            assert viewer.surface().shape == ((2560, 2048, 3), (1080, 1920, 3))[number - 1]
        pictures = "return document.querySelectorAll('.monitor-thumbnail').length"
        wait_for(
            lambda: left.browser.evaluate(pictures) == 3, timeout_s=PATIENCE_S, what="three live pictures"
        )
        left.browser.screenshot(out / "monitors-panel-live.png")
    finally:
        for window in windows:
            window.close()


def test_the_panel_sets_the_size_of_text(left: Viewer, screen: XDisplay) -> None:
    """The size is stored as Xft.dpi. Another test shows that programs follow (`test_text_scale.py`)."""
    for percent, dpi in ((150, 144), (100, 96)):
        left.browser.evaluate("document.querySelector('.tools [aria-label=\"Monitors\"]').click()")
        left.wait_for_element(".monitors-card")
        left.browser.evaluate(
            f"const list = document.querySelector('#monitor-scale'); list.value = '{percent}';"
            "list.dispatchEvent(new Event('change'))"
        )
        left.click_element('[data-act="apply"]')
        wait_for(
            lambda dpi=dpi: f"Xft.dpi:\t{dpi}" in screen.run("xrdb", "-query"),  # type: ignore[misc]
            timeout_s=PATIENCE_S,
            what=lambda dpi=dpi: f"{dpi} dpi; there is {screen.run('xrdb', '-query')}",  # type: ignore[misc]
        )
        assert set(read_monitors(screen)) == set(PAIR), "the monitors must not change"
        left.browser.evaluate("document.querySelector('.monitors [aria-label=\"Close\"]').click()")
    left.wait_exact()


def test_a_monitor_takes_its_windows_size(
    left: Viewer, office: Lightbox, screen: XDisplay, out: Path
) -> None:
    left.browser.resize(1111, 777)
    left.browser.open(f"{office.url}/desktop/{DESKTOP}?fit=window")
    wait_for(
        lambda: (0, 0, 1111, 777) in read_monitors(screen),
        timeout_s=PATIENCE_S,
        what=lambda: f"{read_monitors(screen)}",
    )
    assert (1111, 90, 700, 500) in read_monitors(screen), "the other monitor must move aside"
    left.browser.resize(700, 1000)  # turned upright
    wait_for(
        lambda: (0, 0, 700, 1000) in read_monitors(screen),
        timeout_s=PATIENCE_S,
        what=lambda: f"{read_monitors(screen)}",
    )
    left.assert_equal(screen, out, "monitor-fit", monitor=(0, 0, 700, 1000))


def test_an_impossible_layout_is_refused(left: Viewer, screen: XDisplay) -> None:
    monitor_layout.request_layout(left, DESKTOP, [(0, 0, 30_000, 640)])
    assert set(read_monitors(screen)) == {LEFT, RIGHT}
    left.wait_exact()


@pytest.mark.engines_alike
def test_any_engine_shows_a_second_monitor(
    module_browser: Browser, left: Viewer, office: Lightbox, screen: XDisplay, out: Path
) -> None:
    assert left.url == office.url
    viewer = signed_in(module_browser, office)  # takes the desktop over
    viewer.open_desktop(DESKTOP, monitor=1)
    viewer.assert_equal(screen, out, f"monitor-{module_browser.engine}", monitor=RIGHT)


def test_any_engine_shows_two_side_by_side(
    module_browser: Browser, left: Viewer, office: Lightbox, screen: XDisplay, out: Path
) -> None:
    """Each half is verified separately, and the mouse moves from one to the other."""
    halves: tuple[Place, ...] = ((0, 0, 640, 600), (640, 0, 640, 600))
    assert left.url == office.url
    viewer = signed_in(module_browser, office)
    viewer.browser.open(f"{office.url}/desktop/{DESKTOP}?monitor=0&split=yes")
    viewer.wait_for_badge("exact", "scaled")
    monitor_layout.set_layout(viewer, DESKTOP, halves, screen)
    badge = "return document.querySelector('.pane [data-badge]')?.dataset.state ?? null"
    wait_for(
        lambda: (viewer.badge(), module_browser.evaluate(badge)) == ("exact", "exact"),
        timeout_s=PATIENCE_S,
        what=lambda: f"two exact pictures; {module_browser.evaluate(badge)}; {viewer.situation()}",
    )
    viewer.assert_equal(screen, out, f"beside-{module_browser.engine}", monitor=halves[0])
    pane = "document.querySelector('.pane canvas[data-monitor]')"

    def same() -> bool:
        before = screen.pixels()[:600, 640:1280]
        return bool((viewer.surface(pane) == before).all())

    wait_for(same, timeout_s=PATIENCE_S, what="the other half to equal the X server's pixels")
    module_browser.screenshot(out / f"beside-{module_browser.engine}.png")
    place = module_browser.evaluate(f"const at = {pane}.getBoundingClientRect(); return [at.left, at.top]")
    module_browser.move(place[0] + 200.5, place[1] + 150.5)
    wait_for(
        lambda: screen.pointer() == (840, 150),
        timeout_s=PATIENCE_S,
        what=lambda: f"the pointer in the other half; it is at {screen.pointer()}",
    )
