"""The rules of monitor layouts, and windows that a new layout leaves out of reach."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from display_server.desktop.x11.monitors import (
    HEIGHT_MIN,
    REACH_PX,
    WIDTH_MIN,
    Monitor,
    bounding_size,
    normalise_layout,
    reachable_position,
)
from display_server.errors import LayoutError
from display_server.protocol.limits import MONITORS_MAX

SCREEN_MAX = 8192, 4320
any_monitor = st.builds(
    Monitor,
    id=st.integers(0, 7),
    x=st.integers(-4000, 4000),
    y=st.integers(-4000, 4000),
    width=st.integers(1, 4000),
    height=st.integers(1, 4000),
    primary=st.booleans(),
)


@st.composite
def rows(draw: st.DrawFn) -> list[Monitor]:
    """Generates monitors side by side that do not overlap, at any position."""
    x, monitors = draw(st.integers(-3000, 3000)), []
    for number in range(draw(st.integers(1, MONITORS_MAX))):
        width, height = draw(st.integers(WIDTH_MIN, 1300)), draw(st.integers(HEIGHT_MIN, 2000))
        monitors.append(Monitor(number, x, draw(st.integers(-1000, 1000)), width, height))
        x += width + draw(st.integers(0, 50))
    return draw(st.permutations(monitors))


@given(st.lists(any_monitor, max_size=8))
def test_an_accepted_layout_keeps_every_rule(wanted: list[Monitor]) -> None:
    try:
        monitors = normalise_layout(wanted, SCREEN_MAX)
    except LayoutError:
        return
    assert [monitor.id for monitor in monitors] == sorted(monitor.id for monitor in wanted)
    assert monitors[0].id == 0
    assert len(monitors) <= MONITORS_MAX
    assert sum(monitor.primary for monitor in monitors) == 1
    assert not any(a.overlap_px(b) for a in monitors for b in monitors if a is not b)
    assert min(monitor.x for monitor in monitors) == min(monitor.y for monitor in monitors) == 0
    assert all(size <= most for size, most in zip(bounding_size(monitors), SCREEN_MAX, strict=True))
    assert all(monitor.width >= WIDTH_MIN and monitor.height >= HEIGHT_MIN for monitor in monitors)


@given(rows())
def test_any_row_of_monitors_is_accepted_unchanged(wanted: list[Monitor]) -> None:
    monitors = normalise_layout(wanted, (32_767, 32_767))
    by_number = {monitor.id: monitor for monitor in wanted}
    shift = monitors[0].x - by_number[0].x, monitors[0].y - by_number[0].y
    for monitor in monitors:
        before = by_number[monitor.id]
        assert (monitor.x - before.x, monitor.y - before.y) == shift
        assert (monitor.width, monitor.height) == (before.width, before.height)


@pytest.mark.parametrize(
    ("wanted", "error"),
    [
        ([], "1 to 6"),
        ([Monitor(1, 0, 0, 800, 600)], "0 is one of them"),
        ([Monitor(0, 0, 0, 800, 600), Monitor(0, 800, 0, 800, 600)], "each once"),
        ([Monitor(0, 0, 0, 800, 600), Monitor(1, 799, 599, 800, 600)], "overlap"),
        ([Monitor(0, 0, 0, 319, 600)], "320×200"),
        ([Monitor(0, 0, 0, 4096, 600), Monitor(1, 4097, 0, 4096, 600)], "8193×600"),
        ([Monitor(0, 0, 0, 800, 600, True), Monitor(1, 800, 0, 800, 600, True)], "primary"),
    ],
)
def test_an_invalid_layout_is_refused_with_its_reason(wanted: list[Monitor], error: str) -> None:
    with pytest.raises(LayoutError, match=error):
        normalise_layout(wanted, SCREEN_MAX)


@given(
    window=st.tuples(
        st.integers(-9000, 9000), st.integers(-9000, 9000), st.integers(1, 3000), st.integers(1, 3000)
    ),
    row=rows(),
)
def test_windows_move_into_reach(window: tuple[int, int, int, int], row: list[Monitor]) -> None:
    monitors = normalise_layout(row, (32_767, 32_767))
    position = reachable_position(window, monitors)
    if position is None:
        return
    assert reachable_position((*position, *window[2:]), monitors) is None
    corner = Monitor(9, *position, min(window[2], REACH_PX), 1)
    assert any(corner.overlap_px(monitor) for monitor in monitors)


def test_windows_within_reach_do_not_move() -> None:
    two = normalise_layout([Monitor(0, 0, 0, 800, 600), Monitor(1, 800, 0, 800, 600)], SCREEN_MAX)
    assert reachable_position((700, 100, 300, 200), two) is None
    assert reachable_position((1550, 100, 300, 200), two) == (1300, 100)
    assert reachable_position((100, 700, 300, 200), two) == (100, 400)
    assert reachable_position((2000, -90, 3000, 2000), two) == (800, 0)
