"""Arithmetic of rectangles, compared with masks of pixels."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from display_server.agent.geometry import RECTANGLES_MAX, Rect, clip, coalesce, edges_of, intersects, within

WIDTH_PX, HEIGHT_PX = 200, 150

rectangles = st.builds(
    Rect, st.integers(0, WIDTH_PX - 1), st.integers(0, HEIGHT_PX - 1), st.integers(1, 60), st.integers(1, 60)
)


def covered(rects: list[Rect]) -> NDArray[np.bool_]:
    mask = np.zeros((HEIGHT_PX, WIDTH_PX), np.bool_)
    for r in rects:
        mask[r.y : r.y + r.height, r.x : r.x + r.width] = True
    return mask


def on_screen(rects: list[Rect]) -> list[Rect]:
    return [Rect(x0, y0, x1 - x0, y1 - y0) for x0, y0, x1, y1 in clip(edges_of(rects), WIDTH_PX, HEIGHT_PX)]


@given(st.lists(rectangles, max_size=120))
def test_coalesced_rectangles_are_few_and_cover_all_others(rects: list[Rect]) -> None:
    coalesced = coalesce(clip(edges_of(rects), WIDTH_PX, HEIGHT_PX), HEIGHT_PX)
    assert len(coalesced) <= RECTANGLES_MAX
    assert not (covered(rects) & ~covered(coalesced)).any()
    assert coalesced == on_screen(coalesced)


@given(st.lists(rectangles, max_size=RECTANGLES_MAX))
def test_up_to_the_limit_rectangles_are_not_merged(rects: list[Rect]) -> None:
    clipped = on_screen(rects)
    assert coalesce(edges_of(clipped), HEIGHT_PX) == clipped


@given(st.lists(rectangles, max_size=8), st.lists(rectangles, max_size=8))
def test_intersects_agrees_with_pixels(some: list[Rect], others: list[Rect]) -> None:
    some, others = on_screen(some), on_screen(others)
    assert intersects(edges_of(some), edges_of(others)) == bool((covered(some) & covered(others)).any())


@pytest.mark.parametrize(
    ("rect", "expected"),
    [
        (Rect(-5, -5, 10, 10), [Rect(0, 0, 5, 5)]),
        (Rect(190, 140, 50, 50), [Rect(190, 140, 10, 10)]),
        (Rect(300, 10, 5, 5), []),
    ],
)
def test_clipped_rectangles_lie_on_the_screen(rect: Rect, expected: list[Rect]) -> None:
    assert on_screen([rect]) == expected


@given(st.lists(rectangles, max_size=8), rectangles)
def test_within_returns_all_areas_in_an_area_and_nothing_else(damage: list[Rect], area: Rect) -> None:
    painted = np.zeros((area.height, area.width), np.bool_)
    for rect in within(damage, area):
        assert min(rect.x, rect.y) >= 0
        assert rect.x + rect.width <= area.width
        assert rect.y + rect.height <= area.height
        painted[rect.y : rect.y + rect.height, rect.x : rect.x + rect.width] = True
    screen = np.zeros((HEIGHT_PX + 60, WIDTH_PX + 60), np.bool_)
    for rect in damage:
        screen[rect.y : rect.y + rect.height, rect.x : rect.x + rect.width] = True
    mine = screen[area.y : area.y + area.height, area.x : area.x + area.width]
    assert np.array_equal(painted, mine)
