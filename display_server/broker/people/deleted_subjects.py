"""Deletes what a deleted person or group had, so that a later one of the same name inherits nothing."""

from __future__ import annotations

from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncSession

from display_server.broker.people.access_paths import EntitlementOrigin, Subject
from display_server.broker.roles import ScopeKind
from display_server.broker.tables import Entitlement, PoolAssignment, RoleAssignment


async def delete_what_belongs_to(db: AsyncSession, subject: Subject, name: str) -> None:
    """Deletes the entitlements that commands gave, the roles, the assignments of desktops, and the roles
    whose scope is the group.

    Entitlements of the configuration stay, as the configuration says.
    """
    await db.execute(
        delete(Entitlement).where(
            Entitlement.subject == subject.value,
            Entitlement.name == name,
            Entitlement.origin != EntitlementOrigin.CONFIGURATION.value,
        )
    )
    await db.execute(
        delete(RoleAssignment).where(RoleAssignment.subject == subject.value, RoleAssignment.name == name)
    )
    if subject is Subject.USER:  # whoever deletes an account sees to its homes
        await db.execute(delete(PoolAssignment).where(PoolAssignment.username == name))
    if subject is Subject.GROUP:
        await db.execute(
            delete(RoleAssignment).where(
                RoleAssignment.scope == ScopeKind.GROUP.value, RoleAssignment.scope_name == name
            )
        )
