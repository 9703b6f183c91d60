"""What Alembic runs for each migration: it takes the connection and its transaction from `migrate`."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from alembic import context
from alembic.runtime.migration import MigrationContext, MigrationInfo

from display_server.broker.tables import Base


def _write_number(
    ctx: MigrationContext,
    step: MigrationInfo,  # noqa: ARG001 - Alembic passes all four by name
    heads: Collection[Any],
    run_args: Mapping[str, Any],  # noqa: ARG001 - the same
) -> None:
    """Keeps SQLite's own number of the schema, which versions of Lightbox before Alembic read."""
    if ctx.dialect.name == "sqlite" and ctx.connection is not None:
        number = int(next(iter(heads), "0"))
        ctx.connection.exec_driver_sql(f"PRAGMA user_version = {number}")


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_as_batch=True,
    transactional_ddl=True,  # on SQLite too, because the driver begins no transactions of its own
    on_version_apply=_write_number,
)
context.run_migrations()
