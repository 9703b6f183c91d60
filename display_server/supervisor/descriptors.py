"""Reading from pipes on the event loop."""

from __future__ import annotations

import asyncio
import contextlib
import os


async def read_line(descriptor: int) -> bytes:
    """Reads up to a newline or the end of the file."""
    loop = asyncio.get_running_loop()
    readable = asyncio.Event()
    os.set_blocking(descriptor, False)
    loop.add_reader(descriptor, readable.set)
    data = b""
    try:
        while b"\n" not in data:
            await readable.wait()
            readable.clear()
            with contextlib.suppress(BlockingIOError):
                part = os.read(descriptor, 64)
                if not part:
                    break
                data += part
    finally:
        loop.remove_reader(descriptor)
    return data
