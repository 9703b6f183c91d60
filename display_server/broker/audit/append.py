"""Appends entries to the chain, in the transaction of what they record.

The row `audit_head` serialises all writers, in every process: whoever changes it holds its lock until the
transaction ends, on SQLite that of the database and on PostgreSQL that of the row. So append an entry as late
in the transaction as possible.
"""

from __future__ import annotations

import dataclasses
import secrets
from typing import Any

from sqlalchemy import insert, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from display_server.broker.audit.chain import Row, row_of, start_of
from display_server.broker.audit.entry import AuditEntry
from display_server.broker.tables import AuditHead, AuditRow

#: The number of the only row of `audit_head`.
HEAD = 1
#: Random bytes in the name of a chain.
CHAIN_BYTES = 16


async def append(db: AsyncSession, entry: AuditEntry) -> None:
    """Appends an entry within the caller's transaction: both are stored, or neither is.

    Raises SQLAlchemyError, which `Store.begin` turns into a StorageError when the database cannot be used.
    """
    await append_row(db, entry)


async def append_row(db: AsyncSession, entry: AuditEntry, *, spool_id: str | None = None) -> Row:
    """Does the same for a record of the spool, and returns the row."""
    taken = await _take_head(db)
    if taken is None:
        await _create_head(db)
        taken = await _take_head(db)
    assert taken is not None  # this transaction, or one that it waited for, has created it
    row = row_of(entry, taken[0], taken[1], spool_id)
    await db.execute(insert(AuditRow).values(dataclasses.asdict(row)))
    await db.execute(
        update(AuditHead)
        .where(AuditHead.id == HEAD)
        .values(hash=row.hash)
        .execution_options(synchronize_session=False)
    )
    return row


async def _take_head(db: AsyncSession) -> tuple[int, str] | None:
    """Takes the next number. Returns it with the hash of the newest row, or None without a chain."""
    taken = await db.execute(
        update(AuditHead)
        .where(AuditHead.id == HEAD)
        .values(seq=AuditHead.seq + 1)
        .returning(AuditHead.seq, AuditHead.hash)
        .execution_options(synchronize_session=False)
    )
    found = taken.one_or_none()
    return (found[0], found[1]) if found is not None else None


async def _create_head(db: AsyncSession) -> None:
    """Begins a chain, unless another process is faster."""
    chain = secrets.token_hex(CHAIN_BYTES)
    values: dict[str, Any] = {"id": HEAD, "chain": chain, "seq": 0, "hash": start_of(chain), "purged_seq": 0}
    if db.get_bind().dialect.name == "postgresql":
        await db.execute(postgresql.insert(AuditHead).values(values).on_conflict_do_nothing())
    else:
        await db.execute(sqlite.insert(AuditHead).values(values).on_conflict_do_nothing())
