"""What outlasts the server of each pool, in memory and in the store: maintenance, breaker and versions."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import structlog

from display_server.broker.audit.entry import AuditEntry
from display_server.broker.change_signal import ChangeSignal
from display_server.broker.pools.breaker import Breaker, BreakerState
from display_server.broker.pools.rollout import Rollout
from display_server.broker.pools.states import KeptState, PoolStates

log = structlog.get_logger(__name__)


class PoolConditions:
    """The conditions of all pools. `now_s` returns seconds since the epoch.

    What happens to desktops changes a breaker at once, and the store with the next `save_changes`. What an
    operator changes is stored first.
    """

    def __init__(self, stored: PoolStates, now_s: Callable[[], float]) -> None:
        self._stored = stored
        self._now_s = now_s
        self._states: dict[str, KeptState] = {}
        self._unsaved: set[str] = set()
        #: Emitted whenever the condition of a pool is different.
        self.changed = ChangeSignal()

    async def load(self) -> None:
        """Reads what the store keeps. A probe of an earlier process counts as none. Raises StorageError."""
        self._states = await self._stored.load()
        for name, state in self._states.items():
            self.use_breaker(name, state.breaker.abandoned(self._now_s()))

    async def save_changes(self) -> None:
        """Stores what has changed. Raises StorageError."""
        for name in list(self._unsaved):
            await self._stored.save(name, self._states[name])
            self._unsaved.discard(name)

    def of(self, name: str) -> KeptState:
        """Returns the condition of a pool."""
        return self._states.setdefault(name, KeptState())

    async def set_maintenance(self, name: str, wanted: bool, entry: AuditEntry | None) -> None:
        """Takes a pool out of service, or back, and records `entry`. Raises StorageError."""
        state = self.of(name)
        await self._stored.save(name, dataclasses.replace(state, maintenance=wanted), entry)
        state.maintenance = wanted
        log.info("pool maintenance", pool=name, maintenance=wanted)

    async def end_restraint(self, name: str, entry: AuditEntry | None) -> None:
        """Lets a restrained pool start desktops again, and records `entry`. Raises StorageError."""
        state = self.of(name)
        await self._stored.save(name, dataclasses.replace(state, breaker=Breaker()), entry)
        state.breaker = Breaker()
        log.info("pool restraint ended by an operator", pool=name)

    async def store_rollout(self, name: str, rollout: Rollout, entry: AuditEntry | None) -> None:
        """Replaces the versions of a pool, as somebody ordered, and records `entry`. Raises StorageError."""
        state = self.of(name)
        await self._stored.save(name, dataclasses.replace(state, rollout=rollout), entry)
        state.rollout = rollout

    def use_rollout(self, name: str, rollout: Rollout) -> None:
        """Replaces the versions of a pool, because of what its desktops did."""
        self.of(name).rollout = rollout
        self._unsaved.add(name)
        self.changed.emit()

    def use_breaker(self, name: str, breaker: Breaker) -> None:
        """Replaces the circuit breaker of a pool."""
        state = self.of(name)
        before, state.breaker = state.breaker, breaker
        if breaker == before:
            return
        self._unsaved.add(name)
        self.changed.emit()
        if breaker.state is BreakerState.RESTRAINED and breaker.probe_s != before.probe_s:
            log.error(
                "pool restrained",
                pool=name,
                error=breaker.error,
                next_attempt_in_s=round((breaker.probe_s or 0) - self._now_s()),
                next_step="Mend the cause. The pool tries again by itself, or at once after "
                "`lightbox pools retry`.",
            )
        elif before.state is not BreakerState.NORMAL and breaker.state is BreakerState.NORMAL:
            log.info("pool works again", pool=name)
