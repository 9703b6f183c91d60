"""dirty_tiles agrees with a comparison of all pixels, for any size, row stride and damage."""

from __future__ import annotations

import numpy as np
import pytest
from display_codecs import TileGrid
from hypothesis import given
from hypothesis import strategies as st

from display_server.agent.geometry import Rect
from display_server.agent.update.dirty import dirty_tiles, touched_tiles
from tests.examples import examples


@examples(60)
@given(
    width=st.integers(1, 300),
    height=st.integers(1, 200),
    gap=st.integers(0, 3),
    spots=st.lists(st.tuples(st.integers(0, 299), st.integers(0, 199)), max_size=6),
    damage=st.lists(
        st.tuples(st.integers(0, 320), st.integers(0, 220), st.integers(0, 200), st.integers(0, 200)),
        max_size=4,
    ),
)
def test_dirty_tiles_are_those_that_differ_within_damage(
    width: int,
    height: int,
    gap: int,
    spots: list[tuple[int, int]],
    damage: list[tuple[int, int, int, int]],
) -> None:
    grid = TileGrid(width, height)
    before = np.random.default_rng(7).integers(0, 256, (height, width, 4), np.uint8)
    after = np.zeros((height, width + gap, 4), np.uint8)[:, :width]
    after[:] = before
    for x, y in spots:
        after[y % height, x % width, 0] ^= 1
    differs = np.array(
        [(before[y : y + h, x : x + w] != after[y : y + h, x : x + w]).any() for x, y, w, h in _rects(grid)]
    )
    assert np.array_equal(dirty_tiles(before, after, grid, [Rect(0, 0, width, height)]), differs)

    found = dirty_tiles(before, after, grid, [Rect(*rect) for rect in damage])
    assert not (found & ~differs).any()
    for index, (x, y, w, h) in enumerate(_rects(grid)):
        if any(
            x < dx + dw and dx < x + w and y < dy + dh and dy < y + h and dw and dh
            for dx, dy, dw, dh in damage
        ):
            assert found[index] == differs[index]


def _rects(grid: TileGrid) -> list[tuple[int, int, int, int]]:
    return [grid.rect(tile) for tile in range(grid.count)]


def test_without_damage_nothing_is_dirty() -> None:
    grid = TileGrid(640, 480)
    one, other = np.zeros((480, 640, 4), np.uint8), np.ones((480, 640, 4), np.uint8)
    assert not dirty_tiles(one, other, grid, []).any()
    assert dirty_tiles(one, other, grid, [Rect(0, 0, 640, 480)]).all()


@pytest.mark.parametrize(
    ("damage", "count"),
    [([], 0), ([Rect(0, 0, 1, 1)], 1), ([Rect(63, 63, 2, 2)], 4), ([Rect(0, 0, 9999, 9999)], 80)],
)
def test_touched_tiles(damage: list[Rect], count: int) -> None:
    assert len(touched_tiles(TileGrid(640, 480), damage)) == count
