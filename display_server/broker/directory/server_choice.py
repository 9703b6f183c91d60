"""Which of the directory's servers to ask. Pure: time is an argument.

    up ── failed ──► down ── probe begun ──► probing ── succeeded ──► up
                      ▲ └─ probe failed ─────────┘

Only probes in the background use a server that is down. So a server that is dead or hangs delays those whose
requests it had, and nobody afterwards.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

#: Time between the failure of a server and its first probe, and between two probes, s.
RETRY_S = 10.0


class ServerState(Enum):
    UP = "up"
    DOWN = "down"
    PROBING = "probing"


class ServerEvent(Enum):
    FAILED = "failed"
    PROBE_BEGUN = "probe begun"
    SUCCEEDED = "succeeded"


TABLE: Mapping[ServerState, Mapping[ServerEvent, ServerState]] = {
    ServerState.UP: {
        ServerEvent.FAILED: ServerState.DOWN,
        ServerEvent.SUCCEEDED: ServerState.UP,
    },
    ServerState.DOWN: {
        ServerEvent.FAILED: ServerState.DOWN,  # a request that began before
        ServerEvent.PROBE_BEGUN: ServerState.PROBING,
        ServerEvent.SUCCEEDED: ServerState.DOWN,  # the same; only a probe proves that it works again
    },
    ServerState.PROBING: {
        ServerEvent.FAILED: ServerState.DOWN,
        ServerEvent.SUCCEEDED: ServerState.UP,
    },
}


@dataclass(slots=True)
class _Server:
    state: ServerState = ServerState.UP
    failed_s: float = 0.0


class ServerChoice:
    """The states of `count` servers, of which the first is preferred."""

    def __init__(self, count: int, *, retry_s: float = RETRY_S) -> None:
        self._servers = [_Server() for _ in range(count)]
        self._retry_s = retry_s

    def usable(self) -> list[int]:
        """Returns the servers to ask, in this order; none if all are down."""
        return [number for number, server in enumerate(self._servers) if server.state is ServerState.UP]

    @property
    def all_down(self) -> bool:
        return not self.usable()

    def state_of(self, number: int) -> ServerState:
        return self._servers[number].state

    def due_probes(self, now_s: float) -> list[int]:
        """Returns the servers to probe now, and counts their probes as begun."""
        due = [
            number
            for number, server in enumerate(self._servers)
            if server.state is ServerState.DOWN and now_s - server.failed_s >= self._retry_s
        ]
        for number in due:
            self._apply(number, ServerEvent.PROBE_BEGUN)
        return due

    def failed(self, number: int, now_s: float) -> bool:
        """Notes that a server did not answer. Returns whether this is new."""
        was_up = self._servers[number].state is ServerState.UP
        self._servers[number].failed_s = now_s
        self._apply(number, ServerEvent.FAILED)
        return was_up

    def succeeded(self, number: int) -> bool:
        """Notes that a server has answered. Returns whether it works again."""
        was_up = self._servers[number].state is ServerState.UP
        self._apply(number, ServerEvent.SUCCEEDED)
        return not was_up and self._servers[number].state is ServerState.UP

    def _apply(self, number: int, event: ServerEvent) -> None:
        server = self._servers[number]
        server.state = TABLE[server.state][event]
