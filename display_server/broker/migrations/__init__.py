"""The migrations of the broker's database, by Alembic, on SQLite and PostgreSQL alike.

How to add a table or a column:

1. Change the models in `display_server/broker/tables`; a module per topic, which `tables/__init__.py`
   imports.
2. `python -m display_server.broker.migrations NAME` writes `versions/rNNNN_NAME.py` with the difference
   between the newest revision and the models. Read it: Alembic does not see everything, such as renamed
   columns.
3. Raise SCHEMA_VERSION below to its number. If somebody else's revision has taken the number meanwhile, give
   yours the next one: the file's name, `revision` and `down_revision`.
4. A new column of an existing table needs a `server_default`, or a statement that fills it. Alter tables
   inside `with op.batch_alter_table(NAME)`, because SQLite can change a table only by copying it.

Tested without another line, on both databases: the revisions form one chain; they produce exactly the models;
each goes up and down and up again, with a row in every table; and an upgrade that is killed at any statement
is repeated by the next start (`tests/unit/broker/test_migrations.py`, `tests/integration/broker`). Columns
whose values are constrained beyond their type get an example in `tests/fakes/database_rows.py`. Once a
revision is in a release, only further revisions change what it does.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, inspect, text

#: The number of the newest revision. A database with a higher one was written by a newer version of Lightbox.
SCHEMA_VERSION = 21
#: The last schema before Alembic. Its databases, SQLite alone, have their number in `PRAGMA user_version`
#: only.
LAST_WITHOUT_ALEMBIC = 10
FOLDER = Path(__file__).resolve().parent


def revision_of(schema: int) -> str:
    """Returns Alembic's name of a schema, for example `0011`."""
    return f"{schema:04}"


def schema_of(connection: Connection) -> int:
    """Returns the number of the schema that a database has, or 0 when it is empty."""
    if connection.dialect.name == "sqlite":  # revisions write it for versions of Lightbox before Alembic
        return int(connection.execute(text("PRAGMA user_version")).scalar_one())
    if not inspect(connection).has_table("alembic_version"):
        return 0
    return int(connection.execute(text("SELECT version_num FROM alembic_version")).scalar() or 0)


def migrate(connection: Connection, schema: int = SCHEMA_VERSION) -> None:
    """Brings a database to a schema, upwards or downwards, within the transaction of the connection.

    On SQLite the connection must not enforce foreign keys: copying a table would delete the rows that refer
    to it. Only one migration can run in a process at a time; the callers hold a lock of the database.
    """
    from alembic import command  # here, because most processes find an up-to-date database
    from alembic.config import Config

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    if schema < schema_of(connection):
        command.downgrade(config, revision_of(schema) if schema > LAST_WITHOUT_ALEMBIC else "base")
    else:
        command.upgrade(config, revision_of(schema))
