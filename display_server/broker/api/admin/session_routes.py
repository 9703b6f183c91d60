"""Sessions: who has which desktop, and what helpdesk and administrators do with it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Annotated, Literal

import structlog
from fastapi import Query
from pydantic import BaseModel, Field

from display_server.broker.agent_page import read_agent_page
from display_server.broker.api.admin.acting import Acting, target_of
from display_server.broker.api.admin.authorisation import ActingNow
from display_server.broker.api.admin.errors import not_found, refused
from display_server.broker.api.admin.paging import (
    Body,
    Listed,
    NamePath,
    OptionalQuery,
    Page,
    PageOf,
    page_from,
    sure_time_text,
    time_text,
)
from display_server.broker.api.admin.registration import AdminRoutes
from display_server.broker.api.agent_figures import percentile_ms
from display_server.broker.api.desktop_endings import end_session
from display_server.broker.api.services import BrokerServices
from display_server.broker.audit.actor import Actor
from display_server.broker.audit.entry import Action, AuditEntry
from display_server.broker.live_session import LiveSession
from display_server.broker.people.role_assignments import Standing, read_standings
from display_server.broker.roles import Target
from display_server.broker.session_state import EndedBy, SessionState
from display_server.broker.written_messages import TEXT_MAX
from display_server.broker_link.agent_address import AgentAddress
from display_server.errors import DesktopError
from display_server.protocol.agent_pages import MESSAGE_PATH

log = structlog.get_logger(__name__)

State = Literal["starting", "ready", "ending"]


class SessionEntry(BaseModel):
    """A desktop that runs. `person` is null while it waits for somebody; `address` is where it was opened."""

    id: str
    person: str | None
    desktop: str
    pool: str | None
    state: State
    since: str
    viewers: int
    address: str | None
    place: str | None
    unattended_since: str | None


class StageLatency(BaseModel):
    """How long a stage of frames took, from the damage to the viewer, since the agent's start."""

    name: str
    p50_ms: float
    p95_ms: float


class Latency(BaseModel):
    stages: list[StageLatency]


class ProcessEntry(BaseModel):
    """A process. `cpu_percent` is of one processor since the last look, and null at the first one.

    Memory is in bytes.
    """

    name: str
    cpu_percent: float | None
    memory: int


class Exactness(BaseModel):
    """Viewer-seconds by what was proven of the surface: exact, still changing, or anything else."""

    exact: float
    changing: float
    other: float


class SessionDetail(SessionEntry):
    """The same with what its agent and the host know. Null: the agent does not answer."""

    latency: Latency | None
    exactness: Exactness | None
    processes: list[ProcessEntry]


class MessageBody(Body):
    text: Annotated[str, Field(min_length=1, max_length=TEXT_MAX, pattern=r"[^\s\x00-\x1f\x7f]")]


def add_session_routes(admin: AdminRoutes) -> None:
    services = admin.services

    @admin.route("GET", "sessions")
    async def list_sessions(
        acting: ActingNow,
        page: Page,
        pool: OptionalQuery = None,
        state: Annotated[State | None, Query()] = None,
    ) -> Listed[SessionEntry]:
        """Lists the desktops of this server, those that began first before others."""
        return await session_page(services, acting, page, pool=pool, state=state)

    @admin.route("GET", "sessions/{id}")
    async def show_session(id: NamePath, acting: ActingNow) -> SessionDetail:  # noqa: A002 - the path's name
        session = await _allowed(services, acting, id)
        entry = session_entry(services, session, viewer_counts(services))
        ready = session.state is SessionState.READY and not session.stopping
        figures = await services.agent_figures.of_session(AgentAddress.of(session.spec)) if ready else None
        latency = None
        if figures is not None:
            latency = Latency(
                stages=[
                    StageLatency(name=name, p50_ms=p50, p95_ms=p95)
                    for name, buckets in figures.stages.items()
                    if (p50 := percentile_ms(buckets, 0.5)) is not None
                    and (p95 := percentile_ms(buckets, 0.95)) is not None
                ]
            )
        return SessionDetail(
            **entry.model_dump(),
            latency=latency,
            exactness=None if figures is None else exactness_of(figures.states),
            processes=[
                ProcessEntry(name=one.name, cpu_percent=one.cpu_percent, memory=one.memory)
                for one in await services.desktop_processes.of(session)
            ],
        )

    @admin.route("POST", "sessions/{id}/end", status=204)
    async def end(id: NamePath, acting: ActingNow) -> None:  # noqa: A002 - the path's name
        """Begins to end a desktop, from any state. Unsaved work is lost."""
        session = await _allowed(services, acting, id)
        actor = acting.actor(await _target(services, session))
        log.info("desktop ended by an administrator", session=session.id, actor=actor.name)
        end_session(services, session, EndedBy.OPERATOR, actor=actor)

    @admin.route("POST", "sessions/{id}/restart", status=204)
    async def restart(id: NamePath, acting: ActingNow) -> None:  # noqa: A002 - the path's name
        """Restarts the display agent of a desktop that does not answer. Its programs go on."""
        session = await _allowed(services, acting, id)
        if session.username is None or session.running is None or session.over:
            raise refused("This desktop does not run, or belongs to nobody yet.", "Look at the list again.")
        actor = acting.actor(await _target(services, session))
        await services.audit.record(_entry(services, session, actor, Action.DISPLAY_RESTARTED, None))
        try:
            await session.running.restart_display()
        except DesktopError as error:
            raise refused(error.cause, error.next_step) from error

    @admin.route("POST", "sessions/{id}/message", status=204)
    async def send_message(id: NamePath, body: MessageBody, acting: ActingNow) -> None:  # noqa: A002 - the same
        """Shows a text to the person, on every page of theirs, for some minutes or until they close it."""
        session = await _allowed(services, acting, id)
        if session.username is None or session.over:
            raise refused("Nobody has this desktop.", "Look at the list again.")
        actor = acting.actor(await _target(services, session))
        # The text is not in the audit: it may name a patient.
        await services.audit.record(
            _entry(services, session, actor, Action.MESSAGE_SENT, f"{len(body.text)} characters")
        )
        services.written_messages.write(session.username, body.text, services.monotonic_s())
        if session.state is SessionState.READY:
            await read_agent_page(AgentAddress.of(session.spec), MESSAGE_PATH)  # pages ask at once


async def session_page(
    services: BrokerServices,
    acting: Acting,
    page: PageOf,
    *,
    pool: str | None = None,
    state: State | None = None,
) -> Listed[SessionEntry]:
    """Returns one page of the sessions that somebody may see."""
    counts = viewer_counts(services)
    wanted = [
        entry
        for session in await visible_sessions(services, acting)
        if (entry := session_entry(services, session, counts)) and _matches(entry, page.q, pool, state)
    ]
    wanted.sort(key=_key)
    items, following, total = page_from(wanted, [_key(entry) for entry in wanted], page)
    return Listed(items=items, next=following, total=total)


async def visible_sessions(services: BrokerServices, acting: Acting) -> list[LiveSession]:
    """Returns the sessions of this server that somebody may see. Groups are read only if they matter."""
    sessions = services.sessions.live()
    limits = acting.limits
    if limits is None or limits.everything:
        return sessions if limits is not None else []
    owners = {session.username for session in sessions if session.username is not None}
    standings = await _standings(services, owners)
    return [session for session in sessions if acting.may(_target_of(session, standings))]


def session_entry(services: BrokerServices, session: LiveSession, viewers: dict[str, int]) -> SessionEntry:
    unattended_s = None
    if session.username is not None and not session.over:
        unattended_s = services.unattended.unattended_s(session.id, services.monotonic_s())
    now_s = services.web_sessions.now_s()
    return SessionEntry(
        id=session.id,
        person=session.username,
        desktop=session.spec.desktop,
        pool=session.spec.desktop if session.place is not None else None,
        state="ending" if session.over else "ready" if session.state is SessionState.READY else "starting",
        since=sure_time_text(session.created_s),
        viewers=viewers.get(session.id, 0),
        address=session.origin.address,
        place=None,
        unattended_since=time_text(None if unattended_s is None else round(now_s - unattended_s)),
    )


def viewer_counts(services: BrokerServices) -> dict[str, int]:
    """Returns how many viewers display each session."""
    counts: dict[str, int] = {}
    for viewer in services.viewers.open:
        counts[viewer.session] = counts.get(viewer.session, 0) + 1
    return counts


def exactness_of(states: Mapping[str, float]) -> Exactness:
    """Sorts viewer-seconds by state of the agent (`agent/update/exactness.py`) into what people look for."""
    changing = states.get("refining", 0.0) + states.get("lossy", 0.0)
    exact = states.get("exact", 0.0)
    other = sum(states.values()) - exact - changing
    return Exactness(exact=round(exact, 1), changing=round(changing, 1), other=round(other, 1))


async def _allowed(services: BrokerServices, acting: Acting, session_id: str) -> LiveSession:
    """Returns a session that the act may be done to. Raises ApiError."""
    session = services.sessions.by_id(session_id)
    if session is None:
        raise not_found("session")
    acting.require(await _target(services, session), "session")
    return session


async def _target(services: BrokerServices, session: LiveSession) -> Target:
    owners = [session.username] if session.username is not None else []
    return _target_of(session, await _standings(services, owners))


def _target_of(session: LiveSession, standings: Mapping[str, Standing]) -> Target:
    standing = standings.get(session.username or "", Standing())
    return target_of(session.username, standing, session.spec.desktop)


async def _standings(services: BrokerServices, usernames: Collection[str]) -> dict[str, Standing]:
    async with services.store.reading() as db:
        return await read_standings(db, sorted(usernames))


def _entry(
    services: BrokerServices, session: LiveSession, actor: Actor, action: Action, reason: str | None
) -> AuditEntry:
    return AuditEntry(
        services.audit.now_s(),
        action,
        account=actor.name,
        role=actor.role,
        address=actor.address,
        device=actor.device,
        object=f"desktop:{session.username or ''}/{session.spec.desktop}",
        reason=f"session {session.id}" + (f", {reason}" if reason else ""),
    )


def _key(entry: SessionEntry) -> str:
    return f"{entry.since} {entry.id}"


def _matches(entry: SessionEntry, text: str, pool: str | None, state: str | None) -> bool:
    texts = (entry.id, entry.person or "", entry.desktop, entry.address or "")
    return (
        any(text.lower() in one.lower() for one in texts)
        and (pool is None or entry.pool == pool)
        and (state is None or entry.state == state)
    )
