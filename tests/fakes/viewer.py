"""A viewer without a browser: speaks the protocol over an agent's socket, with its surface in memory."""

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

import msgspec
import numpy as np
from display_codecs import ENCODING_NAMES, TileGrid
from numpy.typing import NDArray
from websockets.asyncio.client import ClientConnection, unix_connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from display_server.desktop.session_policy import SessionPolicy
from display_server.protocol.frame_kinds import FrameKind
from display_server.protocol.limits import AGENT_BINARY_MAX_BYTES
from display_server.protocol.subprotocol import (
    DEVICE_HEADER,
    POLICY_HEADER,
    SECRET_HEADER,
    SUBPROTOCOL,
    USER_HEADER,
    VIEWER_HEADER,
)
from tests.fakes.viewer_surface import ViewerSurface

#: The secret of the agents that tests start.
SECRET = "the secret of this agent"


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
        caret: bool = False,
        monitor: int = 0,
        policy: SessionPolicy | None = None,
        secret: str = SECRET,
    ) -> None:
        self._path = socket
        self._secret = secret
        self._cache_bytes = cache_bytes
        self._ack_delay_s = ack_delay_s
        self._ack_permits = ack_permits
        self._never_acks = never_acks
        self._hello = hello
        self._name = name
        self._device = device
        self._resume = resume
        self._video = video
        self._caret = caret
        self._policy = policy
        #: The clipboard frames that arrived.
        self.clipboard: list[bytes] = []
        self.monitor = monitor
        self._changed = asyncio.Condition()
        self._surface = ViewerSurface(1, 1, cache_bytes=cache_bytes)  # until the monitor's size is known
        self.messages: list[dict[str, Any]] = []
        #: The updates that arrived: time on the monotonic clock in s, flags, bytes.
        self.updates: list[tuple[float, int, int]] = []
        self.close_code: int | None = None
        self.close_reason = ""

    async def __aenter__(self) -> Self:
        self.connection = await self._connect()
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
                caret=self._caret,
            )
        return self

    async def _connect(self) -> ClientConnection:
        """Connects as the gateway does."""
        return await unix_connect(
            str(self._path),
            "ws://agent/viewer",
            subprotocols=[Subprotocol(SUBPROTOCOL)],
            compression=None,
            max_size=AGENT_BINARY_MAX_BYTES,
            additional_headers={
                SECRET_HEADER: self._secret,
                USER_HEADER: "somebody",
                VIEWER_HEADER: self._name,
                DEVICE_HEADER: self._device,
                **({POLICY_HEADER: msgspec.json.encode(self._policy).decode()} if self._policy else {}),
            },
        )

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
        return self._surface.shows(frame)

    @property
    def surface(self) -> NDArray[np.uint8]:
        """What the person sees, (height, width, 4)."""
        return self._surface.shown

    @property
    def grid(self) -> TileGrid:
        return self._surface.grid

    @property
    def epoch(self) -> int:
        """Number of the last update, 0 before the first."""
        return self._surface.epoch

    @property
    def operations(self) -> Counter[str]:
        return self._surface.operations

    @property
    def update_bytes(self) -> int:
        return self._surface.update_bytes

    async def report(self, *, full: bool = False) -> None:
        """Reads the surface back and sends a digest report, as `verify` requests."""
        report = self._surface.report(full=full)
        head = struct.pack(
            "<BBHIQH", 2, int(full), self.monitor, report.epoch, report.root, len(report.tiles)
        )
        entries = [
            struct.pack("<HQ", *entry)
            for entry in zip(report.tiles.tolist(), report.digests.tolist(), strict=True)
        ]
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
            if message["type"] == "welcome":
                self._surface.seed = int(message["digest_seed"], 16)
            if self.surface.shape[:2] != (monitor["height"], monitor["width"]):
                self._surface.open(monitor["width"], monitor["height"])
        elif message["type"] == "verify":
            await self.report(full=message["full"])

    async def _update(self, data: bytes) -> None:
        received_ms = time.monotonic() * 1000
        _, flags, monitor = struct.unpack_from("<BBH", data)
        assert monitor == self.monitor
        self._surface.apply(data)
        self.updates.append((time.monotonic(), flags, len(data)))
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
