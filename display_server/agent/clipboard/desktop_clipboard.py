"""The contract of a desktop's clipboard. All methods are called on the event loop."""

from __future__ import annotations

from asyncio import Future
from collections.abc import Callable
from typing import Protocol

from display_server.errors import LightboxError
from display_server.protocol.clipboard import Format


class ContentError(LightboxError):
    """The content of a program cannot be fetched: the program hangs, ended, or returned something else."""


class TooLargeError(ContentError):
    """The content is larger than the policy allows."""


class DesktopClipboard(Protocol):
    """The clipboard that the programs of one desktop share.

    `serial` grows whenever a program copies something; `formats` are the formats that the program offers,
    best first. `on_copied` is called after both have changed.
    """

    serial: int
    formats: tuple[Format, ...]
    on_copied: Callable[[], None]

    def allow(self, *, from_desktop: bool, images: bool, max_bytes: int) -> None:
        """Sets what any viewer may fetch. What no viewer may have is not even listed in `formats`."""

    async def open(self) -> None:
        """Starts to watch the clipboard. Raises Malfunction."""

    async def fetch(self, kind: Format) -> bytes:
        """Fetches what a program copied last. Raises ContentError, and Malfunction without an X server."""

    def put(self, kind: Format, data: bytes) -> Future[None]:
        """Makes content available to programs that paste. The future is done when they can paste it."""

    async def close(self) -> None: ...
