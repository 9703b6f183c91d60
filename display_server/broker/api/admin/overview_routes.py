"""Who somebody is here, and the overview: how many desktops, sessions and people there are."""

from __future__ import annotations

import os
import socket

import psutil
from pydantic import BaseModel
from sqlalchemy import func, select

from display_server.broker.api.admin.acting import Acting
from display_server.broker.api.admin.authorisation import ActingNow
from display_server.broker.api.admin.people_routes import AssignmentEntry, assignment_entry
from display_server.broker.api.admin.pool_routes import PoolEntry, visible_pools
from display_server.broker.api.admin.registration import AdminRoutes
from display_server.broker.api.admin.routes import ROUTES
from display_server.broker.api.admin.session_routes import Exactness, exactness_of, visible_sessions
from display_server.broker.api.agent_figures import WHOLE, percentile_ms
from display_server.broker.api.services import BrokerServices
from display_server.broker.live_session import LiveSession
from display_server.broker.roles import limits_of
from display_server.broker.session_state import SessionState
from display_server.broker.tables import WebSession


class Me(BaseModel):
    """Who uses the API, and which scopes the roles (of a token: the roles and its scopes) open."""

    name: str
    display_name: str
    roles: list[AssignmentEntry]
    scopes: list[str]


class Host(BaseModel):
    """The host of this server. `load` is the average of the last minute; memory in bytes."""

    name: str
    load: float
    processors: int
    memory_used: int
    memory_total: int


class Overview(BaseModel):
    """`desktops` counts by state: `ready` (waits for somebody), `assigned`, `starting` and `ending`.

    Desktops, sessions, viewers and pools are those within the scope of the role. `latency_p95_ms` is the time
    from damage to display which 95 % of the frames of all desktops did not exceed lately, and `exactness`
    counts viewer-seconds of the same time; both are null until agents have answered.
    """

    desktops: dict[str, int]
    sessions: int
    viewers: int
    signed_in: int
    pools: list[PoolEntry]
    host: Host
    latency_p95_ms: float | None
    exactness: Exactness | None


def add_overview_routes(admin: AdminRoutes) -> None:
    services = admin.services

    @admin.route("GET", "me")
    async def me(acting: ActingNow) -> Me:
        """Says what whoever asks may use."""
        token = acting.token
        scopes = {
            route.scope
            for route in ROUTES
            if route.scope is not None
            and route.act is not None
            and limits_of(acting.roles, route.act) is not None
            and (token is None or token.opens(route.scope, changes=route.changes))
        }
        return Me(
            name=token.audit_name if token is not None else acting.username,
            display_name=acting.display_name,
            roles=[assignment_entry(one) for one in acting.roles],
            scopes=sorted(scope.value for scope in scopes),
        )

    @admin.route("GET", "overview")
    async def show_overview(acting: ActingNow) -> Overview:
        return await overview(services, acting)


async def overview(services: BrokerServices, acting: Acting) -> Overview:
    """Returns the overview as whoever acts may see it. Two statements, however many desktops there are."""
    sessions = await visible_sessions(services, acting)
    shown = {session.id for session in sessions}
    states = [_state(session) for session in sessions]
    async with services.store.reading() as db:
        signed_in = await db.scalar(select(func.count()).select_from(WebSession)) or 0
    recent = services.agent_figures.recent()
    return Overview(
        desktops={state: states.count(state) for state in ("ready", "assigned", "starting", "ending")},
        sessions=sum(session.username is not None and not session.over for session in sessions),
        viewers=sum(viewer.session in shown for viewer in services.viewers.open),
        signed_in=signed_in,
        pools=await visible_pools(services, acting),
        host=_host(),
        latency_p95_ms=percentile_ms(recent.stages.get(WHOLE, {}), 0.95),
        exactness=exactness_of(recent.states) if recent.states else None,
    )


def _state(session: LiveSession) -> str:
    if session.over:
        return "ending"
    if session.state is SessionState.STARTING:
        return "starting"
    return "ready" if session.username is None else "assigned"


def _host() -> Host:
    memory = psutil.virtual_memory()
    return Host(
        name=socket.gethostname(),
        load=round(os.getloadavg()[0], 2),
        processors=os.cpu_count() or 1,
        memory_used=memory.total - memory.available,
        memory_total=memory.total,
    )
