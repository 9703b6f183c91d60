"""Orders pending tiles by urgency: those near the pointer, then small regions, then the rest."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Tiles = NDArray[np.int32]
Mask = NDArray[np.bool_]

#: A tile that waited this long, in seconds, precedes all others, so that motion elsewhere cannot starve it.
WAITED_S = 0.5
#: A tile with at most this many pending tiles nearby belongs to a small region: a menu, a caret, a toolbar.
SMALL_TILES = 16
#: How far "nearby" reaches from a tile to each side, in tiles.
NEARBY_TILES = 4


def prioritize(pending: Mask, columns: int, pointer_tile: int | None, waited_s: NDArray[np.float64]) -> Tiles:
    """Returns the numbers of the pending tiles, most urgent first.

    `pending` and `waited_s` have one entry per tile of the grid; `waited_s` is how long the tile has been
    pending. `pointer_tile` is the tile under the pointer, or None while the pointer is elsewhere.
    """
    tiles = np.flatnonzero(pending).astype(np.int32)
    rows_of, columns_of = np.divmod(tiles, columns)
    if pointer_tile is None:
        distance = np.full(len(tiles), columns)
    else:
        row, column = divmod(pointer_tile, columns)
        distance = np.maximum(np.abs(rows_of - row), np.abs(columns_of - column)).astype(np.int64)
    nearby = count_nearby(pending, columns)[tiles]
    urgency = np.full(len(tiles), 3)
    urgency[nearby <= SMALL_TILES] = 2
    urgency[distance <= 1] = 1
    waited = waited_s[tiles] >= WAITED_S
    urgency[waited] = 0
    # Within a class, the longest waiting tile comes first, then the nearest to the pointer, then reading
    # order.
    age = np.where(waited, -waited_s[tiles], 0.0)
    return tiles[np.lexsort((tiles, distance, age, urgency))]


def count_nearby(pending: Mask, columns: int) -> NDArray[np.int64]:
    """Returns, per tile of the grid, how many tiles nearby are pending, the tile itself included.

    This number tells whether a tile belongs to a small region: a corner of a large one still counts 25. The
    true size of each region was rejected, because it takes a Python step per tile, or an unbounded number of
    numpy passes.
    """
    mask = pending.reshape(-1, columns)
    rows = mask.shape[0]
    reach = 2 * NEARBY_TILES + 1
    sums = np.zeros((rows + reach, columns + reach), np.int64)
    sums[NEARBY_TILES + 1 : NEARBY_TILES + 1 + rows, NEARBY_TILES + 1 : NEARBY_TILES + 1 + columns] = mask
    sums = sums.cumsum(axis=0).cumsum(axis=1)
    counts = sums[reach:, reach:] - sums[:-reach, reach:] - sums[reach:, :-reach] + sums[:-reach, :-reach]
    return counts.reshape(-1)
