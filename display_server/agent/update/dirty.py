"""Finds the tiles in which a captured frame differs from the shadow, whatever the damage claims."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from display_codecs import TILE_PX, TileGrid
from numpy.typing import NDArray

from display_server.agent.geometry import Frame, Rect


def dirty_tiles(shadow: Frame, frame: Frame, grid: TileGrid, damage: Iterable[Rect]) -> NDArray[np.bool_]:
    """Returns a (rows × columns,) mask of the tiles that `damage` touches and in which the two frames differ.

    Both frames are (height, width, 4) uint8 of the grid's size, with any row stride. Neither is copied. The
    comparison includes the undefined fourth byte of each pixel, so a tile may be dirty although its colours
    are equal; the shadow finds that out. That is cheaper than masking every pixel here: a `memcmp` of the
    same memory takes 1.0, this function 1.8, and `a ^ b` reduced by `|` and masked 2.2 units of time.
    """
    dirty = np.zeros((grid.rows, grid.columns), np.bool_)
    for span in _spans(grid, damage):
        _compare(shadow, frame, grid, dirty, *span)
    return dirty.reshape(-1)


def touched_tiles(grid: TileGrid, damage: Iterable[Rect]) -> NDArray[np.int32]:
    """Returns the numbers of the tiles that `dirty_tiles` would compare, in ascending order."""
    touched = np.zeros((grid.rows, grid.columns), np.bool_)
    for first, last, top, bottom in _spans(grid, damage):
        touched[top:bottom, first:last] = True
    return np.flatnonzero(touched).astype(np.int32)


def _spans(grid: TileGrid, damage: Iterable[Rect]) -> list[tuple[int, int, int, int]]:
    """Returns the damage as spans of tiles: first and last column, first and last row, half-open.

    A row of tiles is compared only once, from the first to the last column that any rectangle touches.
    Adjacent rows with the same columns form one span.
    """
    firsts = [grid.columns] * grid.rows
    lasts = [0] * grid.rows
    for rect in damage:
        if rect.width <= 0 or rect.height <= 0:
            continue
        first, last = max(0, rect.x // TILE_PX), (rect.x + rect.width - 1) // TILE_PX + 1
        top, bottom = max(0, rect.y // TILE_PX), (rect.y + rect.height - 1) // TILE_PX + 1
        for row in range(top, min(grid.rows, bottom)):
            firsts[row] = min(firsts[row], first)
            lasts[row] = max(lasts[row], min(last, grid.columns))
    spans: list[tuple[int, int, int, int]] = []
    for row, (first, last) in enumerate(zip(firsts, lasts, strict=True)):
        if first >= last:
            continue
        if spans and spans[-1][:2] == (first, last) and spans[-1][3] == row:
            spans[-1] = (first, last, spans[-1][2], row + 1)
        else:
            spans.append((first, last, row, row + 1))
    return spans


def _compare(
    shadow: Frame,
    frame: Frame,
    grid: TileGrid,
    dirty: NDArray[np.bool_],
    first: int,
    last: int,
    top: int,
    bottom: int,
) -> None:
    left, right = first * TILE_PX, min(last * TILE_PX, grid.width_px)
    before, after, words_per_tile = _words(shadow[:, left:right], frame[:, left:right])
    # One byte per word, padded with False to whole tiles, so that eight results can be reduced as one
    # integer.
    width = before.shape[1]
    differs = np.zeros((TILE_PX, (last - first) * words_per_tile), np.bool_)
    eights = differs.view(np.uint64)
    for row in range(top, bottom):
        start, end = row * TILE_PX, min((row + 1) * TILE_PX, grid.height_px)
        np.not_equal(before[start:end], after[start:end], out=differs[: end - start, :width])
        reduced = np.bitwise_or.reduce(eights[: end - start], axis=0)
        dirty[row, first:last] = reduced.reshape(last - first, -1).any(axis=1)


def _words(shadow: Frame, frame: Frame) -> tuple[NDArray[np.uint64], NDArray[np.uint64], int]:
    """Returns views of both frames as rows of words, and the number of words per row of a tile.

    Words have 64 bits if the width and the alignment of both frames allow it, else 32.
    """
    for dtype, pixels in ((np.dtype(np.uint64), 2), (np.dtype(np.uint32), 1)):
        if shadow.shape[1] % pixels == 0 and all(
            part.ctypes.data % dtype.itemsize == 0 and part.strides[0] % dtype.itemsize == 0
            for part in (shadow, frame)
        ):
            break
    else:
        raise ValueError("pixels must be aligned to four bytes")

    def view(part: Frame) -> NDArray[np.uint64]:
        return part.view(np.uint32)[:, :, 0].view(dtype)

    return view(shadow), view(frame), TILE_PX // pixels
