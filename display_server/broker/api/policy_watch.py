"""Keeps what is open in line with the policies that are in force, while rules, groups and addresses change.

It replaces the policy of viewers at their agents, the time after which screens are locked, and the limits of
desktops; and it disconnects viewers at addresses from which work is not allowed any more. What an agent does
not confirm ends with the viewer, which reconnects and is admitted under the present policy.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping

import msgspec
import structlog

from display_server.broker.agent_page import read_agent_page
from display_server.broker.audit.entry import Action, AuditEntry, Origin, Outcome, Role
from display_server.broker.devices.device_facts import tags_of
from display_server.broker.live_session import LiveSession
from display_server.broker.policy.policies import Policies
from display_server.broker.policy.resolution import Effective
from display_server.broker.policy.seen_browsers import SeenBrowser, SeenBrowsers
from display_server.broker.policy.session_limits import SessionLimits
from display_server.broker.policy.session_values import (
    hours_in_s,
    idle_lock_s,
    network_allowed,
    session_policy,
)
from display_server.broker.session_state import SessionState
from display_server.broker.sessions import Sessions
from display_server.broker.storage_failures import StorageError
from display_server.broker.viewers import Viewers
from display_server.broker.web_sessions import SignedInUser, WebSessions, device_of
from display_server.broker_link.agent_address import AgentAddress
from display_server.broker_link.messages import OpenViewer
from display_server.desktop.session_policy import SessionPolicy
from display_server.errors import Malfunction
from display_server.protocol.agent_pages import MESSAGE_PATH, POLICY_PATH
from display_server.protocol.subprotocol import DEVICE_HEADER, POLICY_HEADER

log = structlog.get_logger(__name__)

#: Interval between two reviews without a reason, s. So much later at most, a change that nobody reported is
#: in force: one of a group, or one that another server with the same database has made.
INTERVAL_S = 10.0
#: Shortest interval, s: a review resolves the policies of everybody who is signed in.
INTERVAL_MIN_S = 1.0
#: A viewer may be admitted this time, s, before it reaches its agent, and would miss a change meanwhile.
SETTLED_S = 15.0


class PolicyWatch:
    """`run` reviews regularly. `monotonic_s` is a clock that never goes back, in seconds."""

    def __init__(
        self,
        policies: Policies,
        sessions: Sessions,
        viewers: Viewers,
        web_sessions: WebSessions,
        close: Callable[[AuditEntry], Awaitable[None]],
        *,
        monotonic_s: Callable[[], float],
    ) -> None:
        self._policies = policies
        self._sessions = sessions
        self._viewers = viewers
        self._web_sessions = web_sessions
        self._close = close
        self._monotonic_s = monotonic_s
        self._requested = asyncio.Event()
        self._reviewing = asyncio.Lock()
        self._sent: dict[str, SessionPolicy] = {}  # by viewer: what its agent has certainly
        self._admitted_s: dict[str, float] = {}  # by viewer
        self._opened_from: dict[str, SeenBrowser] = {}  # by session: the last browser that displayed it
        self.seen = SeenBrowsers()
        #: Limits that policies set, by session, s; None is no limit. Others have those of the configuration.
        self.unattended_limits_s: Mapping[str, float | None] = {}
        self.session_limits = SessionLimits()
        policies.on_changed = self.request

    def request(self) -> None:
        """Asks for a review soon."""
        self._requested.set()

    def on_request(self, user: SignedInUser, address: str) -> None:
        """Takes note from where a browser is used. One that has moved is reviewed soon."""
        browser = SeenBrowser(user.username, address, tags_of(user.device))
        if self.seen.see(user.id_hash, browser) and self._policies.rules:
            self.request()

    async def policy_for(self, viewer: OpenViewer) -> SessionPolicy | None:
        """Returns what a viewer that is being admitted may do; None: what its desktop allows all of them.

        Raises StorageError.
        """
        session = self._sessions.by_id(viewer.session)
        if session is None:
            return None
        groups = await self._policies.groups_of([viewer.username])
        browser = self.seen.find(bytes.fromhex(viewer.web_session))
        effective = self._effective(viewer.username, session, browser, groups)
        started = _started_with(session)
        found = session_policy(effective, started)
        self._admitted_s[viewer.viewer] = self._monotonic_s()
        self._sent[viewer.viewer] = found
        return found if found != started else None

    async def run(self) -> None:
        """Reviews at each interval and on request, until it is cancelled."""
        while True:
            try:
                async with asyncio.timeout(INTERVAL_S):
                    await self._requested.wait()
            except TimeoutError:
                pass  # the regular review
            self._requested.clear()
            try:
                await self._policies.load()
                await self.review()
            except StorageError:
                log.warning("policies not reviewed; those of before stay in force")
            except Malfunction as error:
                log.error("policies not read", cause=error.cause, next_step=error.next_step)
            except Exception:
                log.exception("policies not reviewed; those of before stay in force")
            await asyncio.sleep(INTERVAL_MIN_S)

    async def review(self) -> int:
        """Puts the present policies into force for all that is open.

        Returns how many viewers were disconnected. Raises StorageError.
        """
        async with self._reviewing:
            open_viewers = self._viewers.open
            names = {viewer.viewer for viewer in open_viewers}
            self._sent = {viewer: sent for viewer, sent in self._sent.items() if viewer in names}
            self._admitted_s = {viewer: at for viewer, at in self._admitted_s.items() if viewer in names}
            running = {session.id: session for session in self._sessions.live() if session.opened}
            self._note_openings(open_viewers, running)
            people = {session.username or "" for session in running.values()}
            owners = await self._web_sessions.owners() if self._policies.rules else {}
            groups = await self._policies.groups_of({*people, *owners.values()})
            self._use_lock_limits(owners, groups)
            self._use_session_limits(running.values(), groups)
            stayed = await asyncio.gather(
                *(self._review_viewer(viewer, running.get(viewer.session), groups) for viewer in open_viewers)
            )
            return stayed.count(False)

    async def warn(self) -> None:
        """Has the pages of those people ask for messages whose desktops end soon, because time is over."""
        found = self.session_limits.take_warnings(self._web_sessions.now_s())
        sessions = [session for name in found if (session := self._sessions.by_id(name)) is not None]
        for session in sessions:
            log.info("desktop ends soon", session=session.id, username=session.username)
        await asyncio.gather(
            *(
                read_agent_page(AgentAddress.of(session.spec), MESSAGE_PATH)
                for session in sessions
                if session.state is SessionState.READY
            )
        )

    async def _review_viewer(
        self, viewer: OpenViewer, session: LiveSession | None, groups: Mapping[str, Mapping[str, int]]
    ) -> bool:
        """Puts the policy of a viewer into force. Returns whether it goes on."""
        browser = self.seen.find(bytes.fromhex(viewer.web_session))
        if session is None or browser is None:
            return True  # the desktop ends, or the page says soon where the viewer is
        effective = self._effective(viewer.username, session, browser, groups)
        if not network_allowed(effective, self._policies.facts({}, address=browser.address)):
            await self._disconnect(viewer, session, browser, effective)
            return False
        return await self._send(viewer, session, session_policy(effective, _started_with(session)))

    def _effective(
        self,
        username: str,
        session: LiveSession,
        browser: SeenBrowser | None,
        groups: Mapping[str, Mapping[str, int]],
    ) -> Effective:
        return self._policies.resolve(
            self._policies.facts(
                groups.get(username, {}),
                desktop=session.spec.desktop,
                address=browser.address if browser else "",
                tags=browser.tags if browser else frozenset(),
            )
        )

    def _note_openings(self, viewers: Iterable[OpenViewer], running: Mapping[str, LiveSession]) -> None:
        """Takes note from where desktops are displayed: their limits depend on it also afterwards."""
        for viewer in viewers:
            browser = self.seen.find(bytes.fromhex(viewer.web_session))
            if browser is not None:
                self._opened_from[viewer.session] = browser
        self._opened_from = {
            session: browser for session, browser in self._opened_from.items() if session in running
        }

    def _use_lock_limits(self, owners: Mapping[bytes, str], groups: Mapping[str, Mapping[str, int]]) -> None:
        limits_s: dict[bytes, float] = {}
        if self._policies.sets("idle_lock_minutes"):
            for id_hash, username in owners.items():
                browser = self.seen.find(id_hash)
                effective = self._policies.resolve(
                    self._policies.facts(
                        groups.get(username, {}),
                        address=browser.address if browser else "",
                        tags=browser.tags if browser else frozenset(),
                    )
                )
                if effective.from_policy("idle_lock_minutes"):
                    limits_s[id_hash] = idle_lock_s(effective)
        self._web_sessions.use_own_lock_limits(limits_s)

    def _use_session_limits(
        self, running: Iterable[LiveSession], groups: Mapping[str, Mapping[str, int]]
    ) -> None:
        unattended_s: dict[str, float | None] = {}
        longest_s: dict[str, float] = {}
        since_s: dict[str, float] = {}
        for session in running:
            browser = self._opened_from.get(session.id)
            if browser is None:
                browser = SeenBrowser(session.username or "", session.origin.address or "", frozenset())
            effective = self._effective(session.username or "", session, browser, groups)
            if effective.from_policy("unattended_hours"):
                unattended_s[session.id] = hours_in_s(effective, "unattended_hours")
            limit_s = hours_in_s(effective, "session_hours")
            if limit_s is not None:
                longest_s[session.id], since_s[session.id] = limit_s, session.since_s
        self.unattended_limits_s = unattended_s
        self.session_limits.observe(longest_s, since_s, self._web_sessions.now_s())

    async def _disconnect(
        self, viewer: OpenViewer, session: LiveSession, browser: SeenBrowser, effective: Effective
    ) -> None:
        """Disconnects a viewer whose address may not be used any more. It learns why when it reconnects."""
        origin = effective.resolved["allowed_networks"].origin_in_words
        log.info("viewer disconnected: network not allowed", viewer=viewer.viewer, session=session.id)
        self._viewers.disconnect_viewer(viewer.viewer)
        entry = refused_network(
            self._web_sessions.now_s(),
            viewer.username,
            Origin(browser.address, device_of(bytes.fromhex(viewer.web_session))),
            f"desktop:{viewer.username}/{session.spec.desktop}",
            origin,
        )
        await self._close(entry)

    async def _send(self, viewer: OpenViewer, session: LiveSession, wanted: SessionPolicy) -> bool:
        """Replaces the policy of a viewer if it has another one. Returns whether the viewer may go on."""
        if self._sent.get(viewer.viewer) == wanted or session.state is not SessionState.READY:
            return True
        headers = {
            DEVICE_HEADER: device_of(bytes.fromhex(viewer.web_session)),
            POLICY_HEADER: msgspec.json.encode(wanted).decode(),
        }
        taken = await read_agent_page(AgentAddress.of(session.spec), POLICY_PATH, headers) is not None
        if not taken and (self._policies.rules or viewer.viewer in self._sent):
            log.warning("agent does not take the policy; the viewer is disconnected", viewer=viewer.viewer)
            self._viewers.disconnect_viewer(viewer.viewer)
            return False
        if self._monotonic_s() - self._admitted_s.get(viewer.viewer, -SETTLED_S) >= SETTLED_S:
            self._sent[viewer.viewer] = wanted
        return True


def refused_network(now_s: float, username: str, origin: Origin, target: str, policy: str) -> AuditEntry:
    """Returns the entry of an act that was refused, or ended, because of the address."""
    return AuditEntry(
        now_s,
        Action.NETWORK_REFUSED,
        Outcome.REFUSED,
        account=username,
        role=Role.SERVER,
        address=origin.address,
        device=origin.device,
        object=target,
        reason=policy,
    )


def _started_with(session: LiveSession) -> SessionPolicy:
    return SessionPolicy.configured(session.spec.clipboard, share=session.spec.share)
