"""The floating pools of a server: starts desktops ahead, assigns them, and ends those that nobody needs.

`plan.py` decides and `breaker.py` restrains; this is the part with a clock, the store and the sessions.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

import structlog

from display_server.broker.audit.entry import NOWHERE, AuditEntry, Origin
from display_server.broker.change_signal import ChangeSignal
from display_server.broker.desktop_specs import DesktopSpecs
from display_server.broker.lease import TaskLease
from display_server.broker.live_session import LiveSession, PoolPlace
from display_server.broker.pools.breaker import Breaker, BreakerState
from display_server.broker.pools.definition import definition_of, pool_of
from display_server.broker.pools.errors import pool_full, pool_in_maintenance, pool_restrained
from display_server.broker.pools.plan import End, Member, Pool, choose, free_places, plan
from display_server.broker.pools.schedule import spare_at
from display_server.broker.pools.states import KeptState, PoolStates
from display_server.broker.session_state import EndedBy, SessionState
from display_server.broker.sessions import Sessions
from display_server.broker.storage_failures import StorageError
from display_server.broker.tables import Desktop
from display_server.desktop.pool_settings import PoolSettings

log = structlog.get_logger(__name__)

#: Interval between two looks at all pools, s. Changes of a session are looked at at once.
INTERVAL_S = 2.0


@dataclass(frozen=True, slots=True)
class PoolReport:
    """What an operator wants to know of a pool."""

    name: str
    maximum: int
    spare: int  # how many ought to wait now
    waiting: int  # ready, and assigned to nobody
    starting: int  # assigned to nobody yet
    assigned: int
    ending: int
    maintenance: bool
    breaker: Breaker


class Pools:
    """All floating pools. `local_time` returns the server's local time, `now_s` seconds since the epoch."""

    def __init__(
        self,
        sessions: Sessions,
        specs: DesktopSpecs,
        states: PoolStates,
        lease: TaskLease,
        *,
        now_s: Callable[[], float] = time.time,
        local_time: Callable[[], datetime] = datetime.now,
    ) -> None:
        self._sessions = sessions
        self._specs = specs
        self._stored = states
        self._lease = lease
        self._now_s = now_s
        self._local_time = local_time
        self._desktops: dict[str, Desktop] = {}  # those of the configuration that are floating pools
        self._states: dict[str, KeptState] = {}
        self._unsaved: set[str] = set()
        self._changed = asyncio.Event()
        #: Emitted whenever maintenance, restraint or the pools of the configuration are different.
        self.changed = ChangeSignal()
        sessions.observers.append(self._observe)

    async def load(self) -> None:
        """Reads what the store keeps. A probe of an earlier process counts as none. Raises StorageError."""
        self._states = await self._stored.load()
        for name, state in self._states.items():
            self._use_breaker(name, state.breaker.abandoned(self._now_s()))

    def use(self, desktops: Iterable[Desktop]) -> None:
        """Replaces the desktops of the configuration. Desktops that people have go on in any case."""
        self._desktops = {desktop.name: desktop for desktop in desktops if desktop.pool}
        self._changed.set()
        self.changed.emit()

    async def run(self) -> None:
        """Reconciles all pools until it is cancelled."""
        while True:
            self._changed.clear()
            try:
                await self.reconcile()
            except StorageError:
                log.warning("pools not reconciled; desktops that exist go on")
            try:
                async with asyncio.timeout(INTERVAL_S):
                    await self._changed.wait()
            except TimeoutError:
                continue

    async def reconcile(self) -> None:
        """Starts and ends what is needed now, if no other process does. Raises StorageError."""
        for name in list(self._unsaved):
            await self._stored.save(name, self._states[name])
            self._unsaved.discard(name)
        names = self._desktops.keys() | {session.spec.desktop for session in self._members()}
        if not names or not await self._lease.hold():  # without pools, nothing is written
            return
        for name in names:
            desktop = self._desktops.get(name)
            for action in plan(self._pool(desktop) if desktop else None, self._members_of(name)):
                if isinstance(action, End):
                    session = self._sessions.by_id(action.session)
                    if session is not None and session.username is None:
                        log.info("spare desktop ends", session=session.id, reason=action.reason.value)
                        self._sessions.end(session, EndedBy.POOL)
                elif desktop is not None:
                    self._start(desktop, action.place, None)

    async def open(self, username: str, desktop: Desktop, *, origin: Origin = NOWHERE) -> LiveSession:
        """Returns the person's session of a floating desktop, once it is ready.

        Whoever has none gets one that waits, or one that is started now. Raises DesktopError, which says that
        none is free or why none can be started, OnePersonError and StorageError.
        """
        session = await self._sessions.present(username, desktop.name)
        if session is None:  # nothing is awaited until the choice is made, so that nobody else gets the same
            session = await self._take(username, desktop, origin)
        return await self._sessions.until_ready(session)

    def of_person(self, username: str) -> list[tuple[LiveSession, PoolSettings]]:
        """Returns the floating desktops that a person has, with the settings of their pools."""
        return [
            (session, settings)
            for session in self._members()
            if session.username == username and (settings := self._settings(session)) is not None
        ]

    def unattended_limits_s(self) -> dict[str, float]:
        """Returns after which time without a viewer each assigned desktop ends, by session, s."""
        return {
            session.id: settings.unattended_minutes * 60
            for session in self._members()
            if session.username is not None and (settings := self._settings(session)) is not None
        }

    def has_spare(self, name: str) -> bool:
        """Returns whether a desktop of the pool waits for whoever opens it."""
        desktop = self._desktops.get(name)
        member = choose(self._pool(desktop), self._members_of(name)) if desktop else None
        return member is not None and not member.starting

    async def set_maintenance(self, name: str, wanted: bool, *, entry: AuditEntry | None = None) -> None:
        """Takes a pool out of service, or back, and records `entry`.

        Raises KeyError if there is none, and StorageError.
        """
        state = self._state(self._desktops[name].name)
        await self._stored.save(name, KeptState(wanted, state.breaker), entry)
        state.maintenance = wanted
        log.info("pool maintenance", pool=name, maintenance=wanted)
        self._changed.set()
        self.changed.emit()

    async def end_restraint(self, name: str, *, entry: AuditEntry | None = None) -> None:
        """Lets a restrained pool start desktops again, and records `entry`.

        Raises KeyError and StorageError.
        """
        state = self._state(self._desktops[name].name)
        await self._stored.save(name, KeptState(state.maintenance, Breaker()), entry)
        state.breaker = Breaker()
        log.info("pool restraint ended by an operator", pool=name)
        self._changed.set()
        self.changed.emit()

    def reports(self) -> list[PoolReport]:
        """Describes all pools of the configuration, in its order."""
        return [self._report(desktop) for desktop in self._desktops.values()]

    async def _take(self, username: str, desktop: Desktop, origin: Origin) -> LiveSession:
        pool, members = self._pool(desktop), self._members_of(desktop.name)
        member = choose(pool, members)
        session = self._sessions.by_id(member.session) if member else None
        if session is not None:
            await self._sessions.assign(session, username, origin=origin)
            return session
        state = self._state(desktop.name)
        if state.maintenance:
            raise pool_in_maintenance()
        places = free_places(pool.maximum, members)
        if not places:
            raise pool_full()
        if pool.starts_allowed == 0:
            raise pool_restrained()
        return self._start(desktop, places[0], username, origin)

    def _start(
        self, desktop: Desktop, place: int, username: str | None, origin: Origin = NOWHERE
    ) -> LiveSession:
        breaker = self._state(desktop.name).breaker
        if breaker.state is BreakerState.RESTRAINED:
            self._use_breaker(desktop.name, breaker.probing())
        spec = self._specs.of_place(place, desktop)
        found = PoolPlace(place, definition_of(desktop))
        return self._sessions.start(spec, username, found, origin=origin)

    def _observe(self, session: LiveSession) -> None:
        """Counts failures and successes of desktops of pools for their circuit breakers."""
        if session.place is None:
            return
        name, now_s = session.spec.desktop, self._now_s()
        breaker = self._state(name).breaker
        settings = self._settings(session)
        if session.state is SessionState.READY:
            self._use_breaker(name, breaker.started())
        elif session.state is SessionState.FAILED and settings is not None:
            error = session.error or "No reason is known."
            within_s = settings.within_minutes * 60
            self._use_breaker(name, breaker.failed(now_s, error, most=settings.failures, within_s=within_s))
        elif session.running is None:  # it was ended before it was ready
            self._use_breaker(name, breaker.abandoned(now_s))
        self._changed.set()

    def _use_breaker(self, name: str, breaker: Breaker) -> None:
        state = self._state(name)
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

    def _members(self) -> list[LiveSession]:
        return [session for session in self._sessions.live() if session.place is not None]

    def _settings(self, session: LiveSession) -> PoolSettings | None:
        """Returns the settings of a desktop's pool, unless the configuration has it no longer."""
        desktop = self._desktops.get(session.spec.desktop)
        return pool_of(desktop) if desktop is not None else None

    def _members_of(self, name: str) -> list[Member]:
        return [
            Member(
                session=session.id,
                place=session.place.number,
                definition=session.place.definition,
                assigned=session.username is not None,
                starting=session.state is SessionState.STARTING,
                ending=session.over,
                created_s=session.created_s,
            )
            for session in self._members()
            if session.spec.desktop == name and session.place is not None
        ]

    def _pool(self, desktop: Desktop) -> Pool:
        settings = pool_of(desktop)
        assert settings is not None
        state = self._state(desktop.name)
        return Pool(
            definition=definition_of(desktop),
            maximum=settings.maximum,
            spare=spare_at(settings, self._local_time()),
            maintenance=state.maintenance,
            starts_allowed=state.breaker.starts_allowed(self._now_s()),
        )

    def _state(self, name: str) -> KeptState:
        return self._states.setdefault(name, KeptState())

    def _report(self, desktop: Desktop) -> PoolReport:
        pool, members = self._pool(desktop), self._members_of(desktop.name)
        state = self._state(desktop.name)
        free = [member for member in members if not member.assigned and not member.ending]
        return PoolReport(
            name=desktop.name,
            maximum=pool.maximum,
            spare=pool.spare,
            waiting=sum(not member.starting for member in free),
            starting=sum(member.starting for member in free),
            assigned=sum(member.assigned and not member.ending for member in members),
            ending=sum(member.ending for member in members),
            maintenance=state.maintenance,
            breaker=state.breaker,
        )
