"""The order in which pending tiles are sent."""

from __future__ import annotations

import numpy as np

from display_server.agent.update.priority import WAITED_S, count_nearby, prioritize

COLUMNS, ROWS = 30, 17


def _mask(*boxes: tuple[int, int, int, int]) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    mask = np.zeros((ROWS, COLUMNS), np.bool_)
    for x, y, width, height in boxes:
        mask[y : y + height, x : x + width] = True
    return mask.reshape(-1)


def test_tiles_near_the_pointer_come_first_and_small_regions_before_large_ones() -> None:
    pending = _mask((0, 0, 10, 10), (20, 3, 2, 2), (28, 15, 1, 1))
    waited = np.zeros(pending.size)
    pointer = 9 * COLUMNS + 9
    order = prioritize(pending, COLUMNS, pointer, waited).tolist()
    assert sorted(order) == np.flatnonzero(pending).tolist()
    assert set(order[:4]) == {8 * COLUMNS + 8, 8 * COLUMNS + 9, 9 * COLUMNS + 8, 9 * COLUMNS + 9}
    small = {3 * COLUMNS + 20, 3 * COLUMNS + 21, 4 * COLUMNS + 20, 4 * COLUMNS + 21, 15 * COLUMNS + 28}
    assert set(order[4:9]) == small


def test_tiles_that_waited_too_long_come_first() -> None:
    pending = _mask((0, 0, 10, 10), (20, 3, 2, 2))
    waited = np.zeros(pending.size)
    waited[5], waited[6] = WAITED_S, WAITED_S * 2
    assert prioritize(pending, COLUMNS, None, waited)[:3].tolist() == [6, 5, 3 * COLUMNS + 20]


def test_count_nearby() -> None:
    nearby = count_nearby(_mask((0, 0, 3, 2), (3, 2, 1, 1), (14, 0, 16, 17)), COLUMNS)
    assert nearby[0] == 7
    assert nearby[16 * COLUMNS + 29] == 25
    assert nearby[16 * COLUMNS] == 0


def test_nearby_does_not_wrap_around_the_edges() -> None:
    nearby = count_nearby(_mask((29, 3, 1, 1), (0, 4, 1, 1)), COLUMNS)
    assert nearby[3 * COLUMNS + 29] == nearby[4 * COLUMNS] == 1


def test_without_pending_tiles_the_order_is_empty() -> None:
    assert prioritize(_mask(), COLUMNS, 3, np.zeros(COLUMNS * ROWS)).tolist() == []
