"""The contract of a desktop's clipboard, as the viewers' side uses it. All calls on the event loop."""

from __future__ import annotations

from asyncio import Future
from collections.abc import Callable
from typing import Protocol

from display_server.errors import LightboxError
from display_server.protocol.clipboard import Format


class ContentError(LightboxError):
    """What a program offered cannot be had: it hangs, went away, or gave something else."""


class TooLargeError(ContentError):
    """It is more than the policy lets through."""


class DesktopClipboard(Protocol):
    """`serial` grows whenever a program copies something; `formats` is what it offers, the best first."""

    serial: int
    formats: tuple[Format, ...]
    on_copied: Callable[[], None]

    async def open(self) -> None:
        """Begins to watch. Raises Malfunction."""

    async def fetch(self, kind: Format) -> bytes:
        """What the program that copied last has. Raises ContentError, and Malfunction without an X server."""

    def put(self, kind: Format, data: bytes) -> Future[None]:
        """Programs that paste get this from now on: from when the future is done, for certain."""

    async def close(self) -> None: ...
