"""Frames of one viewer's video, encoded beside the picture's way: tiles never wait for an encoder."""

from __future__ import annotations

import asyncio
from concurrent.futures import Executor

import numpy as np
from numpy.typing import NDArray

from display_server.agent.geometry import Frame
from display_server.agent.motion.encoders.stream_format import StreamFormat
from display_server.agent.motion.encoders.video_encoder import VideoEncoder, open_encoder
from display_server.agent.motion.frame_number import coded_size_px, compose
from display_server.protocol.video_format import Chroma, Codec, EncodedFrame


class FrameEncoder:
    """One frame at a time."""

    def __init__(self) -> None:
        self._encoder: VideoEncoder | None = None
        self._scratch: NDArray[np.uint8] = np.zeros((0, 0, 4), np.uint8)
        self._job: asyncio.Future[EncodedFrame] | None = None

    @property
    def busy(self) -> bool:
        return self._job is not None and not self._job.done()

    async def begin(
        self,
        picture: Frame,
        number: int,
        kind: tuple[Codec, Chroma],
        executor: Executor,
        *,
        at_s: float,
        bitrate_bps: int,
        keyframe: bool,
    ) -> asyncio.Future[EncodedFrame]:
        """Returns the frame to come when `picture`, (height, width, 4) BGRX, was copied and may change again.

        The frame raises EncoderError.
        """
        assert not self.busy
        loop = asyncio.get_running_loop()
        copied = asyncio.Event()

        def work() -> EncodedFrame:
            try:
                height, width = picture.shape[:2]
                encoder, new = self._encoder_of(StreamFormat(*kind, *coded_size_px(width, height)))
                compose(picture, number, self._scratch)
            finally:
                loop.call_soon_threadsafe(copied.set)
            return encoder.encode(self._scratch, at_s=at_s, bitrate_bps=bitrate_bps, keyframe=keyframe or new)

        self._job = loop.run_in_executor(executor, work)
        await copied.wait()
        return self._job

    def close(self) -> None:
        """Frees the encoder, at once or when a frame that is under way is done."""
        if self._encoder is not None:
            self._encoder.close()
            self._encoder = None

    def _encoder_of(self, stream: StreamFormat) -> tuple[VideoEncoder, bool]:
        """And whether it is a new one, which begins with a keyframe."""
        if self._encoder is not None and self._encoder.stream == stream:
            return self._encoder, False
        self.close()
        self._scratch = np.zeros((stream.height_px, stream.width_px, 4), np.uint8)
        self._encoder = encoder = open_encoder(stream)
        return encoder, True
