"""Says that something has changed, without saying what. Pure."""

from __future__ import annotations

from collections.abc import Callable


class ChangeSignal:
    """Calls everybody who wants to know, at once and without an argument. They must be quick and not fail."""

    def __init__(self) -> None:
        self._listeners: list[Callable[[], None]] = []

    def connect(self, listener: Callable[[], None]) -> None:
        self._listeners.append(listener)

    def emit(self) -> None:
        for listener in self._listeners:
            listener()
