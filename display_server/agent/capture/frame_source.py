"""The contract of everything that can capture a desktop's pixels.

A source is used in this order. All calls are made on the event loop's thread, except `read`, which may run in
a worker thread::

    open() ─► wait() ─► take_damage() ─► read(damage) ─► is_torn(damage) ─► wait() … ─► close()

No source draws the pointer into the frame: the viewer draws it, with the shape that `agent.cursor` captures.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from display_server.agent.geometry import Frame, Rect


class FrameReader(Protocol):
    """Reads the pixels of a screen or of one monitor, in coordinates relative to its top left corner."""

    def take_damage(self) -> Sequence[Rect]:
        """Returns the rectangles that may have changed since the last call. The first call covers everything.

        The rectangles lie within the frame, and there are at most RECTANGLES_MAX of them. They may cover too
        much, but never too little.
        """

    def read(self, damage: Sequence[Rect]) -> Frame:
        """Returns a view of the whole frame. Only the pixels within `damage` are sure to be up to date.

        The view is valid until the next `read` of the same rectangles. May run in a worker thread.
        """

    async def is_torn(self, damage: Sequence[Rect]) -> bool:
        """Returns whether anything within `damage` was drawn since `take_damage`, so that `read` may be torn.

        Costs one round trip to the X server. The new damage is returned by the next `take_damage`.
        """


class FrameSource(FrameReader, Protocol):
    """Captures one whole X screen."""

    @property
    def width_px(self) -> int: ...

    @property
    def height_px(self) -> int: ...

    async def open(self) -> None:
        """Connects to the screen. Raises CaptureError when the screen cannot be captured."""

    async def wait(self) -> None:
        """Returns as soon as there is damage to take. Raises CaptureError when the X server is gone."""

    async def confirm(self) -> None:
        """Returns when the X server has reported all damage that was done before the call.

        Costs one round trip, which no capture waits for. The damage is returned by the next `take_damage`.
        Raises CaptureError when the X server is gone.
        """

    def resize(self, width_px: int, height_px: int) -> None:
        """Adopts the new size of the screen, and damages all of it. No `read` may be running.

        Raises CaptureError if this source cannot change its size, so that a new source is needed.
        """

    async def close(self) -> None:
        """Releases all resources. Safe to call twice."""
