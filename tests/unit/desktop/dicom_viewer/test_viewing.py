"""Gestures: scrolling, window, scale, and which series is shown."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from display_server.desktop.dicom_viewer.grey_scale import GreyFrame, LookupTable, Window
from display_server.desktop.dicom_viewer.series import Series, Slice
from display_server.desktop.dicom_viewer.viewing import Viewing, window_of

VALUES = np.arange(256, dtype=np.float64)


def stack(count: int, name: str = "a") -> Series:
    slices = tuple(Slice(Path(f"/{name}/{number}.dcm"), 0) for number in range(count))
    return Series(name, Path(f"/{name}"), "", "", "", "", slices)


def grey(voi: Window | LookupTable) -> GreyFrame:
    return GreyFrame(np.zeros((4, 4), np.uint8), 0, VALUES, inverted=False, voi=voi)


@pytest.fixture
def viewing() -> Viewing:
    found = Viewing()
    found.set_series([stack(60), stack(1, "b")])
    return found


def test_a_large_stack_opens_in_its_middle(viewing: Viewing) -> None:
    assert viewing.index == 30


def test_scrolling_stops_at_both_ends(viewing: Viewing) -> None:
    viewing.scroll(-1000)
    assert viewing.index == 0
    viewing.scroll(1000)
    assert viewing.index == 59


def test_a_drag_over_the_area_visits_every_slice(viewing: Viewing) -> None:
    viewing.scroll(-1000)
    viewing.begin_drag()
    visited = set()
    for y in range(801):
        viewing.drag_scroll(y, 800)
        visited.add(viewing.index)
    assert visited == set(range(60))


def test_a_drag_never_collapses_the_window(viewing: Viewing) -> None:
    viewing.begin_drag()
    viewing.drag_window(-200, 0, grey(Window(50, 100)))
    assert viewing.window is not None
    assert 40 < viewing.window.width < 60
    viewing.drag_window(-100_000, 0, grey(Window(50, 100)))
    assert viewing.window.width == 1


def test_another_series_has_its_own_window_again(viewing: Viewing) -> None:
    viewing.begin_drag()
    viewing.drag_window(50, 50, grey(Window(50, 100)))
    viewing.select(1)
    assert viewing.window is None
    assert viewing.index == 0


def test_a_new_list_keeps_what_is_shown(viewing: Viewing) -> None:
    viewing.scroll(5)
    viewing.set_series([stack(1, "0"), stack(60), stack(1, "b")])
    assert viewing.current is not None
    assert (viewing.current.uid, viewing.index) == ("a", 35)


def test_an_opened_file_is_shown(viewing: Viewing) -> None:
    viewing.set_series(viewing.series, show=Path("/a/7.dcm"))
    assert (viewing.selected, viewing.index) == (0, 7)


def test_an_empty_list_shows_nothing() -> None:
    viewing = Viewing()
    viewing.set_series([])
    viewing.scroll(1)
    assert viewing.slice is None


def test_the_window_of_a_lookup_table_covers_its_slope() -> None:
    entries = np.clip((np.arange(256) - 100) * 5, 0, 255).astype(np.uint16)
    window = window_of(grey(LookupTable(0, entries, 8)))
    assert 100 <= window.centre - window.width / 2 < window.centre + window.width / 2 <= 152
