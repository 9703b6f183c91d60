"""What the audit records of requests for signing in and unlocking."""

from __future__ import annotations

from fastapi import Request

from display_server.broker.api.services import BrokerServices
from display_server.broker.audit.entry import Action, AuditEntry, Origin, Outcome, Role
from display_server.broker.storage_failures import StorageError
from display_server.broker.web_sessions import SignedInUser, device_of


def origin_of(request: Request, user: SignedInUser | None = None) -> Origin:
    """Returns where a request comes from."""
    address = request.client.host if request.client else None
    return Origin(address, device_of(user.id_hash) if user else None)


async def record_refusal(
    services: BrokerServices, request: Request, username: str, reason: str, *, user: SignedInUser | None
) -> None:
    """Records a wrong password. `user` is the person whose screen is locked, or None at a sign-in."""
    origin = origin_of(request, user)
    exists = user is not None or await _exists(services, username)
    entry = AuditEntry(
        services.audit.now_s(),
        Action.SIGN_IN if user is None else Action.SCREEN_UNLOCKED,
        Outcome.REFUSED,
        account=username if exists else None,
        role=Role.NOBODY if user is None else Role.USER,
        address=origin.address,
        device=origin.device,
        reason=reason if exists else f"{reason}, or no such account",
    )
    await services.audit.close(entry)


async def _exists(services: BrokerServices, username: str) -> bool:
    """Returns whether there is such an account. Without the database, the name is not recorded."""
    try:
        return await services.accounts.find(username) is not None
    except StorageError:
        return False


async def record_limited_attempts(services: BrokerServices) -> None:
    """Records the attempts that were refused unread. The server calls this every few seconds."""
    for attempts in services.limited_attempts.due(services.monotonic_s()):
        exists = attempts.account is not None and await _exists(services, attempts.account)
        entry = AuditEntry(
            services.audit.now_s(),
            Action.SIGN_IN,
            Outcome.REFUSED,
            account=attempts.account if exists else None,
            role=Role.NOBODY,
            address=attempts.address,
            reason=f"too many attempts, {attempts.count} within a minute",
        )
        await services.audit.close(entry)
