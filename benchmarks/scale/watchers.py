"""`python -m benchmarks.scale.watchers SOCKET …`: a lean viewer on each agent's socket, until stdin ends.

It acknowledges each update as a browser does, and decodes nothing: the browsers of other desktops run on
other machines.
"""

from __future__ import annotations

import asyncio
import json
import struct
import sys
import time

from websockets.asyncio.client import unix_connect
from websockets.typing import Subprotocol

from benchmarks.cases.relay import HELLO

CACHE_BYTES = 192 << 20
_HEAD = struct.Struct("<BBHI")


async def watch(socket: str) -> None:
    """Until the agent closes."""
    async with unix_connect(
        socket,
        "ws://localhost/viewer",
        additional_headers={"Lightbox-User": "benchmark", "Lightbox-Viewer": "benchmark"},
        subprotocols=[Subprotocol("lightbox.1")],
        compression=None,
        max_size=1 << 25,
    ) as connection:
        await connection.send(json.dumps(HELLO | {"cache_bytes": CACHE_BYTES}))
        async for frame in connection:
            if isinstance(frame, bytes):
                _, _, monitor, epoch = _HEAD.unpack_from(frame)
                now_ms = time.monotonic() * 1000
                times = {"received": now_ms, "decoded": now_ms, "shown": now_ms}
                await connection.send(json.dumps({"type": "ack", "monitor": monitor, "epoch": epoch} | times))


async def main(sockets: list[str]) -> None:
    tasks = [asyncio.create_task(watch(socket)) for socket in sockets]
    await asyncio.to_thread(sys.stdin.read)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
