"""Which second factors all people have, for the operator's list of accounts."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from display_server.broker.tables import Passkey, RecoveryCode, TotpSecret


@dataclass(frozen=True, slots=True)
class ListedFactors:
    """What one person has, in numbers."""

    app: bool = False
    passkeys: int = 0
    recovery_codes: int = 0


async def factors_by_account(db: AsyncSession) -> dict[int, ListedFactors]:
    """Returns what people have, by the id of their account. People without anything are missing."""
    apps = set((await db.scalars(select(TotpSecret.account_id))).all())
    passkeys = await _counts(db, Passkey)
    codes = await _counts(db, RecoveryCode)
    return {
        account_id: ListedFactors(account_id in apps, passkeys.get(account_id, 0), codes.get(account_id, 0))
        for account_id in apps | passkeys.keys() | codes.keys()
    }


async def _counts(db: AsyncSession, table: type[Passkey] | type[RecoveryCode]) -> dict[int, int]:
    rows = await db.execute(select(table.account_id, func.count()).group_by(table.account_id))
    return {account_id: count for account_id, count in rows}  # noqa: C416 - rows are no pairs for mypy
