"""Copies everything from one open database into another, of the same kind or of another."""

from __future__ import annotations

from sqlalchemy import Integer, Table, delete, func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from display_server.broker.store import Store
from display_server.broker.tables import Account, Base
from display_server.errors import ConfigurationError

#: Rows that are read and written at once.
BLOCK_ROWS = 1000


async def copy_content(source: Store, target: Store) -> int:
    """Copies all rows in one transaction, and returns their number. Both stores are open, and so up to date.

    Raises ConfigurationError when the target has accounts already, and StorageError.
    """
    rows = 0
    async with source.reading() as reading, target.begin() as writing:
        if await writing.scalar(select(func.count()).select_from(Account)):
            raise ConfigurationError(
                f"The database {target.database.name} has accounts already.",
                hint="Copy into a new, empty database. Nothing was changed.",
            )
        tables = Base.metadata.sorted_tables  # those that others refer to come first
        for table in reversed(tables):
            await writing.execute(delete(table))  # rows that migrations have inserted
        for table in tables:
            rows += await _copy_table(table, reading, writing)
    return rows


async def _copy_table(table: Table, reading: AsyncSession, writing: AsyncSession) -> int:
    rows = 0
    found = await reading.stream(select(table).order_by(*table.primary_key.columns))
    async for block in found.mappings().partitions(BLOCK_ROWS):
        await writing.execute(table.insert(), [dict(row) for row in block])
        rows += len(block)
    key = table.autoincrement_column
    if (
        rows
        and key is not None
        and isinstance(key.type, Integer)
        and writing.get_bind().dialect.name != "sqlite"
    ):
        # Rows that follow are numbered from the largest number on, as SQLite does by itself.
        sequence = text(f"SELECT setval(pg_get_serial_sequence('{table.name}', '{key.name}'), :largest)")
        largest = await writing.scalar(select(func.max(key)))
        await writing.execute(sequence, {"largest": largest})
    return rows
