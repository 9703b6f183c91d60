"""The sample studies of the radiology desktop, opened from its file manager."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.e2e.desktop_layout import programs
from tests.e2e.processes import wait_for
from tests.e2e.viewer import PATIENCE_S, Viewer
from tests.e2e.x_desktop.display import Window, XDisplay

VIEWER_CLASS, FILES_CLASS = "lightbox-dicom-viewer", "pcmanfm"
#: The second starter of the taskbar, the file manager: distance from the left edge of the panel, px.
FILES_STARTER_PX = 54
#: Distance from the lower edge of the screen to the middle of the panel, px.
PANEL_MIDDLE_PX = 20
#: What surrounds the icons in a window of the file manager: places at the left, tools above, a line below.
PLACES_PX, TOOLS_PX, LINE_PX = 160, 70, 30
#: Height of an icon, px. Below it is its name, which may reach further to both sides.
ICON_PX = 40
#: The icons are complete when they did not change for this long, s.
DRAWN_S = 0.5
#: Folder of the sample studies, the last one of a home by name.
STUDIES = "Studies"
#: The patient of one study, and its position in that folder by name.
PATIENT, POSITION = "CQ500-CT-310", 1


@pytest.fixture
def files(chromium_viewer: Viewer, display: XDisplay) -> Iterator[Window]:
    """The file manager, started from the taskbar beside the running DICOM viewer."""
    viewer = chromium_viewer
    viewer.open_desktop("radiology")
    wait_for(lambda: of_class(display, VIEWER_CLASS), timeout_s=PATIENCE_S, what="the DICOM viewer")
    viewer.click((FILES_STARTER_PX, display.size()[1] - PANEL_MIDDLE_PX))
    [window] = wait_for(
        lambda: of_class(display, FILES_CLASS),
        timeout_s=PATIENCE_S,
        what=lambda: f"a file manager; there are {programs(display)}",
    )
    yield window
    display.run("xdotool", "windowclose", str(window.id))


def of_class(display: XDisplay, name: str) -> list[Window]:
    """Returns the windows of a program, without the desktop's background."""
    return [w for w in programs(display) if f'"{name}"' in display.run("xprop", "-id", str(w.id), "WM_CLASS")]


def icons(display: XDisplay, window: Window) -> list[tuple[int, int]]:
    """Returns the middles of the icons in the first row that a file manager shows, from left to right."""
    # The window manager gives the window its place only after it has appeared.
    window = next(found for found in display.windows() if found.id == window.id)
    left, top = window.x + PLACES_PX, window.y + TOOLS_PX
    view = display.pixels()[top : window.y + window.height - LINE_PX, left : window.x + window.width - 20]
    marks = (view != view[-1, -1]).any(axis=2)
    rows = np.flatnonzero(marks.any(axis=1))
    if not rows.size:
        return []
    columns = np.flatnonzero(marks[rows[0] : rows[0] + ICON_PX].any(axis=0))
    parts = np.split(columns, np.flatnonzero(np.diff(columns) > ICON_PX // 4) + 1)
    return [(left + int(part.mean()), top + int(rows[0]) + ICON_PX // 2) for part in parts]


def open_icon(viewer: Viewer, display: XDisplay, window: Window, position: int) -> None:
    """Double-clicks an icon as soon as the file manager has drawn all of them. -1 is the last one."""

    def drawn() -> list[tuple[int, int]]:
        before = icons(display, window)
        time.sleep(DRAWN_S)
        return before if before == icons(display, window) else []

    found = wait_for(drawn, timeout_s=PATIENCE_S, what="icons in the file manager")
    viewer.click(found[position], count=2)


def wait_for_title(display: XDisplay, window: Window, part: str) -> None:
    wait_for(
        lambda: any(w.id == window.id and part in w.title for w in display.windows()),
        timeout_s=PATIENCE_S,
        what=lambda: f"{part!r} in the title of {window}; there are {programs(display)}",
    )


def test_a_double_click_opens_a_study_in_the_running_viewer(
    chromium_viewer: Viewer, display: XDisplay, files: Window, out: Path
) -> None:
    [before] = of_class(display, VIEWER_CLASS)
    assert PATIENT not in before.title
    others = {window.id for window in programs(display)}
    chromium_viewer.browser.screenshot(out / "files-home.png")
    open_icon(chromium_viewer, display, files, -1)
    wait_for_title(display, files, STUDIES)
    chromium_viewer.browser.screenshot(out / "files-studies.png")
    open_icon(chromium_viewer, display, files, POSITION)
    wait_for_title(display, files, "Head CT")
    open_icon(chromium_viewer, display, files, 0)
    wait_for_title(display, before, PATIENT)
    wait_for(
        lambda: [number for number in display.stacked() if number in others][-1] == before.id,
        timeout_s=PATIENCE_S,
        what="the viewer in front of the file manager",
    )
    assert {window.id for window in programs(display)} == others, "nothing was asked, and no window opened"
    chromium_viewer.assert_equal(display, out, "study-opened")
    chromium_viewer.browser.screenshot(out / "study-opened.png")
