"""A viewer's connection and its encoder, which do as they are told."""

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
    """Connected at once; what it is given to send is kept."""

    made: list[FakePeer] = []  # noqa: RUF012 - emptied by the fixture

    def __init__(self, *arguments: Any) -> None:
        self._changed = arguments[-1]
        self.state = PeerState.NEW
        self.codec = (Codec.VP8, Chroma.YUV420)
        self.sent: list[EncodedFrame] = []
        self.sender = SimpleNamespace(
            backlog_s=0.0,
            keyframe_wanted=lambda _: False,
            estimator=BandwidthEstimator(max_bps=20e6, start_bps=5e6),
        )
        FakePeer.made.append(self)

    async def answer(self, offer: str) -> str:
        await asyncio.sleep(0)
        self.become(PeerState.CONNECTED)
        return f"answer to {offer}"

    def become(self, state: PeerState) -> None:
        self.state = state
        self._changed()

    def send(self, frame: EncodedFrame, captured_s: float) -> None:
        self.sent.append(frame)

    async def close(self) -> None:
        self.state = PeerState.CLOSED


class FakeEncoder:
    fails = False
    may_end = threading.Event()
    may_end.set()

    def __init__(self, stream: StreamFormat) -> None:
        self.stream = stream

    def encode(
        self, picture: NDArray[np.uint8], *, at_s: float, bitrate_bps: int, keyframe: bool
    ) -> EncodedFrame:
        assert picture.shape == (self.stream.height_px, self.stream.width_px, 4)
        FakeEncoder.may_end.wait(10)
        if FakeEncoder.fails:
            raise EncoderError("it is broken")
        return EncodedFrame(b"frame", keyframe)

    def close(self) -> None:
        pass
