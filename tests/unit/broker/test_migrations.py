"""The revisions of the database: one chain, which produces the models, upwards and downwards, with data."""

from __future__ import annotations

import asyncio
import functools
import re
from collections.abc import Callable
from typing import TypeVar

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from display_server.broker.database import Database
from display_server.broker.migrations import (
    FOLDER,
    LAST_WITHOUT_ALEMBIC,
    SCHEMA_VERSION,
    migrate,
    revision_of,
    schema_of,
)
from display_server.broker.store import Store
from display_server.broker.tables import Base
from display_server.errors import ConfigurationError
from tests.fakes.database_rows import counts, fill

T = TypeVar("T")


async def run(database: Database, work: Callable[[Connection], T]) -> T:
    """Runs `work` in a transaction like that of a migration."""
    engine = database.migrating()
    try:
        async with engine.begin() as connection:
            return await connection.run_sync(work)
    finally:
        await engine.dispose()


def test_the_revisions_form_one_chain_without_gaps() -> None:
    config = Config()
    config.set_main_option("script_location", str(FOLDER))
    config.set_main_option("path_separator", "os")
    revisions = list(ScriptDirectory.from_config(config).walk_revisions())
    wanted = [revision_of(schema) for schema in range(SCHEMA_VERSION, LAST_WITHOUT_ALEMBIC, -1)]
    assert [found.revision for found in revisions] == wanted, "SCHEMA_VERSION is the newest revision"
    assert [found.down_revision for found in revisions] == [*wanted[1:], None]
    for found in revisions:
        assert re.search(rf"/r{found.revision}_\w+\.py$", found.path)
        assert "Say here" not in found.doc


async def test_the_revisions_produce_the_models(empty: Callable[[], Database]) -> None:
    await (await Store.open(empty())).close()
    database = empty()
    await database.prepare()

    def difference(connection: Connection) -> list[object]:
        return list(compare_metadata(MigrationContext.configure(connection), Base.metadata))

    assert await run(database, difference) == []


async def test_each_revision_goes_up_and_down_with_data(empty: Callable[[], Database]) -> None:
    database = empty()
    await database.prepare()
    before: dict[str, int] = {}
    for schema in range(LAST_WITHOUT_ALEMBIC + 1, SCHEMA_VERSION + 1):
        await run(database, functools.partial(migrate, schema=schema))
        kept = await run(database, counts)
        assert {name: rows for name, rows in kept.items() if rows} == before, f"{schema} keeps the rows"
        filled = await run(database, fill)
        assert set(filled.values()) == {1}
        await run(database, functools.partial(migrate, schema=schema - 1))
        kept = await run(database, counts)
        assert kept == before, f"the way back from {schema} keeps the rows"
        assert await run(database, schema_of) == (schema - 1 if before else 0)
        await run(database, functools.partial(migrate, schema=schema))  # once more, after the way back
        before = await run(database, fill)


async def test_several_processes_may_create_the_tables_at_once(empty: Callable[[], Database]) -> None:
    stores = await asyncio.gather(*(Store.open(empty()) for _ in range(4)))
    for store in stores:
        async with store.reading() as db:
            assert (await db.execute(text("SELECT count(*) FROM accounts"))).scalar_one() == 0
        await store.close()


async def test_a_newer_database_is_refused(empty: Callable[[], Database]) -> None:
    await (await Store.open(empty())).close()
    database = empty()
    await database.prepare()

    def make_newer(connection: Connection) -> None:
        if connection.dialect.name == "sqlite":
            connection.execute(text("PRAGMA user_version = 9999"))
        else:
            connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))

    await run(database, make_newer)
    with pytest.raises(ConfigurationError, match=r"newer version of Lightbox \(schema 9999"):
        await Store.open(empty())
