"""Makes a change of an account, or of a pool, effective for what runs, whoever asked for it.

The operator's commands and the administration API both call these functions.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Literal

import structlog

from display_server.broker.api.desktop_endings import end_session
from display_server.broker.api.services import BrokerServices
from display_server.broker.audit.actor import Actor
from display_server.broker.audit.entry import Action, AuditEntry
from display_server.broker.session_state import EndedBy

log = structlog.get_logger(__name__)

PoolChange = Literal["maintain", "resume", "retry"]


@dataclass(frozen=True, slots=True)
class AccountEffects:
    """What a change of an account did: disconnected viewers, and names of the person's desktops."""

    viewers: int
    ended: list[str]
    running: list[str]


async def account_changed(
    services: BrokerServices, username: str, actor: Actor, *, disconnect: bool, end_desktops: bool
) -> AccountEffects:
    """Disconnects the viewers of a person and ends their desktops, if wanted, and returns when they ended."""
    viewers = services.viewers.disconnect_person(username) if disconnect else 0
    services.access_watch.request()  # desktops that a removal ends at sign-out
    sessions = [session for session in services.sessions.live() if session.username == username]
    names = [session.spec.desktop for session in sessions]
    if not end_desktops:
        return AccountEffects(viewers, [], names)
    for session in sessions:
        end_session(services, session, EndedBy.OPERATOR, actor=actor)
    await asyncio.gather(*(session.stopped.wait() for session in sessions))
    return AccountEffects(viewers, names, [])


async def change_pool(services: BrokerServices, name: str, change: PoolChange, actor: Actor) -> None:
    """Takes a pool out of service or back, or lets a restrained one try again.

    Raises KeyError if there is no such pool, and StorageError.
    """
    entry = AuditEntry(
        services.audit.now_s(),
        Action.POOL_CHANGED,
        account=actor.name,
        role=actor.role,
        address=actor.address,
        device=actor.device,
        object=f"pool:{name}",
        reason=change,
    )
    if change == "retry":
        await services.pools.end_restraint(name, entry=entry)
    else:
        await services.pools.set_maintenance(name, change == "maintain", entry=entry)
    log.info("pool changed", pool=name, change=change, operator=actor.name)
