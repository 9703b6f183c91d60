"""A viewer without a browser: speaks the protocol over an agent's socket, and decodes into memory."""

from __future__ import annotations

import asyncio
import json
import struct
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from display_codecs import ENCODING_NAMES, TileGrid, decode_tile, digest_tiles, root_digest
from numpy.typing import NDArray
from websockets.asyncio.client import ClientConnection, unix_connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from display_server.protocol.frame_kinds import FrameKind
from display_server.protocol.limits import AGENT_BINARY_MAX_BYTES
from display_server.protocol.subprotocol import DEVICE_HEADER, SUBPROTOCOL, USER_HEADER, VIEWER_HEADER


class FakeViewer:
    """Decodes, acknowledges and reports by itself: `async with FakeViewer(socket) as viewer`.

    `ack_delay_s` makes a slow viewer, `ack_permits` one that acknowledges an update for each permit that the
    test releases. With `never_acks` it acknowledges nothing, and without `hello` it does not say hello. Tests
    draw into `surface` to corrupt it.
    """

    def __init__(
        self,
        socket: Path,
        *,
        cache_bytes: int = 64 << 20,
        ack_delay_s: float = 0.0,
        ack_permits: asyncio.Semaphore | None = None,
        never_acks: bool = False,
        hello: bool = True,
        name: str = "fake",
        device: str = "",
        resume: bool = False,
        video: bool = False,
        monitor: int = 0,
    ) -> None:
        self._path = socket
        self._cache_bytes = cache_bytes
        self._ack_delay_s = ack_delay_s
        self._ack_permits = ack_permits
        self._never_acks = never_acks
        self._hello = hello
        self._name = name
        self._device = device
        self._resume = resume
        self._video = video
        #: The clipboard frames that arrived.
        self.clipboard: list[bytes] = []
        self.monitor = monitor
        self._changed = asyncio.Condition()
        self._slots: dict[int, bytes] = {}
        self.surface: NDArray[np.uint8] = np.zeros((0, 0, 4), np.uint8)
        self.grid = TileGrid(1, 1)
        self.seed = 0
        self.epoch = 0
        self.messages: list[dict[str, Any]] = []
        self.operations: Counter[str] = Counter()
        self.update_bytes = 0
        #: The updates that arrived: time on the monotonic clock in s, flags, bytes.
        self.updates: list[tuple[float, int, int]] = []
        self.close_code: int | None = None
        self.close_reason = ""
        self._touched: set[int] = set()
        self._read_digests: NDArray[np.uint64] = np.zeros(0, np.uint64)

    async def __aenter__(self) -> Self:
        self.connection: ClientConnection = await unix_connect(
            str(self._path),
            "ws://agent/viewer",
            subprotocols=[Subprotocol(SUBPROTOCOL)],
            compression=None,
            max_size=AGENT_BINARY_MAX_BYTES,
            additional_headers={
                USER_HEADER: "somebody",
                VIEWER_HEADER: self._name,
                DEVICE_HEADER: self._device,
            },
        )
        self._task = asyncio.create_task(self._run())
        if self._hello:
            await self.send(
                type="hello",
                protocol=1,
                client="fake",
                monitor=self.monitor,
                cache_bytes=self._cache_bytes,
                encodings=list(ENCODING_NAMES),
                device=self._device.upper(),
                resume=self._resume,
                video=self._video,
            )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.connection.close()
        await asyncio.wait([self._task])

    async def send(self, **message: object) -> None:
        await self.connection.send(json.dumps(message))

    async def until(self, true: Callable[[], bool], timeout_s: float = 90.0) -> None:
        """Waits until the condition holds; it is checked whenever something arrives. Raises TimeoutError."""
        async with asyncio.timeout(timeout_s), self._changed:
            await self._changed.wait_for(true)

    def received(self, kind: str) -> list[dict[str, Any]]:
        """Returns the messages of this type that have arrived so far."""
        return [message for message in self.messages if message["type"] == kind]

    @property
    def state(self) -> str | None:
        states = self.received("state")
        return states[-1]["state"] if states else None

    async def until_exact(self, frame: NDArray[np.uint8], timeout_s: float = 90.0) -> None:
        """Waits until the surface shows `frame` and the agent says that it is exact. Raises TimeoutError."""
        await self.until(lambda: self.shows(frame) and self.state == "exact", timeout_s)

    def shows(self, frame: NDArray[np.uint8]) -> bool:
        return self.surface.shape == frame.shape and bool((self.surface[:, :, :3] == frame[:, :, :3]).all())

    async def report(self, *, full: bool = False) -> None:
        """Reads the surface back and sends a digest report, as `verify` requests."""
        tiles = sorted(range(self.grid.count) if full else self._touched)
        self._touched.clear()
        self._read_digests[tiles] = digest_tiles(self.surface, self.grid, tiles, self.seed)
        root = root_digest(self._read_digests, self.seed)
        head = struct.pack("<BBHIQH", 2, int(full), self.monitor, self.epoch, root, len(tiles))
        entries = [struct.pack("<HQ", tile, int(self._read_digests[tile])) for tile in tiles]
        await self.connection.send(head + b"".join(entries))

    async def _run(self) -> None:
        try:
            async for frame in self.connection:
                if isinstance(frame, str):
                    await self._message(json.loads(frame))
                elif frame[0] == FrameKind.CLIPBOARD:
                    self.clipboard.append(bytes(frame))
                else:
                    await self._update(bytes(frame))
                async with self._changed:
                    self._changed.notify_all()
        except ConnectionClosed:
            pass  # the close code is recorded below
        finally:
            self.close_code = self.connection.close_code
            self.close_reason = self.connection.close_reason or ""
            async with self._changed:
                self._changed.notify_all()

    async def _message(self, message: dict[str, Any]) -> None:
        self.messages.append(message)
        if message["type"] in ("welcome", "monitors"):
            monitor = next(item for item in message["monitors"] if item["id"] == self.monitor)
            self.seed = int(message.get("digest_seed", f"{self.seed:x}"), 16)
            if self.surface.shape[:2] == (monitor["height"], monitor["width"]):
                return
            self.grid = TileGrid(monitor["width"], monitor["height"])
            self.surface = np.zeros((monitor["height"], monitor["width"], 4), np.uint8)
            self._touched = set(range(self.grid.count))
            self._read_digests = np.zeros(self.grid.count, np.uint64)
        elif message["type"] == "verify":
            await self.report(full=message["full"])

    async def _update(self, data: bytes) -> None:
        received_ms = time.monotonic() * 1000
        self.apply(data)
        decoded_ms = time.monotonic() * 1000
        if self._ack_delay_s:
            await asyncio.sleep(self._ack_delay_s)
        if self._ack_permits is not None:
            await self._ack_permits.acquire()
        if not self._never_acks:
            await self.send(
                type="ack",
                monitor=self.monitor,
                epoch=self.epoch,
                received=received_ms,
                decoded=decoded_ms,
                shown=time.monotonic() * 1000,
            )

    def apply(self, data: bytes) -> None:
        kind, flags, monitor, epoch, _ = struct.unpack_from("<BBHIQ", data)
        assert (kind, monitor) == (1, self.monitor)
        assert epoch > self.epoch
        self.epoch = epoch
        self.update_bytes += len(data)
        self.updates.append((time.monotonic(), flags, len(data)))
        if flags & 1:
            self.surface[:] = 0
            self._slots.clear()
            self._touched = set(range(self.grid.count))
        at = 16
        while at < len(data):
            at = self._operation(data, at)
        assert sum(map(len, self._slots.values())) <= self._cache_bytes

    def _operation(self, data: bytes, at: int) -> int:
        operation = data[at]
        if operation == 0:
            tile, length = _numbers("<HH", data, at)
            self._draw("tile", tile, data[at + 5 : at + 5 + length])
            return at + 5 + length
        if operation == 1:
            tile, slot, length = _numbers("<HIH", data, at)
            self._slots[slot] = data[at + 9 : at + 9 + length]
            self._draw("store", tile, self._slots[slot])
            assert sum(map(len, self._slots.values())) <= self._cache_bytes
            return at + 9 + length
        if operation == 2:
            tile, slot = _numbers("<HI", data, at)
            self._draw("cached", tile, self._slots[slot])
            return at + 7
        assert operation == 3
        x, y, width, height, dx, dy = _numbers("<HHHHhh", data, at)
        self.operations["move"] += 1
        source = self.surface[y - dy : y - dy + height, x - dx : x - dx + width].copy()
        assert source.shape[:2] == (height, width)
        self.surface[y : y + height, x : x + width] = source
        for tile in range(self.grid.count):
            left, top, tile_width, tile_height = self.grid.rect(tile)
            if left < x + width and x < left + tile_width and top < y + height and y < top + tile_height:
                self._touched.add(tile)
        return at + 13

    def _draw(self, name: str, tile: int, payload: bytes) -> None:
        self.operations[name] += 1
        x, y, width, height = self.grid.rect(tile)
        self.surface[y : y + height, x : x + width] = decode_tile(payload, width, height)
        self._touched.add(tile)


def _numbers(layout: str, data: bytes, at: int) -> list[int]:
    """Reads the fields of an operation, which follow its number."""
    return list(struct.unpack_from(layout, data, at + 1))
