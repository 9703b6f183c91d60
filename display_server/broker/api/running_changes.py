"""Makes a change of an account, or of a pool, effective for what runs, whoever asked for it.

The operator's commands and the administration API both call these functions.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Literal

import structlog

from display_server.broker.accounts import normalise_username
from display_server.broker.api.desktop_endings import end_session
from display_server.broker.api.services import BrokerServices
from display_server.broker.audit.actor import Actor
from display_server.broker.audit.entry import Action, AuditEntry
from display_server.broker.pools.definition import pool_of
from display_server.broker.session_state import EndedBy
from display_server.errors import ConfigurationError

log = structlog.get_logger(__name__)

PoolChange = Literal["maintain", "resume", "retry"]
AssignmentChange = Literal["assign", "release"]


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
    entry = _pool_entry(services, name, change, actor)
    if change == "retry":
        await services.pools.end_restraint(name, entry=entry)
    else:
        await services.pools.set_maintenance(name, change == "maintain", entry=entry)
    log.info("pool changed", pool=name, change=change, operator=actor.name)


async def recompose_pool(
    services: BrokerServices,
    name: str,
    version: str | None,
    actor: Actor,
    *,
    percent: int = 100,
    within_s: float | None = None,
) -> None:
    """Changes a pool to another version of its image, or without `version` to the one before.

    Raises KeyError if there is no such pool, ConfigurationError and StorageError.
    """
    recomposing, desktop = services.pools.recomposing, services.pools.desktop(name)
    if version is None:
        entry = _pool_entry(services, name, "roll back", actor)
        await recomposing.roll_back(desktop, entry=entry)
    else:
        entry = _pool_entry(services, name, f"recompose to {version}, {percent} % first", actor)
        await recomposing.recompose(desktop, version, percent=percent, within_s=within_s, entry=entry)
    services.pools.look_soon()


async def change_assignment(
    services: BrokerServices, name: str, username: str, change: AssignmentChange, actor: Actor
) -> None:
    """Assigns a desktop of a dedicated pool to a person, or takes it from them and has its home wiped.

    Raises KeyError if there is no such pool, ConfigurationError, PoolError and StorageError.
    """
    settings = pool_of(services.pools.desktop(name))
    if settings is None or not settings.dedicated:
        raise ConfigurationError(
            f"The pool {name!r} is not dedicated: its desktops belong to whoever comes first.",
            hint='A pool with `kind = "dedicated"` has desktops that can be assigned.',
        )
    person, dedicated = normalise_username(username), services.pools.dedicated
    if change == "assign":
        await dedicated.assignments.assign(name, person, settings.maximum, actor)
    else:
        await dedicated.release(name, person, actor)
    services.pools.look_soon()


def _pool_entry(services: BrokerServices, name: str, change: str, actor: Actor) -> AuditEntry:
    return AuditEntry(
        services.audit.now_s(),
        Action.POOL_CHANGED,
        account=actor.name,
        role=actor.role,
        address=actor.address,
        device=actor.device,
        object=f"pool:{name}",
        reason=change,
    )
