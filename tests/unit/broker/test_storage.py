"""The database under faults: deleted, replaced, damaged, and restored at the next start."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import OperationalError

from display_server.broker import sqlite_database
from display_server.broker import store as store_module
from display_server.broker.accounts import Accounts
from display_server.broker.database_copy import copy_of
from display_server.broker.sqlite_database import sqlite_fault
from display_server.broker.storage_failures import StorageError, StorageFault
from display_server.broker.store import Store
from display_server.broker.tables import Account
from display_server.errors import ConfigurationError
from tests.fakes.gateway import PASSWORD, cheap_passwords

#: Has a blank, because the path becomes part of a URI.
NAME = "light box.db"


async def open_with_account(path: Path) -> tuple[Store, Accounts]:
    store = await Store.open(path)
    accounts = Accounts(store, cheap_passwords())
    await accounts.add("kim", PASSWORD)
    return store, accounts


async def usernames(path: Path) -> list[str]:
    """Opens the database as the next start does, and returns its accounts."""
    store = await Store.open(path)
    found = [account.username for account in await Accounts(store, cheap_passwords()).list_all()]
    await store.close()
    return found


def overwrite(path: Path) -> None:
    """Damages a file without changing its inode, as a failing disk does."""
    with path.open("r+b") as file:
        file.write(b"\xff" * path.stat().st_size)


async def test_a_deleted_database_is_noticed_and_restored_at_the_next_start(tmp_path: Path) -> None:
    path = tmp_path / NAME
    store, accounts = await open_with_account(path)
    path.unlink()
    with pytest.raises(StorageError, match="was deleted or moved") as caught:
        await accounts.list_all()
    assert caught.value.fault is StorageFault.MISSING
    assert "Restart Lightbox" in caught.value.next_step
    assert not path.exists()  # no empty database takes its place
    found = await store.examine()
    assert found is not None
    assert str(path) not in found.public_cause
    await store.close()
    assert await usernames(path) == ["kim"]
    assert path.stat().st_mode & 0o777 == 0o600


async def test_a_database_that_comes_back_works_again(tmp_path: Path) -> None:
    path = tmp_path / NAME
    store, accounts = await open_with_account(path)
    elsewhere = path.rename(path.with_name("elsewhere"))
    assert await store.examine() is not None
    elsewhere.rename(path)
    assert await store.examine() is None
    assert len(await accounts.list_all()) == 1
    assert store.fault is None
    await store.close()


async def test_a_replaced_database_is_not_used(tmp_path: Path) -> None:
    path = tmp_path / NAME
    store, accounts = await open_with_account(path)
    other = path.with_name("other")
    shutil.copy(path, other)
    other.replace(path)
    with pytest.raises(StorageError, match="replaced by another file"):
        await accounts.add("lee", PASSWORD)
    await store.close()
    assert await usernames(path) == ["kim"]


async def test_a_damaged_database_is_noticed_kept_and_restored(tmp_path: Path) -> None:
    path = tmp_path / NAME
    store, accounts = await open_with_account(path)
    overwrite(path)
    with pytest.raises(StorageError, match="is damaged"):
        await accounts.find("kim")
    with pytest.raises(StorageError):  # for good, because pages in memory may be right by chance
        await accounts.find("kim")
    await store.close()
    assert await usernames(path) == ["kim"]
    assert [kept.name for kept in path.parent.glob("*.damaged-*")] != []


async def test_a_truncated_database_is_restored(tmp_path: Path) -> None:
    path = tmp_path / NAME
    store, _ = await open_with_account(path)
    await store.close()
    path.write_bytes(b"")
    assert await usernames(path) == ["kim"]


async def test_changes_since_the_last_start_are_in_the_copy(tmp_path: Path) -> None:
    path = tmp_path / NAME
    store, accounts = await open_with_account(path)
    await accounts.set_password("kim", "another password")
    await accounts.add("lee", PASSWORD)
    path.unlink()
    await store.close()
    store = await Store.open(path)
    accounts = Accounts(store, cheap_passwords())
    assert await accounts.verify("kim", PASSWORD) is None
    assert await accounts.verify("kim", "another password") is not None
    assert await accounts.verify("lee", PASSWORD) is not None
    await store.close()


async def test_a_copy_that_cannot_be_renewed_is_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Restoring it would bring back former passwords."""
    path = tmp_path / NAME
    store, accounts = await open_with_account(path)

    def fail(*_: object, **__: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    with monkeypatch.context() as patch:
        patch.setattr("display_server.broker.database_copy.uri", fail)
        await accounts.set_password("kim", "another password")
    assert not copy_of(path).exists()
    assert await store.examine() is None  # writes the copy, as soon as that is possible again
    assert copy_of(path).exists()
    await store.close()


async def test_without_a_copy_damage_is_explained(tmp_path: Path) -> None:
    path = tmp_path / NAME
    path.write_bytes(b"nonsense" * 1000)
    with pytest.raises(ConfigurationError, match="cannot be used") as caught:
        await Store.open(path)
    assert "backup" in caught.value.hint


async def test_says_when_the_file_is_no_database_or_cannot_be_created(tmp_path: Path) -> None:
    path = tmp_path / NAME
    path.write_bytes(b"nonsense" * 1000)
    with pytest.raises(ConfigurationError, match="cannot be used"):
        await Store.open(path)
    with pytest.raises(ConfigurationError, match="cannot be written"):
        await Store.open(tmp_path / "none" / NAME)


async def test_the_database_is_private(tmp_path: Path) -> None:
    path = tmp_path / NAME
    await (await Store.open(path)).close()
    assert path.stat().st_mode & 0o777 == 0o600


async def test_a_transaction_that_writes_waits_for_the_one_before(tmp_path: Path) -> None:
    """Each reads first, so without an order two of them would find the same number."""
    stores = [await Store.open(tmp_path / NAME) for _ in range(2)]

    async def add(store: Store) -> None:
        async with store.begin() as db:
            number = (await db.execute(text("SELECT count(*) FROM accounts"))).scalar_one()
            await asyncio.sleep(0)
            db.add(Account(username=f"u{number}", password_hash="", created_s=0.0))

    await asyncio.gather(*(add(store) for store in stores * 5))
    async with stores[0].reading() as db:
        assert (await db.execute(text("SELECT count(*) FROM accounts"))).scalar_one() == 10
    for store in stores:
        await store.close()


async def test_reading_waits_for_nobody_and_changes_nothing(tmp_path: Path) -> None:
    store = await Store.open(tmp_path / NAME)
    async with store.begin() as writer:
        writer.add(Account(username="kim", password_hash="", created_s=0.0))
        await writer.flush()
        async with store.reading() as db:
            assert (await db.scalars(select(Account))).all() == []
            db.add(Account(username="lee", password_hash="", created_s=0.0))
    async with store.reading() as db:
        assert [account.username for account in await db.scalars(select(Account))] == ["kim"]
    await store.close()


async def test_a_writer_that_never_ends_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_module, "WRITER_TIMEOUT_S", 0.01)
    store = await Store.open(tmp_path / NAME)
    async with store.begin():
        with pytest.raises(StorageError) as caught:
            async with store.begin():
                pytest.fail("two transactions write at once")
    assert caught.value.fault is StorageFault.LOCKED
    assert await store.examine() is None
    await store.close()


async def test_a_wrong_statement_is_no_fault_of_the_storage(tmp_path: Path) -> None:
    path = tmp_path / NAME
    store = await Store.open(path)
    with pytest.raises(OperationalError):
        async with store.begin() as db:
            await db.execute(text("SELECT nothing"))
    assert store.fault is None
    await store.close()


def sqlite_error(code: int) -> OperationalError:
    cause = sqlite3.OperationalError("from SQLite")
    cause.sqlite_errorcode = code
    return OperationalError("INSERT", {}, cause)


@pytest.mark.parametrize(
    ("code", "fault"),
    [
        (sqlite3.SQLITE_FULL, StorageFault.FULL),
        (sqlite3.SQLITE_READONLY, StorageFault.READ_ONLY),
        (sqlite3.SQLITE_READONLY_DBMOVED, StorageFault.MISSING),
        (sqlite3.SQLITE_CORRUPT_INDEX, StorageFault.DAMAGED),
        (sqlite3.SQLITE_NOTADB, StorageFault.DAMAGED),
        (sqlite3.SQLITE_BUSY_SNAPSHOT, StorageFault.LOCKED),
        (sqlite3.SQLITE_IOERR_WRITE, StorageFault.UNREADABLE),
        (sqlite3.SQLITE_CANTOPEN, StorageFault.UNREADABLE),
        (sqlite3.SQLITE_CONSTRAINT, None),
    ],
)
def test_names_the_fault_behind_an_error_of_sqlite(
    tmp_path: Path, code: int, fault: StorageFault | None
) -> None:
    database = tmp_path / "lightbox.db"
    database.touch()
    assert sqlite_fault(sqlite_error(code), database) is fault


def test_the_file_system_knows_better_why_a_write_failed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = tmp_path / "lightbox.db"
    database.touch()
    monkeypatch.setattr(sqlite_database, "FREE_MIN_BYTES", 2**60)
    assert sqlite_fault(sqlite_error(sqlite3.SQLITE_IOERR_WRITE), database) is StorageFault.FULL
    database.unlink()
    assert sqlite_fault(sqlite_error(sqlite3.SQLITE_CANTOPEN), database) is StorageFault.MISSING


def test_every_fault_has_a_cause_and_a_next_step(tmp_path: Path) -> None:
    for fault in StorageFault:
        error = StorageError(fault, str(tmp_path))
        assert error.cause.endswith(".")
        assert error.next_step.endswith((".", "it."))
        assert str(tmp_path) in error.cause
