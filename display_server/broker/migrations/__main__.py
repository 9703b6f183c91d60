"""Writes a new revision: `python -m display_server.broker.migrations NAME`. For developers.

It brings a temporary SQLite database to the newest revision, compares it with the models, and writes the
statements that make up the difference. Read and correct them.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from alembic.autogenerate import produce_migrations, render_python_code
from alembic.migration import MigrationContext
from sqlalchemy import Connection, create_engine

from display_server.broker.migrations import FOLDER, SCHEMA_VERSION, migrate, revision_of
from display_server.broker.tables import Base

REVISION = '''"""Say here what changes, and why."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "{revision}"
down_revision = "{before}"


def upgrade() -> None:
    {upgrade}


def downgrade() -> None:
    {downgrade}
'''


def write_revision(connection: Connection, name: str) -> Path:
    """Writes the difference between a new database and the models into a new file. Raises OSError."""
    migrate(connection)
    difference = produce_migrations(MigrationContext.configure(connection), Base.metadata)
    assert difference.upgrade_ops is not None
    assert difference.downgrade_ops is not None
    number = SCHEMA_VERSION + 1
    path = FOLDER / "versions" / f"r{revision_of(number)}_{name}.py"
    with path.open("x") as file:
        file.write(
            REVISION.format(
                revision=revision_of(number),
                before=revision_of(SCHEMA_VERSION),
                upgrade=render_python_code(difference.upgrade_ops, render_as_batch=True),
                downgrade=render_python_code(difference.downgrade_ops, render_as_batch=True),
            )
        )
    return path


def main() -> int:
    if len(sys.argv) != 2 or not sys.argv[1].isidentifier():
        print("usage: python -m display_server.broker.migrations NAME, for example `groups`", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as folder:
        engine = create_engine(f"sqlite:///{folder}/new.db")
        with engine.begin() as connection:
            path = write_revision(connection, sys.argv[1])
        engine.dispose()
    print(
        f"{path} written: read it, format it with `ruff format`, and raise SCHEMA_VERSION.", file=sys.stderr
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
