"""Records what is done to groups, entitlements and roles: in the audit and in the log."""

from __future__ import annotations

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from display_server.broker.accounts import SERVER
from display_server.broker.audit.append import append
from display_server.broker.audit.entry import Action, AuditEntry, Role

log = structlog.get_logger(__name__)


async def record_act(
    db: AsyncSession, action: Action, target: str, *, operator: str, at_s: float, reason: str | None = None
) -> None:
    """Records an act in the transaction of what it changes. To be called as the last part of it.

    `target` names what was changed, as `group:radiology`; `operator` is the Unix user, or SERVER.
    """
    by_server = operator == SERVER
    entry = AuditEntry(
        at_s,
        action,
        account=None if by_server else operator,
        role=Role.SERVER if by_server else Role.OPERATOR,
        object=target,
        reason=reason,
    )
    await append(db, entry)
    log.info(action.value, target=target, operator=operator, reason=reason)
