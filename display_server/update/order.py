"""What goes first when not everything fits: under the pointer, then small regions, then what waited, then the rest."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Tiles = NDArray[np.int32]
Mask = NDArray[np.bool_]

#: A tile that waited so long goes before everything else: motion elsewhere must not starve it, s.
WAITED_S = 0.5
#: Regions up to so many tiles are small: a menu, a caret, a toolbar.
SMALL_TILES = 16
#: Rounds in which a region's size spreads; small regions need no more.
_SPREAD = 6


def in_order(pending: Mask, columns: int, pointer_tile: int | None, waited_s: NDArray[np.float64]) -> Tiles:
    """The numbers of the pending tiles, most urgent first. `waited_s` is per tile of the grid."""
    tiles = np.flatnonzero(pending).astype(np.int32)
    rows_of, columns_of = np.divmod(tiles, columns)
    if pointer_tile is None:
        distance = np.zeros(len(tiles), np.int64)
    else:
        row, column = divmod(pointer_tile, columns)
        distance = np.maximum(np.abs(rows_of - row), np.abs(columns_of - column)).astype(np.int64)
    size = region_sizes(pending, columns)[tiles]
    urgency = np.full(len(tiles), 3)
    urgency[size <= SMALL_TILES] = 2
    urgency[distance <= 1] = 1
    waited = waited_s[tiles] >= WAITED_S
    urgency[waited] = 0
    # Within a class: the longest waiting, the nearest, then reading order.
    age = np.where(waited, -waited_s[tiles], 0.0)
    return tiles[np.lexsort((tiles, distance, age, urgency))]


def region_sizes(pending: Mask, columns: int) -> NDArray[np.int64]:
    """Per tile of the grid: about how many pending tiles its region has, exact for small compact ones.

    Labels spread to the eight neighbours for a few rounds; a region too wide for them counts in pieces, which the
    bound of `SMALL_TILES` puts right for all but thin lines. Rejected: a flood fill, a Python step per tile.
    """
    mask = pending.reshape(-1, columns)
    labels = np.where(mask, np.arange(1, mask.size + 1).reshape(mask.shape), 0)
    for _ in range(_SPREAD):
        padded = np.pad(labels, 1)
        spread = labels
        for dy in (0, 1, 2):
            for dx in (0, 1, 2):
                spread = np.maximum(spread, padded[dy : dy + mask.shape[0], dx : dx + mask.shape[1]])
        spread = np.where(mask, spread, 0)
        if (spread == labels).all():
            break
        labels = spread
    counts = np.bincount(labels.reshape(-1), minlength=mask.size + 1)
    counts[0] = 0
    return counts[labels.reshape(-1)]
