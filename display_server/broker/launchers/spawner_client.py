"""The broker's connection to the spawner: one request per connection."""

from __future__ import annotations

import asyncio
from pathlib import Path

import msgspec

from display_server.errors import DesktopError
from display_server.spawner.messages import (
    ANSWER_MAX_BYTES,
    HEADER,
    VERSION,
    Answer,
    Request,
    decode_answer,
    encode,
)

#: How long the spawner may take to answer, s. It serves one request at a time, each within a second.
ANSWER_TIMEOUT_S = 60.0
#: How long a spawner that ended may take until the next one listens, s. It needs about 0.5 s.
CONNECT_TIMEOUT_S = 10.0
#: Pause between two attempts to connect, s.
_POLL_S = 0.02


class SilentSpawnerError(DesktopError):
    """The spawner cannot be reached, or it broke off."""


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
            raise SilentSpawnerError(
                "The part of Lightbox that starts isolated desktops does not answer.",
                next_step="Try again. If it happens again, the administrator has to look at the log of the "
                "spawner.",
            ) from error
        if answer.error is not None:
            raise DesktopError(answer.error, next_step=answer.next_step)
        return answer

    async def _exchange(self, message: bytes) -> Answer:
        reader, writer = await self._connect()
        try:
            writer.write(message)
            await writer.drain()
            version, length = HEADER.unpack(await reader.readexactly(HEADER.size))
            if length > ANSWER_MAX_BYTES:
                raise EOFError("the answer is too long")
            answer = decode_answer(await reader.readexactly(length))
            if version != VERSION and answer.error is None:
                raise EOFError(f"the answer has version {version}")
            return answer
        finally:
            writer.close()

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Connects, and waits for a spawner that is being started again. Raises OSError."""
        deadline_s = asyncio.get_running_loop().time() + CONNECT_TIMEOUT_S
        while True:
            try:
                return await asyncio.open_unix_connection(str(self._path), limit=ANSWER_MAX_BYTES)
            except (FileNotFoundError, ConnectionRefusedError):
                if asyncio.get_running_loop().time() > deadline_s:
                    raise
                await asyncio.sleep(_POLL_S)
