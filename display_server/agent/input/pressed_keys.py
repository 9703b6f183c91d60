"""Counts how many viewers hold each key or button. No I/O."""

from __future__ import annotations

from collections import Counter


class PressedKeys:
    """The keys or buttons of one device, by number.

    Several viewers share a device. A key stays down until the last viewer that holds it releases it.
    """

    def __init__(self) -> None:
        self._count: Counter[int] = Counter()

    def numbers(self) -> list[int]:
        """Returns the keys that are down."""
        return [number for number, count in self._count.items() if count]

    def press(self, number: int) -> bool:
        """Records that one more viewer holds the key. Returns whether it was up before."""
        self._count[number] += 1
        return self._count[number] == 1

    def release(self, number: int) -> bool:
        """Records that one viewer fewer holds the key. Returns whether it is up now and was down before."""
        if not self._count[number]:
            return False
        self._count[number] -= 1
        return self._count[number] == 0
