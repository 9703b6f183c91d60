"""Times of each frame, from damage on the desktop to the viewer's surface. Pure: times are arguments."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from display_server.protocol.messages import TraceFrame

#: Most acknowledged frames that are kept for the next `trace` message.
FRAMES_MAX = 256
#: Measurements of the clock offset are discarded after one to two of these periods, because clocks drift, s.
PERIOD_S = 60.0

#: The fields of TraceFrame at which each stage starts and ends. The overlay of the viewer shows the same
#: stages.
STAGES: dict[str, tuple[str, str]] = {
    "capture": ("damaged", "captured"),
    "diff": ("captured", "diffed"),
    "encode": ("diffed", "encoded"),
    "queue": ("encoded", "sent"),
    "network": ("sent", "received"),
    "decode": ("received", "decoded"),
    "show": ("decoded", "shown"),
    "total": ("damaged", "shown"),
}


@dataclass(frozen=True, slots=True)
class FrameTimes:
    """When a frame was damaged, captured and compared with the one before, s on the monotonic clock."""

    damaged_s: float
    captured_s: float
    diffed_s: float


class ClockOffset:
    """Estimates the offset between the viewer's clock and the agent's.

    Nothing arrives before it was sent. A message from the viewer therefore bounds the offset from above, and
    an update whose arrival the viewer reports bounds it from below. The fastest of each give the tightest
    bounds; the estimate is their middle.
    """

    def __init__(self) -> None:
        self._upper: list[float] = []  # of the previous and the current period
        self._lower: list[float] = []
        self._period_start_s = -float("inf")

    def add_message(self, viewer_ms: float, now_s: float) -> None:
        """A message that the viewer sent at `viewer_ms` on its clock arrives now."""
        self._start_period(now_s)
        self._upper[-1] = min(self._upper[-1], now_s * 1000 - viewer_ms)

    def add_delivery(self, sent_s: float, received_ms: float, now_s: float) -> None:
        """An update that was sent at `sent_s` arrived at `received_ms` on the viewer's clock."""
        self._start_period(now_s)
        self._lower[-1] = max(self._lower[-1], sent_s * 1000 - received_ms)

    @property
    def offset_ms(self) -> float | None:
        """Must be added to times of the viewer; None before the first message."""
        upper = min(self._upper, default=float("inf"))
        lower = max(self._lower, default=-float("inf"))
        if upper == float("inf"):
            return None
        if lower == -float("inf") or lower > upper:  # the clocks drifted: the latest messages are right
            return upper
        return (upper + lower) / 2

    def _start_period(self, now_s: float) -> None:
        if now_s - self._period_start_s >= PERIOD_S:
            self._period_start_s = now_s
            self._upper = [*self._upper[-1:], float("inf")]
            self._lower = [*self._lower[-1:], -float("inf")]


@dataclass(slots=True)
class _Pending:
    times: FrameTimes
    encoded_s: float
    sent_s: float
    tiles: int
    size_bytes: int


class FrameTraces:
    """The frames of one viewer.

    The send window bounds the frames in flight, and `FRAMES_MAX` the acknowledged ones.
    """

    def __init__(self) -> None:
        self.clock = ClockOffset()
        self._in_flight: dict[int, _Pending] = {}
        self._acked: deque[TraceFrame] = deque(maxlen=FRAMES_MAX)

    def on_sent(
        self, epoch: int, times: FrameTimes, *, encoded_s: float, sent_s: float, tiles: int, size_bytes: int
    ) -> None:
        self._in_flight[epoch] = _Pending(times, encoded_s, sent_s, tiles, size_bytes)

    def on_acked(
        self, epoch: int, received_ms: float, decoded_ms: float, shown_ms: float, now_s: float
    ) -> TraceFrame | None:
        """Returns the frame with all its times, or None if its epoch is unknown."""
        pending = self._in_flight.pop(epoch, None)
        for earlier in [key for key in self._in_flight if key < epoch]:
            del self._in_flight[earlier]
        if pending is None:
            return None
        self.clock.add_message(shown_ms, now_s)
        self.clock.add_delivery(pending.sent_s, received_ms, now_s)
        offset_ms = self.clock.offset_ms

        def to_agent_clock(viewer_ms: float) -> float | None:
            return None if offset_ms is None else round(viewer_ms + offset_ms, 3)

        frame = TraceFrame(
            epoch=epoch,
            damaged=round(pending.times.damaged_s * 1000, 3),
            captured=round(pending.times.captured_s * 1000, 3),
            diffed=round(pending.times.diffed_s * 1000, 3),
            encoded=round(pending.encoded_s * 1000, 3),
            sent=round(pending.sent_s * 1000, 3),
            received=to_agent_clock(received_ms),
            decoded=to_agent_clock(decoded_ms),
            shown=to_agent_clock(shown_ms),
            acked=round(now_s * 1000, 3),
            tiles=pending.tiles,
            bytes=pending.size_bytes,
        )
        self._acked.append(frame)
        return frame

    def take_acked(self) -> list[TraceFrame]:
        """Returns the frames acknowledged since the last call, oldest first."""
        frames = list(self._acked)
        self._acked.clear()
        return frames
