"""Who holds which key and button: one person must not let go what another holds. No I/O."""

from __future__ import annotations

from collections import Counter


class Holds:
    """Keys or buttons of one device, by number. Each call says whether the device has to act."""

    def __init__(self) -> None:
        self._count: Counter[int] = Counter()

    def held(self) -> list[int]:
        return [number for number, count in self._count.items() if count]

    def take(self, number: int) -> bool:
        """One more holds it. True when it was up."""
        self._count[number] += 1
        return self._count[number] == 1

    def let_go(self, number: int) -> bool:
        """One fewer holds it. True when that was the last."""
        if not self._count[number]:
            return False
        self._count[number] -= 1
        return self._count[number] == 0
