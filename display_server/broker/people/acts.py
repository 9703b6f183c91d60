"""Records what is done to groups, entitlements and roles: in the audit and in the log."""

from __future__ import annotations

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from display_server.broker.audit.actor import Actor
from display_server.broker.audit.append import append
from display_server.broker.audit.entry import Action, AuditEntry, Role

log = structlog.get_logger(__name__)


async def record_act(
    db: AsyncSession, action: Action, target: str, *, actor: Actor, at_s: float, reason: str | None = None
) -> None:
    """Records an act in the transaction of what it changes. To be called as the last part of it.

    `target` names what was changed, as `group:radiology`.
    """
    entry = AuditEntry(
        at_s,
        action,
        account=None if actor.role is Role.SERVER else actor.name,
        role=actor.role,
        address=actor.address,
        device=actor.device,
        object=target,
        reason=reason,
    )
    await append(db, entry)
    log.info(action.value, target=target, operator=actor.name, reason=reason)
