"""The rectangle of tiles that is in motion."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from display_server.agent.motion.region import COLUMNS_MIN, Region, largest_region

COLUMNS, ROWS = 30, 17


def mask(*boxes: tuple[int, int, int, int]) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    grid = np.zeros((ROWS, COLUMNS), np.bool_)
    for column, row, columns, rows in boxes:
        grid[row : row + rows, column : column + columns] = True
    return grid.ravel()


def test_without_hot_tiles_there_is_no_region() -> None:
    assert largest_region(mask(), COLUMNS) is None


def test_a_box_is_found_as_it_is() -> None:
    assert largest_region(mask((3, 2, 16, 10)), COLUMNS) == Region(3, 2, 16, 10)


def test_the_larger_of_two_boxes_is_chosen() -> None:
    """A clock in the corner does not make the whole screen a video."""
    assert largest_region(mask((2, 3, 12, 9), (28, 0, 2, 1)), COLUMNS) == Region(2, 3, 12, 9)


def test_a_region_is_wide_enough_for_its_number() -> None:
    for column in range(COLUMNS):
        region = largest_region(mask((column, 0, 1, 9)), COLUMNS)
        assert region is not None
        # The last column may be a narrow one, so it does not count.
        assert min(region.column + region.columns, COLUMNS - 1) - region.column >= COLUMNS_MIN
        assert region.contains(Region(column, 0, 1, 9))


@given(st.lists(st.booleans(), min_size=COLUMNS * ROWS, max_size=COLUMNS * ROWS))
def test_any_mask_gives_a_region_within_the_monitor_with_hot_tiles(bits: list[bool]) -> None:
    hot = np.array(bits, np.bool_)
    region = largest_region(hot, COLUMNS)
    if region is None:
        assert not hot.any()
        return
    tiles = region.tiles(COLUMNS)
    assert len(tiles) == region.count
    assert tiles.min() >= 0
    assert tiles.max() < COLUMNS * ROWS
    assert hot[tiles].any()


def test_the_rectangle_ends_at_the_edge_of_the_monitor() -> None:
    assert Region(26, 14, 4, 3).rectangle_px(1900, 1080) == (1664, 896, 236, 184)
