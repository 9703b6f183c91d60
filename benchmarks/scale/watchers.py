"""`python -m benchmarks.scale.watchers SOCKET …` runs a viewer without a browser on each agent's socket.

Like a browser, a viewer decodes, acknowledges and computes digests, so the agent does all the work of a
viewed desktop. When stdin ends, the program prints a line of JSON: the number of updates and of state
messages by state.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections import Counter
from pathlib import Path

from display_codecs import ENCODING_NAMES
from websockets.asyncio.client import ClientConnection, unix_connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from benchmarks.scale.surface import SurfaceMemory
from display_server.desktop.spec import read_spec
from display_server.protocol.limits import AGENT_BINARY_MAX_BYTES
from display_server.protocol.subprotocol import SECRET_HEADER, SUBPROTOCOL, USER_HEADER, VIEWER_HEADER

#: Tile cache that the viewer announces, bytes.
CACHE_BYTES = 192 << 20
#: Interval at which a browser reads back a part of its surface without being asked, s.
SWEEP_EVERY_S = 1.0
HELLO = {"type": "hello", "protocol": 1, "client": "benchmark", "monitor": 0, "cache_bytes": CACHE_BYTES}


async def watch(socket: Path, seen: Counter[str]) -> None:
    """Views a desktop until the agent closes the connection. `seen` counts `updates` and states by name."""
    async with unix_connect(
        str(socket),
        "ws://localhost/viewer",
        additional_headers={
            SECRET_HEADER: read_spec(socket.parent).secret,
            USER_HEADER: "benchmark",
            VIEWER_HEADER: "benchmark",
        },
        subprotocols=[Subprotocol(SUBPROTOCOL)],
        compression=None,
        max_size=AGENT_BINARY_MAX_BYTES,
    ) as connection:
        await connection.send(json.dumps(HELLO | {"encodings": list(ENCODING_NAMES)}))
        surface: SurfaceMemory | None = None
        swept_s = time.monotonic()
        while True:
            try:
                async with asyncio.timeout(SWEEP_EVERY_S):
                    frame = await connection.recv()
            except TimeoutError:
                frame = None
            except ConnectionClosed:
                seen["closed"] += 1
                return
            if isinstance(frame, bytes) and surface is not None:
                await _show(connection, surface, frame)
                seen["updates"] += 1
            elif isinstance(frame, str):
                surface = await _handle_message(connection, surface, json.loads(frame), seen)
            now_s = time.monotonic()
            if surface is not None and surface.epoch and now_s - swept_s >= SWEEP_EVERY_S:
                swept_s = now_s
                await connection.send(surface.report(0))


async def _show(connection: ClientConnection, surface: SurfaceMemory, update: bytes) -> None:
    received_ms = time.monotonic() * 1000
    surface.apply(update)
    now_ms = time.monotonic() * 1000
    times = {"received": received_ms, "decoded": now_ms, "shown": now_ms}
    await connection.send(json.dumps({"type": "ack", "monitor": 0, "epoch": surface.epoch} | times))


async def _handle_message(
    connection: ClientConnection,
    surface: SurfaceMemory | None,
    message: dict[str, object],
    seen: Counter[str],
) -> SurfaceMemory | None:
    """Handles a message of the agent. Returns the surface, which a welcome replaces."""
    match message:
        case {"type": "welcome", "digest_seed": str(seed), "monitors": [dict(monitor), *_]}:
            return SurfaceMemory(monitor["width"], monitor["height"], int(seed, 16))
        case {"type": "verify", "full": bool(full)} if surface is not None:
            await connection.send(surface.report(0, full=full))
        case {"type": "state", "state": str(state)}:
            seen[state] += 1
    return surface


async def main(sockets: list[str]) -> None:
    seen: Counter[str] = Counter()
    tasks = [asyncio.create_task(watch(Path(socket), seen)) for socket in sockets]
    stopped = asyncio.create_task(asyncio.to_thread(sys.stdin.read))
    # If one viewer fails, all end: a desktop without a viewer would cost less than a viewed one.
    await asyncio.wait([stopped, *tasks], return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        if task.done():
            task.result()
            raise ConnectionError("an agent closed the connection of its viewer")
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    print(json.dumps(seen), flush=True)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
