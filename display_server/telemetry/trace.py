"""Where the time of each frame went, from damage to the viewer's surface. Pure: times come in, seconds."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from display_server.protocol.messages import TraceFrame

#: Finished frames kept for a viewer that watches; a message holds no more.
FRAMES_MAX = 256
#: What two clocks say of each other is forgotten after one to two of these: clocks drift, s.
EPOCH_S = 60.0

#: From where to where each stage lasts, as in the viewer's overlay.
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
class Stages:
    """The agent's own moments of one picture, s on its monotonic clock."""

    damaged_s: float
    captured_s: float
    diffed_s: float


class ClockOffset:
    """How far the viewer's clock is from ours, between two bounds: nothing arrives before it was sent.

    A message of the viewer bounds it from above, an update of ours that the viewer timed from below. The
    quickest of each count; the truth is taken to be in the middle.
    """

    def __init__(self) -> None:
        self._upper: list[float] = []  # of this epoch and the one before
        self._lower: list[float] = []
        self._epoch_s = -float("inf")

    def heard(self, viewer_ms: float, now_s: float) -> None:
        """The viewer's clock showed this when it sent what arrives now."""
        self._turn(now_s)
        self._upper[-1] = min(self._upper[-1], now_s * 1000 - viewer_ms)

    def timed(self, sent_s: float, received_ms: float, now_s: float) -> None:
        """What was sent then was received at this time of the viewer's clock."""
        self._turn(now_s)
        self._lower[-1] = max(self._lower[-1], sent_s * 1000 - received_ms)

    @property
    def offset_ms(self) -> float | None:
        """To be added to the viewer's times; None before anything is known."""
        upper = min(self._upper, default=float("inf"))
        lower = max(self._lower, default=-float("inf"))
        if upper == float("inf"):
            return None
        if lower == -float("inf") or lower > upper:  # the clocks drifted apart: the newest ping is right
            return upper
        return (upper + lower) / 2

    def _turn(self, now_s: float) -> None:
        if now_s - self._epoch_s >= EPOCH_S:
            self._epoch_s = now_s
            self._upper = [*self._upper[-1:], float("inf")]
            self._lower = [*self._lower[-1:], -float("inf")]


@dataclass(slots=True)
class _Pending:
    stages: Stages
    encoded_s: float
    sent_s: float
    tiles: int
    size_bytes: int


class FrameTraces:
    """Of one viewer. Bounded: the window bounds what is under way, `FRAMES_MAX` what is finished."""

    def __init__(self) -> None:
        self.clock = ClockOffset()
        self._under_way: dict[int, _Pending] = {}
        self._finished: deque[TraceFrame] = deque(maxlen=FRAMES_MAX)

    def sent(
        self, epoch: int, stages: Stages, *, encoded_s: float, sent_s: float, tiles: int, size_bytes: int
    ) -> None:
        self._under_way[epoch] = _Pending(stages, encoded_s, sent_s, tiles, size_bytes)

    def acked(
        self, epoch: int, received_ms: float, decoded_ms: float, shown_ms: float, now_s: float
    ) -> TraceFrame | None:
        """The frame with all its times; None for one that is not known (any more)."""
        pending = self._under_way.pop(epoch, None)
        for earlier in [key for key in self._under_way if key < epoch]:
            del self._under_way[earlier]
        if pending is None:
            return None
        self.clock.heard(shown_ms, now_s)
        self.clock.timed(pending.sent_s, received_ms, now_s)
        offset_ms = self.clock.offset_ms

        def carried(viewer_ms: float) -> float | None:
            return None if offset_ms is None else round(viewer_ms + offset_ms, 3)

        frame = TraceFrame(
            epoch=epoch,
            damaged=round(pending.stages.damaged_s * 1000, 3),
            captured=round(pending.stages.captured_s * 1000, 3),
            diffed=round(pending.stages.diffed_s * 1000, 3),
            encoded=round(pending.encoded_s * 1000, 3),
            sent=round(pending.sent_s * 1000, 3),
            received=carried(received_ms),
            decoded=carried(decoded_ms),
            shown=carried(shown_ms),
            acked=round(now_s * 1000, 3),
            tiles=pending.tiles,
            bytes=pending.size_bytes,
        )
        self._finished.append(frame)
        return frame

    def take(self) -> list[TraceFrame]:
        """Finished frames since the last call, oldest first."""
        frames = list(self._finished)
        self._finished.clear()
        return frames
