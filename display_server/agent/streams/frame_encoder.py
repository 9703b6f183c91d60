"""Encodes one viewer's video frames in worker threads, so that tiles never wait for a video encoder."""

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
    """Encodes one frame at a time, and opens a new encoder when the size or the codec changes."""

    def __init__(self) -> None:
        self._encoder: VideoEncoder | None = None
        self._input: NDArray[np.uint8] = np.zeros((0, 0, 4), np.uint8)
        self._job: asyncio.Future[EncodedFrame] | None = None

    @property
    def busy(self) -> bool:
        return self._job is not None and not self._job.done()

    async def begin(
        self,
        pixels: Frame,
        number: int,
        codec: tuple[Codec, Chroma],
        executor: Executor,
        *,
        at_s: float,
        bitrate_bps: int,
        keyframe: bool,
    ) -> asyncio.Future[EncodedFrame]:
        """Starts to encode `pixels`, (height, width, 4) BGRX, marked with the number of its motion.

        Returns as soon as the pixels were copied and may change again. The future gives the encoded frame or
        raises EncoderError.
        """
        assert not self.busy
        loop = asyncio.get_running_loop()
        copied = asyncio.Event()

        def encode() -> EncodedFrame:
            try:
                height, width = pixels.shape[:2]
                encoder, new = self._encoder_for(StreamFormat(*codec, *coded_size_px(width, height)))
                compose(pixels, number, self._input)
            finally:
                loop.call_soon_threadsafe(copied.set)
            return encoder.encode(self._input, at_s=at_s, bitrate_bps=bitrate_bps, keyframe=keyframe or new)

        self._job = loop.run_in_executor(executor, encode)
        await copied.wait()
        return self._job

    def close(self) -> None:
        """Frees the encoder: at once, or when the frame that is being encoded is done."""
        if self._encoder is not None:
            self._encoder.close()
            self._encoder = None

    def _encoder_for(self, stream: StreamFormat) -> tuple[VideoEncoder, bool]:
        """Returns an encoder, and whether it is new and so has to begin with a keyframe."""
        if self._encoder is not None and self._encoder.stream == stream:
            return self._encoder, False
        self.close()
        self._input = np.zeros((stream.height_px, stream.width_px, 4), np.uint8)
        self._encoder = encoder = open_encoder(stream)
        return encoder, True
