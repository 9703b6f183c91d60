"""Encodes the region in motion and sends its frames over the viewer's video connection."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from concurrent.futures import Executor

import numpy as np
import structlog

from display_server.agent.motion.allowance import Allowance
from display_server.agent.motion.encoders.stream_format import EncoderError
from display_server.agent.motion.region import Region, Tiles
from display_server.agent.streams.frame_encoder import FrameEncoder
from display_server.agent.streams.tile_delivery import TileDelivery
from display_server.agent.streams.video_connection import VideoConnection
from display_server.agent.streams.video_counts import VideoCounts
from display_server.agent.transport.webrtc.peer import Peer, PeerState
from display_server.agent.update.shadow import Shadow
from display_server.protocol.video_format import EncodedFrame
from display_server.telemetry.metrics import AgentMetrics

log = structlog.get_logger(__name__)

#: Fraction of the estimated bandwidth that video takes. Tiles and input share the rest.
BANDWIDTH_FRACTION = 0.85

#: No new frame is encoded while frames that need longer than this to be sent are queued, s.
BACKLOG_MAX_S = 0.05

#: The first frame of a motion waits while tiles that need longer than this are in flight, s. The message that
#: says where the frame belongs arrives behind those tiles, and both together would overfill the link.
TILES_AHEAD_MAX_S = 0.1

#: The first frame waits for tiles no longer than this, s.
FIRST_FRAME_WAIT_MAX_S = 1.0


class FrameSender:
    """Sends the frames of one motion after the other.

    `on_failed` is called when the encoder failed. `request_frame` is called when a frame that had to be
    skipped can be encoded now.
    """

    def __init__(
        self,
        viewer: str,
        connection: VideoConnection,
        average_bps: float,
        tiles: TileDelivery,
        counts: VideoCounts,
        on_failed: Callable[[], None],
        request_frame: Callable[[], None],
        metrics: AgentMetrics,
        clock: Callable[[], float],
    ) -> None:
        self._viewer = viewer
        self._connection = connection
        self._tiles = tiles
        self._counts = counts
        self._on_failed = on_failed
        self._request_frame = request_frame
        self._metrics = metrics
        self._clock = clock
        self._encoder = FrameEncoder()
        self._allowance = Allowance(average_bps, clock())
        self._number = 0
        self._began_s = math.inf
        self._keyframe_due = True
        self._frame_owed = False

    def begin(self, number: int, now_s: float) -> None:
        """Begins a motion with a keyframe. `number` marks its frames."""
        self._number = number
        self._began_s = now_s
        self._keyframe_due = True

    def end(self) -> None:
        """Ends the motion. A frame that is still being encoded is dropped."""
        self._number = 0

    async def send(
        self, shadow: Shadow, region: Region, changed: Tiles, captured_s: float, executor: Executor
    ) -> None:
        """Begins a frame if the region changed and the link is free. Returns when the shadow may change."""
        peer = self._connection.peer
        if peer is None or peer.codec is None:
            return
        grid = shadow.grid
        if not (self._keyframe_due or self._frame_owed or np.isin(changed, region.tiles(grid.columns)).any()):
            return
        self._frame_owed = (
            self._encoder.busy
            or peer.sender.backlog_s > BACKLOG_MAX_S
            or (self._keyframe_due and self._has_tiles_ahead())
        )
        if self._frame_owed:
            self._counts.skipped += 1
            return
        allowed_bps = self._allowance.rate_bps(self._clock())
        keyframe = self._keyframe_due or peer.sender.keyframe_wanted(self._clock())
        self._keyframe_due = False
        x, y, width, height = region.rectangle_px(grid.width_px, grid.height_px)
        number = self._number
        frame = await self._encoder.begin(
            shadow.pixels[y : y + height, x : x + width],
            number,
            peer.codec,
            executor,
            at_s=captured_s,
            bitrate_bps=int(min(allowed_bps, BANDWIDTH_FRACTION * peer.sender.estimator.target_bps)),
            keyframe=keyframe,
        )
        frame.add_done_callback(
            lambda frame: self._on_encoded(frame, number, peer, 3 * width * height, captured_s)
        )

    def close(self) -> None:
        self._encoder.close()

    def _on_encoded(
        self,
        encoded: asyncio.Future[EncodedFrame],
        number: int,
        peer: Peer,
        raw_bytes: int,
        captured_s: float,
    ) -> None:
        if encoded.cancelled():
            return
        try:
            frame = encoded.result()
        except EncoderError as error:
            log.error("video encoder failed", viewer=self._viewer, error=str(error))
            self._encoder.close()
            self._on_failed()
            return
        current = number == self._number and peer is self._connection.peer
        if current and peer.state is PeerState.CONNECTED:
            self._counts.frames += 1
            self._counts.bytes += len(frame.data)
            self._counts.raw_bytes += raw_bytes
            self._metrics.video_frames += 1
            self._metrics.video_bytes += len(frame.data)
            self._allowance.spend(len(frame.data), self._clock())
            peer.send(frame, captured_s)
        if self._frame_owed:
            self._request_frame()

    def _has_tiles_ahead(self) -> bool:
        waited_s = self._clock() - self._began_s
        return self._tiles.backlog_s > TILES_AHEAD_MAX_S and waited_s < FIRST_FRAME_WAIT_MAX_S
