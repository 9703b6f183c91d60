"""A WebRTC peer and a video encoder that tests control."""

from __future__ import annotations

import asyncio
import threading
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from display_server.agent.motion.encoders.stream_format import EncoderError, StreamFormat
from display_server.agent.transport.webrtc.estimator import BandwidthEstimator
from display_server.agent.transport.webrtc.peer import PeerState
from display_server.protocol.video_format import Chroma, Codec, EncodedFrame


class FakePeer:
    """Connects at once, and keeps the frames that it is given to send."""

    created: list[FakePeer] = []  # noqa: RUF012 - emptied by the fixture

    def __init__(self, *arguments: Any) -> None:
        self._on_state = arguments[-1]
        self.state = PeerState.NEW
        self.codec = (Codec.VP8, Chroma.YUV420)
        self.sent: list[EncodedFrame] = []
        self.sender = SimpleNamespace(
            backlog_s=0.0,
            keyframe_wanted=lambda _: False,
            estimator=BandwidthEstimator(max_bps=20e6, start_bps=5e6),
        )
        FakePeer.created.append(self)

    async def answer(self, offer: str) -> str:
        await asyncio.sleep(0)
        self.become(PeerState.CONNECTED)
        return f"answer to {offer}"

    def become(self, state: PeerState) -> None:
        self.state = state
        self._on_state()

    def send(self, frame: EncodedFrame, captured_s: float) -> None:
        self.sent.append(frame)

    async def close(self) -> None:
        self.state = PeerState.CLOSED


class FakeEncoder:
    """Waits for `may_end` with each frame, and raises while `fails`."""

    fails = False
    may_end = threading.Event()
    may_end.set()

    def __init__(self, stream: StreamFormat) -> None:
        self.stream = stream

    def encode(
        self, pixels: NDArray[np.uint8], *, at_s: float, bitrate_bps: int, keyframe: bool
    ) -> EncodedFrame:
        assert pixels.shape == (self.stream.height_px, self.stream.width_px, 4)
        FakeEncoder.may_end.wait(10)
        if FakeEncoder.fails:
            raise EncoderError("it is broken")
        return EncodedFrame(b"frame", keyframe)

    def close(self) -> None:
        pass
