"""A disk that loses what was not synced when the power fails, and tears writes at the borders of sectors."""

from __future__ import annotations

import random

SECTOR_BYTES = 512


class PowerError(Exception):
    """The power failed during this step."""


class TornDisk:
    """A file on such a disk. `fail_at` is the number of writes and syncs until the power fails."""

    def __init__(self, content: bytes, seed: int) -> None:
        self._durable = bytearray(content)
        self._written: list[tuple[int, bytes]] = []  # pieces within one sector that are not durable yet
        self._draw = random.Random(seed)
        self.fail_at: int | None = None

    def read(self) -> bytes:
        content = bytearray(self._durable)
        for offset, piece in self._written:
            content[offset : offset + len(piece)] = piece
        return bytes(content)

    def write(self, offset: int, data: bytes) -> None:
        assert offset + len(data) <= len(self._durable), "the file never grows"
        while data:
            size = min(len(data), SECTOR_BYTES - offset % SECTOR_BYTES)
            self._written.append((offset, data[:size]))
            offset, data = offset + size, data[size:]
        self._step()

    def sync(self) -> None:
        self._step()
        self._apply(self._written)

    def _step(self) -> None:
        if self.fail_at is None:
            return
        self.fail_at -= 1
        if self.fail_at <= 0:
            self.fail_at = None
            self._apply([piece for piece in self._written if self._draw.random() < 0.5])
            raise PowerError

    def _apply(self, pieces: list[tuple[int, bytes]]) -> None:
        for offset, piece in pieces:
            self._durable[offset : offset + len(piece)] = piece
        self._written = []
