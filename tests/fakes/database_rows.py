"""A row for every table of any schema, made from the types of its columns."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Column, Connection, MetaData, Table, func, select
from sqlalchemy.types import Boolean, Float, Integer, LargeBinary

#: Values of columns that are constrained beyond their types, by table and column.
EXAMPLES: dict[tuple[str, str], Any] = {("audit_entries", "seq"): 1, ("audit_head", "id"): 1}


def tables_of(connection: Connection) -> list[Table]:
    """Returns the tables of a database, those that others refer to first, without Alembic's own."""
    metadata = MetaData()
    metadata.reflect(connection)
    return [table for table in metadata.sorted_tables if table.name != "alembic_version"]


def fill(connection: Connection) -> dict[str, int]:
    """Inserts a row into each table that has none. Returns the numbers of rows."""
    for table in tables_of(connection):
        if not _rows(connection, table):
            connection.execute(
                table.insert().values(
                    {
                        column.name: _example(connection, column)
                        for column in table.columns
                        if not _has_own_value(column)
                    }
                )
            )
    return counts(connection)


def counts(connection: Connection) -> dict[str, int]:
    """Returns the numbers of rows by table."""
    return {table.name: _rows(connection, table) for table in tables_of(connection)}


def _rows(connection: Connection, table: Table) -> int:
    return int(connection.execute(select(func.count()).select_from(table)).scalar_one())


def _has_own_value(column: Column[Any]) -> bool:
    """Returns whether the database numbers the rows by this column."""
    if (column.table.name, column.name) in EXAMPLES:
        return False
    single = len(column.table.primary_key.columns) == 1
    return column.primary_key and single and isinstance(column.type, Integer) and not column.foreign_keys


def _example(connection: Connection, column: Column[Any]) -> Any:
    key = (column.table.name, column.name)
    if key in EXAMPLES:
        return EXAMPLES[key]
    for reference in column.foreign_keys:
        if reference.column.table is column.table:
            return None
        return connection.execute(select(reference.column).limit(1)).scalar_one()
    if isinstance(column.type, Boolean):
        return True
    if isinstance(column.type, Integer):
        return 1
    if isinstance(column.type, Float):
        return 1.5
    if isinstance(column.type, LargeBinary):
        return b"x" * 32
    length = getattr(column.type, "length", None) or 16
    return "가"[:length]
