"""The tile stream and the video stream of one viewer, and what concerns both of them."""

from __future__ import annotations

import math

from display_server.agent.streams.frame_requests import FrameRequests
from display_server.agent.streams.message_sink import MessageSink
from display_server.agent.streams.tile_stream import TileStream
from display_server.agent.streams.video_stream import VideoStream
from display_server.agent.update.exactness import Exactness
from display_server.agent.update.shadow import Shadow
from display_server.desktop.video_settings import VideoPolicy
from display_server.protocol import messages as m
from display_server.protocol.wire import DigestReport

#: The state is sent on each change, and at least this often, s. The viewer trusts a state for 5 s.
STATE_INTERVAL_S = 1.95


class ViewerStreams:
    """What a monitor's pipeline serves. Exists from `hello` to the end of the connection."""

    def __init__(
        self, monitor: int, tiles: TileStream, video: VideoStream, sink: MessageSink, frames: FrameRequests
    ) -> None:
        self.monitor = monitor
        self.tiles = tiles
        self.video = video
        self._sink = sink
        self._frames = frames
        self._closed = False
        self._hidden = False
        self._sent_state: Exactness | None = None
        self._state_sent_s = -math.inf

    @property
    def visible(self) -> bool:
        """Whether the viewer is connected and its window is visible: otherwise it gets no frames."""
        return not (self._closed or self._hidden)

    def set_visible(self, *, visible: bool, now_s: float) -> None:
        """Stops all frames while the window is hidden; afterwards sends everything that changed meanwhile."""
        hidden = not visible
        if self._closed or hidden == self._hidden:
            return
        self._hidden = hidden
        self.tiles.enable(enabled=visible)
        if visible:
            self._frames.request_whole_frame(self.monitor)
        else:
            self.video.stop_motion()
            self._frames.request_frame(self.monitor)
        self.notify_state(now_s)

    def on_ack(self, ack: m.Ack, now_s: float) -> None:
        """Handles an acknowledgement. Raises ProtocolError."""
        self.tiles.on_ack(ack, now_s)
        window = self.tiles.window
        self.video.on_link_measured(window.rate_bytes_per_s, window.round_trip_s)

    def on_report(self, report: DigestReport, now_s: float) -> None:
        """Handles a digest report. Raises ProtocolError."""
        self.tiles.on_report(report, now_s)
        self.notify_state(now_s)
        self.tiles.plan_verify()

    def on_readback_checked(self, readback: m.Readback, now_s: float) -> None:
        """Handles the viewer's statement whether its browser alters what it reads back."""
        self.tiles.on_readback_checked(altered=readback.altered, now_s=now_s)
        self.notify_state(now_s)

    def notify_state(self, now_s: float) -> Exactness:
        """Sends the state if it changed or was not sent for a while. Returns the state."""
        state = self.tiles.exactness(now_s)
        self.video.on_exactness(state)
        if state is not self._sent_state or now_s - self._state_sent_s >= STATE_INTERVAL_S:
            self._sent_state, self._state_sent_s = state, now_s
            age_ms = _milliseconds(self.tiles.proof.age_s(now_s))
            ratio = self.video.counts.ratio if state is Exactness.LOSSY else None
            epoch = self.tiles.sent.epoch
            self._sink.send_message(m.State(self.monitor, epoch, state.value, age_ms, ratio))
        return state

    def start_over(self) -> None:
        """Sends everything anew, because the viewer lost its surface."""
        self.video.stop_motion()
        self.tiles.start_over()
        self._frames.request_frame(self.monitor)

    def resize(self, shadow: Shadow) -> None:
        """Adopts another size of the monitor, and sends everything anew."""
        self.video.resize(shadow, self.video.picture)
        self.tiles.resize(shadow)
        self._sent_state = None
        self._frames.request_frame(self.monitor)

    def use_picture(self, shadow: Shadow, picture: VideoPolicy | None) -> None:
        """Replaces the video policy. What goes as video ends, unless motion begins anew."""
        if picture != self.video.picture and not self._closed:
            self.video.resize(shadow, picture)
            self._frames.request_frame(self.monitor)

    async def close(self) -> None:
        """Sends nothing more from the first step on, then closes the video connection."""
        self._closed = True
        self.tiles.close()
        await self.video.close()

    def status(self, state: Exactness, now_s: float, datagrams: int) -> m.Status:
        """Returns the per-second report. `datagrams` is the number of pointer datagrams received."""
        counts, video, proof = self.tiles.sent.counts, self.video, self.tiles.proof
        return m.Status(
            monitor=self.monitor,
            epoch=self.tiles.sent.epoch,
            state=state.value,
            age_ms=_milliseconds(proof.age_s(now_s)),
            tiles=self.tiles.tile_count,
            updated_tiles=counts.tiles,
            verified=proof.proven_tiles,
            verified_total=proof.verified_total,
            mismatches=proof.mismatches,
            unrepaired=proof.unrepaired,
            updates=counts.updates,
            dropped=counts.dropped,
            bytes=counts.bytes,
            raw_bytes=counts.raw_bytes,
            encodings=dict(counts.encodings),
            cached=counts.cached,
            moved=counts.moved,
            video=video.status,
            video_frames=video.counts.frames,
            video_bytes=video.counts.bytes,
            video_raw_bytes=video.counts.raw_bytes,
            video_codec=video.codec,
            datagrams=datagrams,
        )


def _milliseconds(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1000, 1)
