"""Everything behind the public door, wired by `serve.py` and used by the API."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from display_server.broker.accounts import Accounts
from display_server.broker.sign_in_limiter import SignInLimit
from display_server.broker.catalogue import Catalogue
from display_server.broker.display_checks import Checks
from display_server.broker.session_state import SessionState
from display_server.broker.sessions import Sessions
from display_server.broker.web_sessions import WebSessions
from display_server.gateway.metrics import AgentAddress, GatewayMetrics
from display_server.gateway.relay import Admission, Relays
from display_server.gateway.static_client import StaticClient
from display_server.gateway.tickets import Tickets


@dataclass
class GatewayServices:
    """`names`: hosts by which browsers may come. `root_pem`: the local authority's root, None with an own
    certificate.
    """

    accounts: Accounts
    web_sessions: WebSessions
    catalogue: Catalogue
    sessions: Sessions
    checks: Checks
    client: StaticClient
    names: frozenset[str]
    root_pem: bytes | None
    tickets: Tickets = field(default_factory=Tickets)
    limit: SignInLimit = field(default_factory=SignInLimit)
    monotonic_s: Callable[[], float] = time.monotonic
    relays: Relays = field(init=False)
    metrics: GatewayMetrics = field(init=False)

    def __post_init__(self) -> None:
        self.relays = Relays(
            Admission(self.names, self.tickets, self.web_sessions.find_hash, self._socket_of)
        )
        self.metrics = GatewayMetrics(self.relays, self.sessions)

    def _socket_of(self, session_id: str) -> Path | None:
        session = self.sessions.by_id(session_id)
        return session.spec.socket if session and session.state is SessionState.READY else None

    def agents(self) -> list[AgentAddress]:
        return [
            AgentAddress(session.id, session.spec.desktop, session.spec.socket)
            for session in self.sessions.live()
            if session.state is SessionState.READY
        ]

    async def sweep(self) -> None:
        """Once a minute: expired web sessions go, and their viewers with them. An open viewer is use."""
        for web_session in {relay.ticket.web_session for relay in self.relays.open if relay.ticket}:
            id_hash = bytes.fromhex(web_session)
            if await self.web_sessions.find_hash(id_hash) is None:
                self.relays.drop(id_hash)
        await self.web_sessions.sweep()
