"""The record of what happens to second factors, in the audit and in the log."""

from __future__ import annotations

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from display_server.broker.audit.actor import Actor
from display_server.broker.audit.append import append
from display_server.broker.audit.entry import Action, AuditEntry, Outcome

log = structlog.get_logger(__name__)


async def record(
    db: AsyncSession,
    action: Action,
    at_s: float,
    actor: Actor,
    thing: str,
    *,
    outcome: Outcome = Outcome.DONE,
    reason: str | None = None,
) -> None:
    """Records an act in its own transaction, as late as possible in it. `thing` is what it was done to."""
    await append(
        db,
        AuditEntry(
            at_s=at_s,
            action=action,
            outcome=outcome,
            account=actor.name,
            address=actor.address or None,
            device=actor.device,
            object=thing,
            reason=reason,
        ),
    )
    log.info(
        action.value,
        username=actor.name,
        address=actor.address,
        object=thing,
        outcome=outcome.value,
        reason=reason,
    )
