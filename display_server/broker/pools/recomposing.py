"""Changes pools to other versions of their images. `rollout.py` decides; this part knows pools and images."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import structlog

from display_server.broker.audit.entry import AuditEntry
from display_server.broker.pools.conditions import PoolConditions
from display_server.broker.pools.definition import definition_of
from display_server.broker.pools.images import Images
from display_server.broker.pools.plan import Canaries, Member, Pool
from display_server.broker.pools.rollout import Phase, Rollout
from display_server.broker.tables import Desktop
from display_server.errors import ConfigurationError

log = structlog.get_logger(__name__)


class Recomposing:
    """The versions of all pools. `now_s` returns seconds since the epoch."""

    def __init__(self, conditions: PoolConditions, images: Images, now_s: Callable[[], float]) -> None:
        self._conditions = conditions
        self._now_s = now_s
        self.images = images

    async def recompose(
        self,
        desktop: Desktop,
        version: str,
        *,
        percent: int = 100,
        within_s: float | None = None,
        entry: AuditEntry | None = None,
    ) -> Rollout:
        """Begins to change a pool to another version, with `percent` of its desktops first. Records `entry`.

        Desktops that people have go on until they end, at most for `within_s` after the canaries have proved
        themselves. Raises ConfigurationError, and StorageError.
        """
        if not 1 <= percent <= 100:
            raise ConfigurationError(
                f"The share of the first desktops must be from 1 to 100 %, not {percent}.",
                hint="Leave it out to change all desktops at once.",
            )
        known = self.images.versions(desktop.profile)
        if version not in known:
            raise ConfigurationError(
                f"There is no version {version!r} of the profile {desktop.profile!r}.",
                hint=f"There are: {', '.join(known)}. docs/pools.md explains how to add one.",
            )
        found = self.of(desktop.name).recompose(version, percent, within_s, self._now_s())
        return await self._store(desktop, found, entry)

    async def roll_back(self, desktop: Desktop, *, entry: AuditEntry | None = None) -> Rollout:
        """Returns a pool to its former version, at once, and records `entry`.

        Raises ConfigurationError and StorageError.
        """
        return await self._store(desktop, self.of(desktop.name).roll_back(self._now_s()), entry)

    def of(self, name: str) -> Rollout:
        """Returns the versions of a pool."""
        return self._conditions.of(name).rollout

    def definition(self, desktop: Desktop, *, canary: bool = False) -> str:
        """Returns the definition of the desktops that start now."""
        version = self._version(desktop, canary=canary)
        return definition_of(desktop, version, self.images.fingerprint(desktop.profile, version))

    def profile(self, desktop: Desktop, *, canary: bool = False) -> str:
        """Returns the profile of the desktops that start now, for a launcher."""
        return self.images.profile(desktop.profile, self._version(desktop, canary=canary))

    def canaries(self, desktop: Desktop, desktops: int) -> Canaries | None:
        """Returns the canaries of a pool that is to have this number of desktops."""
        rollout = self.of(desktop.name)
        if rollout.phase is not Phase.CANARY:
            return None
        return Canaries(self.definition(desktop, canary=True), rollout.canaries(desktops))

    def deadline_s(self, name: str) -> float | None:
        """Returns when desktops of the former version end; None if they end only by themselves."""
        rollout = self.of(name)
        return rollout.deadline_s if rollout.phase is Phase.ROLLING else None

    def failed(self, desktop: Desktop, definition: str, error: str, most: int) -> bool:
        """Takes note of a failure. Returns whether it was that of a canary, and so not one of the pool."""
        rollout = self.of(desktop.name)
        if rollout.phase is not Phase.CANARY or definition != self.definition(desktop, canary=True):
            return False
        self._use(desktop, rollout.failed(error, most))
        return True

    def observe(self, desktop: Desktop, pool: Pool, members: Sequence[Member]) -> None:
        """Takes note of the desktops that run."""
        alive = [member for member in members if not member.ending]
        working = sum(pool.is_canary(member.definition) and not member.starting for member in alive)
        former = sum(not pool.accepts(member.definition) for member in alive)
        wanted = pool.canaries.wanted if pool.canaries is not None else 0
        rollout = self.of(desktop.name)
        self._use(
            desktop, rollout.observed(working=working, wanted=wanted, former=former, now_s=self._now_s())
        )

    def _version(self, desktop: Desktop, *, canary: bool) -> str:
        rollout = self.of(desktop.name)
        return rollout.target if canary and rollout.target is not None else rollout.version

    async def _store(self, desktop: Desktop, rollout: Rollout, entry: AuditEntry | None) -> Rollout:
        await self._conditions.store_rollout(desktop.name, rollout, entry)
        _log_change(desktop.name, rollout)
        return rollout

    def _use(self, desktop: Desktop, rollout: Rollout) -> None:
        before = self.of(desktop.name)
        if rollout != before:
            self._conditions.use_rollout(desktop.name, rollout)
            if rollout.phase is not before.phase:
                _log_change(desktop.name, rollout)


def _log_change(pool: str, rollout: Rollout) -> None:
    facts = {"pool": pool, "version": rollout.version, "target": rollout.target}
    if rollout.phase is Phase.STOPPED:
        log.error(
            "recomposing stopped, because the first desktops of the new version failed",
            **facts,
            error=rollout.error,
            next_step="Mend the new version and recompose again; the former one is in use.",
        )
    else:
        log.info("pool recomposing", phase=rollout.phase.value, **facts)
