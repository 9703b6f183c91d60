"""The launcher's side of a supervisor's control socket (`supervisor/control.py`)."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

import msgspec

from display_server.desktop.spec import ControlRequest

#: Bytes of the status that are read at once.
READ_BYTES = 4096
#: How long a supervisor may take to read a request, s.
REQUEST_TIMEOUT_S = 10.0


async def request_of_supervisor(path: Path, request: ControlRequest) -> None:
    """Sends one request and returns when the supervisor has read it.

    Raises OSError when no supervisor listens, and TimeoutError when it does not read.
    """
    async with asyncio.timeout(REQUEST_TIMEOUT_S):
        reader, writer = await asyncio.open_unix_connection(path)
        try:
            writer.write(msgspec.json.encode(request) + b"\n")
            writer.write_eof()
            # The supervisor also sends its status. A connection that is closed before that breaks, and the
            # request is lost.
            while await reader.read(READ_BYTES):
                pass
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
