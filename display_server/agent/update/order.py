"""What goes first when not everything fits: under the pointer, then small regions, then the rest."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Tiles = NDArray[np.int32]
Mask = NDArray[np.bool_]

#: A tile that waited so long goes before everything else: motion elsewhere must not starve it, s.
WAITED_S = 0.5
#: Regions up to so many tiles are small: a menu, a caret, a toolbar.
SMALL_TILES = 16
#: What is around a tile: so many tiles to each side.
NEAR_TILES = 4


def in_order(pending: Mask, columns: int, pointer_tile: int | None, waited_s: NDArray[np.float64]) -> Tiles:
    """The numbers of the pending tiles, most urgent first. `waited_s` is per tile of the grid."""
    tiles = np.flatnonzero(pending).astype(np.int32)
    rows_of, columns_of = np.divmod(tiles, columns)
    if pointer_tile is None:
        distance = np.full(len(tiles), columns)
    else:
        row, column = divmod(pointer_tile, columns)
        distance = np.maximum(np.abs(rows_of - row), np.abs(columns_of - column)).astype(np.int64)
    around = crowd(pending, columns)[tiles]
    urgency = np.full(len(tiles), 3)
    urgency[around <= SMALL_TILES] = 2
    urgency[distance <= 1] = 1
    waited = waited_s[tiles] >= WAITED_S
    urgency[waited] = 0
    # Within a class: the longest waiting, the nearest, then reading order.
    age = np.where(waited, -waited_s[tiles], 0.0)
    return tiles[np.lexsort((tiles, distance, age, urgency))]


def crowd(pending: Mask, columns: int) -> NDArray[np.int64]:
    """Per tile of the grid: how many are pending around it, itself included, `NEAR_TILES` each way.

    Says whether a tile belongs to something small: even at the corner of something large there are 25.
    Rejected: the true size of each region, which takes a Python step per tile, or numpy rounds without bound.
    """
    mask = pending.reshape(-1, columns)
    rows = mask.shape[0]
    reach = 2 * NEAR_TILES + 1
    sums = np.zeros((rows + reach, columns + reach), np.int64)
    sums[NEAR_TILES + 1 : NEAR_TILES + 1 + rows, NEAR_TILES + 1 : NEAR_TILES + 1 + columns] = mask
    sums = sums.cumsum(axis=0).cumsum(axis=1)
    counts = sums[reach:, reach:] - sums[:-reach, reach:] - sums[reach:, :-reach] + sums[:-reach, :-reach]
    return counts.reshape(-1)
