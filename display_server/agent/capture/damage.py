"""XDamage as a feed of rectangles: what may have changed, fetched when the consumer is ready for it.

The server collects the damage of the whole screen and says once that there is some (`NonEmpty`). Fetching
it empties the server's collection first, so that whatever is drawn while we read pixels is told again.
Rejected: `RawRectangles`, an event per drawing operation, which a program that draws 100 000 glyphs a second
turns into as many Python calls; `DeltaRectangles`, which loses what is drawn twice between a report and our
answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import numpy as np
import xcffib.damage
import xcffib.xfixes
from numpy.typing import NDArray

from display_server.agent.capture.frame_source import Rect
from display_server.desktop.x11.x_connection import XConnection
from display_server.errors import CaptureError

#: More rectangles than this cost the consumer more than the pixels they spare.
RECTANGLES_MAX = 32
#: A reply is 32 bytes of head, then x, y (i16), width, height (u16) of each rectangle.
_REPLY_HEAD = 32

#: (n, 4) of left, top, right, bottom in pixels, half-open.
Edges = NDArray[np.int32]


class DamageFeed:
    """Damage of the root window with everything in it. Uses the events of `connection`."""

    def __init__(self, connection: XConnection, width_px: int, height_px: int) -> None:
        """Raises CaptureError when the server lacks an extension."""
        self._connection = connection
        self._width, self._height = width_px, height_px
        self._pending: list[Rect] = [Rect(0, 0, width_px, height_px)]
        self._told = False  # the server says that it has damage which we have not fetched
        self._news = asyncio.Event()
        self._fixes = connection.extension(xcffib.xfixes, "XFIXES")
        self._extension = connection.extension(xcffib.damage, "DAMAGE")
        self._fixes.QueryVersion(5, 0).reply()
        self._extension.QueryVersion(1, 1).reply()
        self._damage = connection.x.generate_id()
        self._region = connection.x.generate_id()
        self._fixes.CreateRegion(self._region, 0, [])
        self._extension.Create(self._damage, connection.root, xcffib.damage.ReportLevel.NonEmpty)

    def resize(self, width_px: int, height_px: int) -> None:
        """The screen has this size now; all of it is to be looked at."""
        self._width, self._height = width_px, height_px
        self._pending = [Rect(0, 0, width_px, height_px)]
        self._news.set()

    def on_event(self, event: object) -> None:
        """Takes the connection's events; those of others are ignored."""
        if isinstance(event, xcffib.damage.NotifyEvent):
            self._told = True
            self._news.set()

    def on_lost(self) -> None:
        self._news.set()

    async def wait(self) -> None:
        """Returns when there is something to take. Raises CaptureError when the server is gone."""
        while True:
            self._connection.alive()
            if self._told:
                await self._fetch()
            if self._pending:
                return
            self._news.clear()
            if not self._told:
                await self._news.wait()

    def take(self) -> list[Rect]:
        taken, self._pending = self._pending, []
        return taken

    async def disturbed(self, damage: Sequence[Rect]) -> bool:
        """Whether the server drew within `damage` since it was fetched. One round trip."""
        if not damage:
            return False
        fresh = await self._fetch()
        return intersects(fresh, edges_of(damage))

    async def _fetch(self) -> Edges:
        """Moves the server's damage to ours, and returns it. A cancelled fetch loses nothing."""
        self._told = False
        with self._connection.requests():
            self._extension.Subtract(self._damage, 0, self._region)
            cookie = self._fixes.FetchRegion(self._region)
        collected: list[Edges] = []
        # runs even if the waiting task was cancelled: then the rectangles wait in `_pending`
        await self._connection.round_trip(lambda: collected.append(self._collect(cookie.sequence)))
        return collected[0]

    def _collect(self, sequence: int) -> Edges:
        # xcffib would make an object of each rectangle, and a page of text has thousands
        try:
            reply = bytes(self._connection.x.wait_for_reply(sequence).buf)
        except xcffib.XcffibException as error:
            raise CaptureError(f"The X server took back its damage: {error!r}") from error
        rectangles = np.frombuffer(reply, np.int16, offset=_REPLY_HEAD).reshape(-1, 4).astype(np.int32)
        rectangles[:, 2:] &= 0xFFFF
        rectangles[:, 2:] += rectangles[:, :2]
        clipped = clip(rectangles, self._width, self._height)
        if len(clipped):
            both = np.concatenate([edges_of(self._pending), clipped])
            self._pending = coalesce(both, self._height)
            self._news.set()
        return clipped


def edges_of(rectangles: Sequence[Rect]) -> Edges:
    flat = [(r.x, r.y, r.x + r.width, r.y + r.height) for r in rectangles]
    return np.array(flat, np.int32).reshape(-1, 4)


def clip(edges: Edges, width_px: int, height_px: int) -> Edges:
    """Those parts that lie on the screen; empty ones are dropped."""
    limits = np.array([width_px, height_px, width_px, height_px], np.int32)
    clipped = np.clip(edges, 0, limits)
    return clipped[(clipped[:, 0] < clipped[:, 2]) & (clipped[:, 1] < clipped[:, 3])]


def within(rectangles: Sequence[Rect], part: Rect) -> list[Rect]:
    """What of them lies in `part`, in its coordinates."""
    x0, y0, x1, y1 = part.x, part.y, part.x + part.width, part.y + part.height
    found = []
    for rect in rectangles:
        left, top = max(rect.x, x0), max(rect.y, y0)
        width, height = min(rect.x + rect.width, x1) - left, min(rect.y + rect.height, y1) - top
        if width > 0 and height > 0:
            found.append(Rect(left - x0, top - y0, width, height))
    return found


def intersects(some: Edges, others: Edges) -> bool:
    """Whether any rectangle of one touches any of the other in at least one pixel."""
    if not len(some) or not len(others):
        return False
    starts = np.maximum(some[:, None, :2], others[None, :, :2])
    ends = np.minimum(some[:, None, 2:], others[None, :, 2:])
    return bool((starts < ends).all(axis=2).any())


def coalesce(edges: Edges, height_px: int, limit: int = RECTANGLES_MAX) -> list[Rect]:
    """At most `limit` rectangles that cover `edges`.

    Many rectangles become one per horizontal band: cheap, and what makes many is text, which fills lines.
    """
    if len(edges) > limit:
        edges = _banded(edges, -(-height_px // limit))
    return [Rect(x0, y0, x1 - x0, y1 - y0) for x0, y0, x1, y1 in edges.tolist()]


def _banded(edges: Edges, band_px: int) -> Edges:
    first, last = edges[:, 1] // band_px, (edges[:, 3] - 1) // band_px
    # A rectangle that reaches over several bands counts in each of them.
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
