"""Turns the XDamage extension into a list of rectangles that the consumer fetches when it is ready for them.

The X server collects the damage of the whole screen, and sends one event when its collection becomes
non-empty (report level `NonEmpty`). Fetching the collection empties it first, so whatever is drawn while we
read the pixels is reported again. Two other report levels were rejected. `RawRectangles` sends an event per
drawing operation, so a program that draws 100 000 glyphs per second would cause as many Python calls.
`DeltaRectangles` does not report an area again that is drawn a second time before we have fetched it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import numpy as np
import xcffib.damage
import xcffib.xfixes

from display_server.agent.geometry import Edges, Rect, clip, coalesce, edges_of, intersects
from display_server.desktop.x11.x_connection import XConnection
from display_server.errors import CaptureError

#: Bytes of a FetchRegion reply before its rectangles, which are x, y (i16), width, height (u16) each.
_REPLY_HEAD_BYTES = 32


class DamageFeed:
    """Collects the damage of the root window and all its children. Needs the events of `connection`."""

    def __init__(self, connection: XConnection, width_px: int, height_px: int) -> None:
        """Raises CaptureError when the X server lacks XFIXES or DAMAGE."""
        self._connection = connection
        self._width, self._height = width_px, height_px
        self._pending: list[Rect] = [Rect(0, 0, width_px, height_px)]
        self._server_has_damage = False  # the server reported damage that was not fetched yet
        self._changed = asyncio.Event()  # one of the above changed, or the connection was lost
        self._fixes = connection.extension(xcffib.xfixes, "XFIXES")
        self._extension = connection.extension(xcffib.damage, "DAMAGE")
        self._fixes.QueryVersion(5, 0).reply()
        self._extension.QueryVersion(1, 1).reply()
        self._damage = connection.x.generate_id()
        self._region = connection.x.generate_id()
        self._fixes.CreateRegion(self._region, 0, [])
        self._extension.Create(self._damage, connection.root, xcffib.damage.ReportLevel.NonEmpty)

    def resize(self, width_px: int, height_px: int) -> None:
        """Adopts the new size of the screen, and damages all of it."""
        self._width, self._height = width_px, height_px
        self._pending = [Rect(0, 0, width_px, height_px)]
        self._changed.set()

    def on_event(self, event: object) -> None:
        """Handles an event of the connection. Events that are not about damage are ignored."""
        if isinstance(event, xcffib.damage.NotifyEvent):
            self._server_has_damage = True
            self._changed.set()

    def on_lost(self) -> None:
        """Ends a running `wait`, because the connection was lost."""
        self._changed.set()

    async def wait(self) -> None:
        """Returns when there is damage to take. Raises CaptureError when the X server is gone."""
        while True:
            self._connection.ensure_alive()
            if self._server_has_damage:
                await self._fetch()
            if self._pending:
                return
            self._changed.clear()
            if not self._server_has_damage:
                await self._changed.wait()

    def take(self) -> list[Rect]:
        """Returns the damage that was fetched so far, and forgets it."""
        taken, self._pending = self._pending, []
        return taken

    async def is_torn(self, damage: Sequence[Rect]) -> bool:
        """Returns whether the X server drew within `damage` since it was fetched. Costs one round trip."""
        if not damage:
            return False
        newest = await self._fetch()
        return intersects(newest, edges_of(damage))

    async def confirm(self) -> None:
        """Returns when all damage that was done before the call is known. Costs one round trip.

        The reply proves that the X server executes requests, keeps its collection of damage and reaches this
        connection: what is drawn next will be reported as well.
        """
        await self._fetch()

    async def _fetch(self) -> Edges:
        """Moves the damage that the server collected into `_pending`, and returns it.

        A cancelled call loses no damage.
        """
        self._server_has_damage = False
        with self._connection.requests():
            self._extension.Subtract(self._damage, 0, self._region)
            cookie = self._fixes.FetchRegion(self._region)
        collected: list[Edges] = []
        # The callback runs even if the waiting task was cancelled: `_pending` then keeps the rectangles.
        await self._connection.round_trip(lambda: collected.append(self._collect(cookie.sequence)))
        return collected[0]

    def _collect(self, sequence: int) -> Edges:
        # xcffib would make an object per rectangle, and a page of text has thousands: parse the reply here.
        try:
            reply = bytes(self._connection.x.wait_for_reply(sequence).buf)
        except xcffib.XcffibException as error:
            raise CaptureError("The X server has ended, or did not say what changed.") from error
        rectangles = np.frombuffer(reply, np.int16, offset=_REPLY_HEAD_BYTES).reshape(-1, 4).astype(np.int32)
        rectangles[:, 2:] &= 0xFFFF
        rectangles[:, 2:] += rectangles[:, :2]
        clipped = clip(rectangles, self._width, self._height)
        if len(clipped):
            both = np.concatenate([edges_of(self._pending), clipped])
            self._pending = coalesce(both, self._height)
            self._changed.set()
        return clipped
