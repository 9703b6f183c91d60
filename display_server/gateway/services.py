"""The services that the gateway's HTTP interface uses. `server/serve.py` composes them."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from display_server.broker.accounts import Accounts
from display_server.broker.busy_processes import BusyProcesses
from display_server.broker.catalogue import Catalogue
from display_server.broker.display_checks import DisplayChecks
from display_server.broker.known_devices import KnownDevices
from display_server.broker.session_state import SessionState
from display_server.broker.sessions import Sessions
from display_server.broker.sign_in_limiter import SignInLimiter
from display_server.broker.store import Store
from display_server.broker.unattended_desktops import UnattendedDesktops
from display_server.broker.web_sessions import WebSessions
from display_server.gateway.agent_address import AgentAddress
from display_server.gateway.lock_watch import LockWatch
from display_server.gateway.metrics import GatewayMetrics
from display_server.gateway.proxies import PublicAccess
from display_server.gateway.relay import Relays, ViewerAdmission
from display_server.gateway.static_client import StaticClient
from display_server.gateway.tickets import Tickets
from display_server.gateway.unattended_metrics import UnattendedCollector
from display_server.gateway.video_network import VideoNetwork


@dataclass
class GatewayServices:
    """Everything that a request can need."""

    store: Store
    accounts: Accounts
    web_sessions: WebSessions
    catalogue: Catalogue
    sessions: Sessions
    display_checks: DisplayChecks
    client: StaticClient
    access: PublicAccess  # how browsers may reach the gateway
    root_pem: bytes | None  # root certificate of the local authority; None with the operator's certificate
    metrics_token: str  # whoever knows it may read /metrics
    video: VideoNetwork = field(default_factory=VideoNetwork)
    unattended: UnattendedDesktops = field(default_factory=UnattendedDesktops)
    busy_processes: BusyProcesses = field(default_factory=BusyProcesses)
    tickets: Tickets = field(default_factory=Tickets)
    sign_in_limiter: SignInLimiter = field(default_factory=SignInLimiter)
    monotonic_s: Callable[[], float] = time.monotonic
    relays: Relays = field(init=False)
    lock_watch: LockWatch = field(init=False)
    known_devices: KnownDevices = field(init=False)
    metrics: GatewayMetrics = field(init=False)

    def __post_init__(self) -> None:
        self.relays = Relays(
            ViewerAdmission(
                self.access, self.tickets, self.web_sessions.find_by_hash, self._agent_of, self.video
            )
        )
        self.metrics = GatewayMetrics(self.relays, self.sessions)
        self.lock_watch = LockWatch(self.web_sessions, self.relays, self.agents)
        self.known_devices = KnownDevices(self.store, now_s=self.web_sessions.now_s)
        self.sign_in_limiter.is_shared = lambda address: self.access.is_shared(address)
        self.metrics.add(UnattendedCollector(self.unattended, self.busy_processes))

    def use_access(self, access: PublicAccess) -> None:
        """Replaces how browsers may reach the gateway, from the next request on."""
        self.access = access
        self.relays.admission = replace(self.relays.admission, access=access)

    def use_video(self, video: VideoNetwork) -> None:
        """Replaces what agents get of the network, from the next connection of a viewer's video on."""
        self.video = video
        self.relays.admission = replace(self.relays.admission, video=video)

    def _agent_of(self, session_id: str) -> AgentAddress | None:
        session = self.sessions.by_id(session_id)
        ready = session is not None and session.state is SessionState.READY and not session.stopping
        return AgentAddress.of(session.spec) if session is not None and ready else None

    def agents(self) -> list[AgentAddress]:
        """Returns the addresses of the agents of all desktops that are ready."""
        return [
            AgentAddress.of(session.spec)
            for session in self.sessions.live()
            if session.state is SessionState.READY
        ]

    def ends_in_s(self, session_id: str) -> float | None:
        """Returns after which time a desktop ends if nobody opens it; None if it does not end."""
        return self.unattended.ends_in_s(session_id, self.monotonic_s())

    async def end_expired_web_sessions(self) -> None:
        """Deletes expired web sessions and disconnects their viewers. The server calls this once a minute."""
        for web_session in {relay.ticket.web_session for relay in self.relays.open if relay.ticket}:
            id_hash = bytes.fromhex(web_session)
            if await self.web_sessions.find_by_hash(id_hash) is None:
                self.relays.disconnect(id_hash)
        await self.web_sessions.delete_expired()
