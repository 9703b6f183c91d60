"""Locks the screens of browsers where nobody is any more.

The agents say when the person at each device last gave input, and which devices lost the desktop to another
one. The page is not trusted with either: it only warns. Without an answer of an agent nobody has given input,
so that a screen is locked too early rather than never.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping

import msgspec
import structlog

from display_server.broker.agent_page import read_agent_page
from display_server.broker.audit.entry import NOWHERE, Action, AuditEntry, Origin, Role
from display_server.broker.screen_lock import LockEvent, ScreenLock
from display_server.broker.storage_failures import StorageError
from display_server.broker.viewers import Viewers
from display_server.broker.web_sessions import SignedInUser, WebSessions, device_of
from display_server.broker_link.agent_address import AgentAddress
from display_server.protocol.agent_pages import DEVICES_PATH, DeviceReport

log = structlog.get_logger(__name__)

#: Shortest interval between two examinations, s. A screen is locked at most so much later than its limit, and
#: the time that the slowest agent takes to answer.
INTERVAL_S = 2.0
#: Longest interval, s, while no lock is due. So much later a page learns at most of input in another window.
LONGEST_INTERVAL_S = 10.0


class LockWatch:
    """Asks the agents, and locks what is due. `agents` returns those of all desktops that are ready."""

    def __init__(
        self,
        web_sessions: WebSessions,
        viewers: Viewers,
        agents: Callable[[], list[AgentAddress]],
        record: Callable[[AuditEntry], Awaitable[None]],
    ) -> None:
        self._web_sessions = web_sessions
        self._record = record
        self._unlocked: dict[bytes, ScreenLock] = {}  # as the database had them last
        self._viewers = viewers
        self._agents = agents
        # When devices lost a desktop, by desktop session and device, in wall-clock time. An agent that is
        # restarted forgets it.
        self._lost_s: dict[tuple[str, str], float] = {}
        self._losses_handled: set[tuple[str, str]] = set()
        self._silent: set[str] = set()  # sessions whose agent did not answer

    async def run_once(self) -> float:
        """Records the newest input, then locks the screens that are due.

        Returns the seconds until the next call: a screen that is due sooner is not kept waiting.
        """
        agents = self._agents()
        reports = await asyncio.gather(*(self._ask(agent) for agent in agents))
        self._forget_ended({agent.session for agent in agents})
        inputs = [report for found in reports for report in found]
        try:
            unlocked = self._unlocked = await self._web_sessions.unlocked()
        except StorageError:
            await self._lock_without_database(inputs)
            raise
        devices = {device_of(id_hash): id_hash for id_hash in unlocked}
        await self._record_inputs(devices, inputs)
        await self._lock_former_devices(devices, unlocked)
        for id_hash in await self._web_sessions.lock_idle():
            log.info("screen locked", reason="no input", device=device_of(id_hash))
            self._viewers.disconnect_web_session(id_hash)
        return self._interval_s(unlocked)

    async def may_display(self, user: SignedInUser, session: str, *, origin: Origin = NOWHERE) -> bool:
        """Returns whether this browser may display a desktop without another proof of the person.

        Otherwise its screen is locked.
        """
        for agent in self._agents():
            if agent.session == session:
                await self._ask(agent)
        lost_s = self._lost_s.get((session, device_of(user.id_hash)))
        now, limits = self._web_sessions.now_s(), self._web_sessions.lock_limits
        if lost_s is None:
            return True
        if user.lock.takes_back(lost_s, now, limits):
            entry = AuditEntry(
                now,
                Action.DESKTOP_TAKEN_BACK,
                account=user.username,
                address=origin.address,
                device=device_of(user.id_hash),
                reason=f"session {session}, lost {now - lost_s:.0f} s before",
            )
            await self._record(entry)
            return True
        await self.lock(user.id_hash, LockEvent.DEVICE_LOST)
        return False

    async def lock(
        self, id_hash: bytes, event: LockEvent, *, role: Role = Role.SERVER, origin: Origin = NOWHERE
    ) -> None:
        """Locks a screen at once and disconnects its viewers, also while the database cannot be used."""
        await self._web_sessions.lock(id_hash, event, role=role, origin=origin)
        self._viewers.disconnect_web_session(id_hash)
        self._unlocked.pop(id_hash, None)
        log.info("screen locked", reason=event.value, device=device_of(id_hash))

    async def _lock_without_database(self, reports: Iterable[DeviceReport]) -> None:
        """Locks the screens that are due by what was known last, and by what the agents say now."""
        now = self._web_sessions.now_s()
        devices = {device_of(id_hash): id_hash for id_hash in self._unlocked}
        for report in reports:
            id_hash = devices.get(report.device)
            if id_hash is not None and report.input_age_s is not None:
                lock = self._unlocked[id_hash]
                self._unlocked[id_hash] = lock.after(LockEvent.INPUT, now - report.input_age_s)
        for id_hash, lock in list(self._unlocked.items()):
            if lock.at(now, self._web_sessions.lock_limits_of(id_hash)).locked:
                await self.lock(id_hash, LockEvent.LOCK_DUE)
        await self._lock_former_devices(devices, dict(self._unlocked))

    async def _ask(self, agent: AgentAddress) -> list[DeviceReport]:
        """Returns what an agent knows of devices, and remembers their losses.

        Returns nothing when the agent does not answer.
        """
        page = await read_agent_page(agent, DEVICES_PATH)
        try:
            reports = msgspec.json.decode(page or b"", type=list[DeviceReport])
        except msgspec.MsgspecError as error:
            if agent.session not in self._silent:
                self._silent.add(agent.session)
                reason = "no answer" if page is None else str(error)
                log.warning("agent does not say who gives input", session=agent.session, reason=reason)
            return []
        self._silent.discard(agent.session)
        now = self._web_sessions.now_s()
        for report in reports:
            loss = agent.session, report.device
            if report.lost_age_s is None:
                self._lost_s.pop(loss, None)
                self._losses_handled.discard(loss)
            else:
                self._lost_s.setdefault(loss, now - report.lost_age_s)
        return reports

    def _interval_s(self, locks: Mapping[bytes, ScreenLock]) -> float:
        now, limits = self._web_sessions.now_s(), self._web_sessions.lock_limits
        due_s = [
            lock.remaining_s(now, self._web_sessions.lock_limits_of(id_hash))
            for id_hash, lock in locks.items()
        ]
        due_s += [
            lost_s + limits.take_back_s - now
            for loss, lost_s in self._lost_s.items()
            if loss not in self._losses_handled
        ]
        # Whoever signs in now must not be noticed after their limit.
        longest_s = min(LONGEST_INTERVAL_S, self._web_sessions.shortest_lock_s / 4)
        return max(INTERVAL_S, min([longest_s, *due_s]))

    def _forget_ended(self, sessions: set[str]) -> None:
        """Forgets what is known of desktops that have ended."""
        self._silent &= sessions
        for loss in [loss for loss in self._lost_s if loss[0] not in sessions]:
            del self._lost_s[loss]
            self._losses_handled.discard(loss)

    async def _record_inputs(self, devices: Mapping[str, bytes], reports: Iterable[DeviceReport]) -> None:
        now = self._web_sessions.now_s()
        inputs: dict[bytes, float] = {}
        for report in reports:
            id_hash = devices.get(report.device)
            if id_hash is not None and report.input_age_s is not None:
                inputs[id_hash] = max(inputs.get(id_hash, 0.0), now - report.input_age_s)
        await self._web_sessions.record_inputs(inputs)

    async def _lock_former_devices(
        self, devices: Mapping[str, bytes], locks: Mapping[bytes, ScreenLock]
    ) -> None:
        """Locks the devices that lost their desktop some time ago and display no other one.

        A device that displays another desktop is in use; there, only taking the lost one back needs a proof.
        """
        now, limits = self._web_sessions.now_s(), self._web_sessions.lock_limits
        displaying = {device_of(bytes.fromhex(viewer.web_session)) for viewer in self._viewers.open}
        for loss, lost_s in list(self._lost_s.items()):
            if loss in self._losses_handled or now - lost_s < limits.take_back_s:
                continue
            self._losses_handled.add(loss)
            id_hash = devices.get(loss[1])
            if id_hash is None or id_hash not in locks or loss[1] in displaying:
                continue
            if not locks[id_hash].takes_back(lost_s, now, limits):
                await self.lock(id_hash, LockEvent.DEVICE_LOST)
