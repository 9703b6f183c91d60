"""The broker's connection to the spawner: one request per connection."""

from __future__ import annotations

import asyncio
from pathlib import Path

import msgspec

from display_server.errors import DesktopError
from display_server.spawner.messages import (
    LENGTH,
    MESSAGE_MAX_BYTES,
    Answer,
    Request,
    decode_answer,
    encode,
)

#: How long the spawner may take to answer, s. It serves one request at a time, each within a second.
ANSWER_TIMEOUT_S = 60.0


class SpawnerClient:
    """Sends requests to the spawner that listens on `path`."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def send(self, request: Request) -> Answer:
        """Returns the answer of a request that succeeded.

        Raises DesktopError with the spawner's own words if it failed, and when the spawner cannot be reached.
        """
        try:
            async with asyncio.timeout(ANSWER_TIMEOUT_S):
                answer = await self._exchange(encode(request))
        except (OSError, EOFError, msgspec.MsgspecError) as error:  # TimeoutError is an OSError
            raise DesktopError(
                "The part of Lightbox that starts isolated desktops does not answer.",
                next_step="Try again. If it happens again, the administrator has to look at the log of the "
                "spawner.",
            ) from error
        if answer.error is not None:
            raise DesktopError(answer.error, next_step=answer.next_step)
        return answer

    async def _exchange(self, message: bytes) -> Answer:
        reader, writer = await asyncio.open_unix_connection(str(self._path))
        try:
            writer.write(message)
            await writer.drain()
            (length,) = LENGTH.unpack(await reader.readexactly(LENGTH.size))
            if length > MESSAGE_MAX_BYTES:
                raise EOFError("the answer is too long")
            return decode_answer(await reader.readexactly(length))
        finally:
            writer.close()
