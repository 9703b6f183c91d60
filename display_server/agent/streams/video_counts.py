"""What one viewer was sent as video."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class VideoCounts:
    """Counts since the viewer connected."""

    frames: int = 0
    bytes: int = 0
    #: The same frames at 3 bytes per pixel.
    raw_bytes: int = 0
    #: Frames that were not encoded, because the link was full or the frame before was still being encoded.
    skipped: int = 0
    #: `bytes` and `raw_bytes` when the latest motion began.
    _motion_start: tuple[int, int] = (0, 0)

    def begin_motion(self) -> None:
        self._motion_start = self.bytes, self.raw_bytes

    @property
    def ratio(self) -> float | None:
        """Raw bytes per byte sent since the latest motion began, or None before its first frame."""
        sent, raw = self.bytes - self._motion_start[0], self.raw_bytes - self._motion_start[1]
        return round(raw / sent, 1) if sent else None
