"""Who listens to changes, and what has changed since each of them was last sent something.

A change only sets a mark with each listener: whoever reads slowly gets the newest state later, and nothing is
queued.
"""

from __future__ import annotations

import asyncio
from enum import Enum

#: Listeners at most, altogether and of one person or token. Each costs a connection and a task.
LISTENERS_MAX = 100
PER_NAME_MAX = 8


class Topic(Enum):
    """What listeners are sent. The values are the names of the events."""

    OVERVIEW = "overview"
    SESSIONS = "sessions"
    POOLS = "pools"


class Listener:
    """One listener, and the topics that have changed since it last took them."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._changed: set[Topic] = set(Topic)  # everything is new at first
        self._waking = asyncio.Event()
        self._waking.set()

    def mark(self, topics: set[Topic]) -> None:
        self._changed |= topics
        self._waking.set()

    async def changes(self, timeout_s: float) -> list[Topic]:
        """Waits for changes at most this long, and takes them."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._waking.wait()
        except TimeoutError:
            return []
        self._waking.clear()
        taken = [topic for topic in Topic if topic in self._changed]
        self._changed.clear()
        return taken


class EventHub:
    """All listeners of this server."""

    def __init__(self) -> None:
        self._listeners: set[Listener] = set()
        self.generation = 0  # grows with each change

    def join(self, name: str) -> Listener | None:
        """Adds a listener; None if there are too many."""
        same = sum(listener.name == name for listener in self._listeners)
        if len(self._listeners) >= LISTENERS_MAX or same >= PER_NAME_MAX:
            return None
        listener = Listener(name)
        self._listeners.add(listener)
        return listener

    def leave(self, listener: Listener) -> None:
        self._listeners.discard(listener)

    @property
    def count(self) -> int:
        return len(self._listeners)

    def changed(self, *topics: Topic) -> None:
        """Marks topics as changed, with all listeners."""
        self.generation += 1
        for listener in self._listeners:
            listener.mark(set(topics))
