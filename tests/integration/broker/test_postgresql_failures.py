"""A PostgreSQL server that is away, refuses, is full of others' locks, or accepts no changes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy import text
from structlog.testing import capture_logs

from display_server.broker import postgres_database
from display_server.broker.accounts import Accounts
from display_server.broker.database import Database
from display_server.broker.postgres_database import WRITER_LOCK, PostgresDatabase
from display_server.broker.storage_failures import StorageError, StorageFault
from display_server.broker.store import Store
from display_server.config import DatabaseConfig
from display_server.errors import ConfigurationError
from display_server.server.database import database_of, examine_server
from tests.fakes.gateway import PASSWORD, cheap_passwords
from tests.fakes.postgres_server import PostgresServer


async def names(store: Store) -> list[str]:
    return [account.username for account in await Accounts(store, cheap_passwords()).list_all()]


async def test_continues_by_itself_when_the_server_is_back(postgres: PostgresServer, store: Store) -> None:
    await Accounts(store, cheap_passwords()).add("kim", PASSWORD)
    postgres.stop()
    try:
        with capture_logs() as log:
            for _ in range(2):
                with pytest.raises(StorageError, match="does not answer") as caught:
                    await names(store)
            failure = await store.examine()
    finally:
        await postgres.start()
    assert caught.value.fault is StorageFault.UNREACHABLE
    assert failure is not None
    assert "postgresql" not in failure.public_cause
    assert "by itself" in failure.next_step
    assert [entry["event"] for entry in log] == ["storage failed"], "once, and in plain words"
    assert await names(store) == ["kim"]
    assert await store.examine() is None
    assert store.fault is None


async def test_a_connection_that_is_lost_in_a_transaction_undoes_it(
    postgres: PostgresServer, store: Store
) -> None:
    accounts = Accounts(store, cheap_passwords())
    await accounts.add("kim", PASSWORD)

    async def delete_everything() -> None:
        async with store.begin() as db:
            await db.execute(text("DELETE FROM accounts"))
            await postgres.end_connections()
            await db.execute(text("DELETE FROM desktops"))

    with pytest.raises(StorageError) as caught:
        await delete_everything()
    assert caught.value.fault is StorageFault.UNREACHABLE
    assert await names(store) == ["kim"]
    assert await store.examine() is None


async def test_another_program_that_holds_a_lock_is_named(
    postgres: PostgresServer, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_database, "LOCK_TIMEOUT_MS", 20)
    store = await Store.open(PostgresDatabase(postgres.url(database)))
    other = await asyncpg.connect(postgres.url(database))
    await other.execute(f"SELECT pg_advisory_lock({WRITER_LOCK})")
    with pytest.raises(StorageError) as caught:
        await Accounts(store, cheap_passwords()).add("kim", PASSWORD)
    assert caught.value.fault is StorageFault.BUSY
    assert await names(store) == [], "reading goes on"
    await other.close()
    assert await store.examine() is None
    await store.close()


async def test_a_server_that_accepts_no_changes_is_noticed(postgres: PostgresServer, database: str) -> None:
    await postgres.execute(f"ALTER DATABASE {database} SET default_transaction_read_only = on")
    store = await Store.open(PostgresDatabase(postgres.url(database)))
    with pytest.raises(StorageError, match="standby") as caught:
        await Accounts(store, cheap_passwords()).add("kim", PASSWORD)
    assert caught.value.fault is StorageFault.STANDBY
    assert await store.examine() is not None
    await store.close()


async def test_a_database_that_does_not_exist_is_explained(postgres: PostgresServer) -> None:
    with pytest.raises(ConfigurationError, match=r"postgresql://postgres@/none does not exist") as caught:
        await Store.open(PostgresDatabase(postgres.url("none")))
    assert "createdb" in caught.value.hint


async def test_a_server_that_does_not_run_is_explained(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="does not answer"):
        await Store.open(PostgresDatabase(f"postgresql://postgres@/none?host={tmp_path}"))


@pytest.fixture
async def guest(postgres: PostgresServer) -> AsyncIterator[str]:
    """A user without rights, whose password is `guessable`."""
    await postgres.require_password("guest")
    await postgres.execute("CREATE ROLE guest LOGIN PASSWORD 'guessable'")
    yield "guest"
    await postgres.execute("DROP ROLE guest")


async def test_the_password_is_in_a_file_and_may_change(
    postgres: PostgresServer, database: str, guest: str, tmp_path: Path
) -> None:
    file = tmp_path / "password"
    file.write_text("wrong\n")
    file.chmod(0o600)
    url = postgres.url(database, guest)
    chosen = DatabaseConfig(url, file)
    with pytest.raises(ConfigurationError, match="refuses Lightbox") as caught:
        await Store.open(database_of(chosen, None))  # type: ignore[arg-type]  # only SQLite needs the state folder
    assert "password_file" in caught.value.hint
    await postgres.execute("GRANT ALL ON ALL TABLES IN SCHEMA public TO guest", database)
    file.write_text("guessable\n")
    store = await Store.open(database_of(chosen, None))  # type: ignore[arg-type]  # the same
    assert await names(store) == []
    file.write_text("wrong again\n")
    await postgres.end_connections()
    with pytest.raises(StorageError) as refused:
        await names(store)
    assert refused.value.fault is StorageFault.REFUSED
    file.write_text("guessable\n")
    assert await store.examine() is None, "the file is read for each connection"
    await store.close()
    await postgres.execute("DROP OWNED BY guest", database)
    file.chmod(0o644)
    with pytest.raises(ConfigurationError, match="read by other users"):
        database_of(chosen, None)  # type: ignore[arg-type]  # the same


async def test_a_user_who_may_not_create_tables_is_explained(
    postgres: PostgresServer, empty: Callable[[], Database], guest: str
) -> None:
    url = empty().name.replace("postgres@", f"{guest}:guessable@") + f"?host={postgres.folder}"
    with pytest.raises(ConfigurationError, match="may not do what Lightbox needs") as caught:
        await Store.open(PostgresDatabase(url))
    assert "OWNER" in caught.value.hint


def test_doctor_says_whether_the_server_answers(postgres: PostgresServer, tmp_path: Path) -> None:
    found, next_step = examine_server(DatabaseConfig(postgres.url("postgres")))
    assert (found[:40], next_step) == ("postgresql://postgres@/postgres, Postgre", "")
    found, next_step = examine_server(DatabaseConfig(f"postgresql:///none?host={tmp_path}"))
    assert "does not answer" in found
    assert next_step
