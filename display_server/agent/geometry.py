"""Rectangles, and the pixel arrays that they lie in: the vocabulary that capture and update share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

#: Damage is reduced to at most this many rectangles: handling more costs more than the pixels that they
#: spare.
RECTANGLES_MAX = 32

#: Pixels as (height, width, 4) uint8: blue, green, red, undefined. The row stride may exceed width × 4 bytes.
Frame = NDArray[np.uint8]

#: Rectangles as (n, 4) int32: left, top, right, bottom in pixels; right and bottom are exclusive.
Edges = NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Rect:
    """A rectangle in pixels. It covers the columns x … x + width − 1 and the rows y … y + height − 1."""

    x: int
    y: int
    width: int
    height: int


def edges_of(rectangles: Sequence[Rect]) -> Edges:
    """Converts rectangles to an array, for the functions below."""
    flat = [(r.x, r.y, r.x + r.width, r.y + r.height) for r in rectangles]
    return np.array(flat, np.int32).reshape(-1, 4)


def clip(edges: Edges, width_px: int, height_px: int) -> Edges:
    """Clips the rectangles to a screen at the origin, and drops those that lie outside of it."""
    limits = np.array([width_px, height_px, width_px, height_px], np.int32)
    clipped = np.clip(edges, 0, limits)
    return clipped[(clipped[:, 0] < clipped[:, 2]) & (clipped[:, 1] < clipped[:, 3])]


def within(rectangles: Sequence[Rect], area: Rect) -> list[Rect]:
    """Returns the parts of the rectangles that lie in `area`, relative to the top left corner of `area`."""
    x0, y0, x1, y1 = area.x, area.y, area.x + area.width, area.y + area.height
    found = []
    for rect in rectangles:
        left, top = max(rect.x, x0), max(rect.y, y0)
        width, height = min(rect.x + rect.width, x1) - left, min(rect.y + rect.height, y1) - top
        if width > 0 and height > 0:
            found.append(Rect(left - x0, top - y0, width, height))
    return found


def intersects(some: Edges, others: Edges) -> bool:
    """Returns whether any rectangle of one list shares a pixel with any rectangle of the other."""
    if not len(some) or not len(others):
        return False
    starts = np.maximum(some[:, None, :2], others[None, :, :2])
    ends = np.minimum(some[:, None, 2:], others[None, :, 2:])
    return bool((starts < ends).all(axis=2).any())


def coalesce(edges: Edges, height_px: int, limit: int = RECTANGLES_MAX) -> list[Rect]:
    """Returns at most `limit` rectangles that cover all of `edges`.

    Up to `limit` rectangles stay as they are. More than that are merged into one rectangle per horizontal
    band of the screen, which is `height_px` high. Bands are cheap to compute, and they fit the usual cause of
    many rectangles: lines of text.
    """
    if len(edges) > limit:
        edges = _merge_by_band(edges, -(-height_px // limit))
    return [Rect(x0, y0, x1 - x0, y1 - y0) for x0, y0, x1, y1 in edges.tolist()]


def _merge_by_band(edges: Edges, band_px: int) -> Edges:
    first, last = edges[:, 1] // band_px, (edges[:, 3] - 1) // band_px
    # A rectangle that reaches over several bands is counted in each of them.
    spans = last - first + 1
    owner = np.repeat(np.arange(len(edges)), spans)
    band = first[owner] + np.arange(len(owner)) - np.repeat(np.cumsum(spans) - spans, spans)
    count = int(band.max()) + 1
    result = np.empty((count, 4), np.int32)
    result[:, :2], result[:, 2:] = np.iinfo(np.int32).max, 0
    np.minimum.at(result[:, 0], band, edges[owner, 0])
    np.maximum.at(result[:, 2], band, edges[owner, 2])
    np.minimum.at(result[:, 1], band, np.maximum(edges[owner, 1], band * band_px))
    np.maximum.at(result[:, 3], band, np.minimum(edges[owner, 3], (band + 1) * band_px))
    return result[result[:, 2] > 0]
