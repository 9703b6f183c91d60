"""A database of an older version is upgraded without loss."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import inspect, select
from sqlalchemy.engine import Connection

from display_server.broker.accounts import Accounts
from display_server.broker.catalogue import Catalogue
from display_server.broker.migrations import LAST_WITHOUT_ALEMBIC, SCHEMA_VERSION
from display_server.broker.migrations.versions.r0011_alembic import BEFORE_ALEMBIC
from display_server.broker.store import Store
from display_server.broker.tables import Base, Session
from display_server.errors import ConfigurationError
from tests.fakes.gateway import PASSWORD, cheap_passwords

SCHEMA_5 = Path(__file__).parents[2] / "vectors" / "database_schema_5.sql"


#: Statements that take a database from the schema in the key back to the one before.
BACK = {
    5: ("ALTER TABLE desktops DROP COLUMN video_monitors",),
    4: ("ALTER TABLE desktops DROP COLUMN fixed",),
    3: ("ALTER TABLE desktops DROP COLUMN video",),
    2: ("ALTER TABLE desktops DROP COLUMN share", "ALTER TABLE desktops DROP COLUMN clipboard"),
}


@pytest.fixture
def old_database(tmp_path: Path) -> Path:
    path = tmp_path / "lightbox.db"
    with sqlite3.connect(path) as connection:
        connection.executescript(SCHEMA_5.read_text("utf-8"))
    connection.close()
    return path


def columns(connection: Connection) -> dict[str, set[str]]:
    return {
        table: {column["name"] for column in inspect(connection).get_columns(table)}
        for table in Base.metadata.tables
    }


async def test_upgrades_a_database_of_version_0_1_0(old_database: Path) -> None:
    store = await Store.open(old_database)
    accounts = Accounts(store, cheap_passwords())
    found = await accounts.verify("kim", PASSWORD)
    assert found is not None
    assert found.display_name == "김"
    assert [account.username for account in await accounts.list_all() if account.disabled] == ["lee"]
    desktop = await Catalogue(store).find("kim", "reading")
    assert (desktop.fixed, desktop.video_monitors) == (True, '{"0":"exact"}')
    async with store.begin() as db:
        sessions = (await db.scalars(select(Session).order_by(Session.created_s))).all()
    assert [(session.id, session.state, session.ended_by) for session in sessions] == [
        ("bcdfghjkmn", "ready", None),
        ("npqrstvwxz", "failed", None),
    ]
    await accounts.disable("kim")
    assert [event.action for event in await accounts.events("kim")] == ["disabled"]
    await store.close()


async def test_an_upgraded_database_has_the_tables_of_a_new_one(old_database: Path, tmp_path: Path) -> None:
    found = []
    for path in (old_database, tmp_path / "new.db"):
        store = await Store.open(path)
        async with store.begin() as db:
            found.append(await (await db.connection()).run_sync(columns))
        await store.close()
    assert found[0] == found[1]


@pytest.mark.parametrize("schema", range(1, LAST_WITHOUT_ALEMBIC + 1))
async def test_upgrades_a_database_of_every_older_schema(old_database: Path, schema: int) -> None:
    with sqlite3.connect(old_database) as connection:
        for number in range(5, schema, -1):
            for statement in BACK[number]:
                connection.execute(statement)
        for number in range(5, schema):
            for statement in BEFORE_ALEMBIC[number]:
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {schema}")
    connection.close()
    store = await Store.open(old_database)
    assert [desktop.title for desktop in await Catalogue(store).list_allowed("kim")] == ["Reading room"]
    assert len(await Accounts(store, cheap_passwords()).list_all()) == 2
    async with store.reading() as db:
        found = await (await db.connection()).run_sync(columns)
    wanted = {name: {column.name for column in table.columns} for name, table in Base.metadata.tables.items()}
    assert found == wanted
    await store.close()


async def test_keeps_the_database_as_it_was_before_the_upgrade(old_database: Path) -> None:
    await (await Store.open(old_database)).close()
    kept = old_database.with_name("lightbox.db.schema-5")
    assert kept.stat().st_mode & 0o777 == 0o600
    with sqlite3.connect(kept) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (5,)
        assert connection.execute("SELECT count(*) FROM accounts").fetchone() == (2,)
    connection.close()
    kept.unlink()
    await (await Store.open(old_database)).close()
    assert not kept.exists(), "a database of the present version is not kept again"


async def test_changes_nothing_when_the_old_database_cannot_be_kept(old_database: Path) -> None:
    old_database.with_name("lightbox.db.schema-5").mkdir()
    with pytest.raises(ConfigurationError, match="could not be copied before its upgrade"):
        await Store.open(old_database)
    with sqlite3.connect(old_database) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (5,)
    connection.close()


async def test_two_processes_may_open_an_old_database_at_once(old_database: Path) -> None:
    stores = await asyncio.gather(*(Store.open(old_database) for _ in range(4)))
    for store in stores:
        assert len(await Accounts(store, cheap_passwords()).list_all()) == 2
        await store.close()
    with sqlite3.connect(old_database) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (SCHEMA_VERSION,)
    connection.close()
