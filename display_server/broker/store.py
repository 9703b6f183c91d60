"""The broker's database: one SQLite file. SQLAlchemy allows another engine to replace it."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import structlog
from sqlalchemy import URL, event, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import (
    AsyncConnection,
    AsyncEngine,
    AsyncSession,
    async_sessionmaker,
    create_async_engine,
)

from display_server.broker import database_copy
from display_server.broker.storage_failures import StorageError, StorageFault, fault_of, file_fault
from display_server.broker.tables import MIGRATIONS, SCHEMA_VERSION, Base
from display_server.errors import ConfigurationError

log = structlog.get_logger(__name__)

#: How long a writer waits for another process, ms; for example `lightbox account add` while a server runs.
BUSY_TIMEOUT_MS = 5000
#: Faults after which the open connections lead to another file than the path, or to wrong content. They
#: last until the next start.
_FINAL = frozenset({StorageFault.MISSING, StorageFault.REPLACED, StorageFault.DAMAGED})


class Store:
    """The open database of a process.

    `async with store.begin() as db:` is a transaction. Each one first looks whether the file is still the one
    that was opened, because SQLite itself would go on with a deleted file and lose everything at the end of
    the process.
    """

    def __init__(self, engine: AsyncEngine, path: Path) -> None:
        self._engine = engine
        self._transaction = async_sessionmaker(engine, class_=AsyncSession, expire_on_commit=False).begin
        self.path = path
        self._inode = _inode(path)
        self._checked: tuple[int, int] | None = None  # time of change and size of the file found intact
        #: What is wrong at the moment; None while everything works.
        self.fault: StorageFault | None = None

    @classmethod
    async def open(cls, path: Path) -> Store:
        """Opens the database; creates the file (mode 0600) and its tables where they are missing.

        A database of an older version is upgraded; a copy of it is kept beside it.

        A database that is missing or damaged is restored from its copy. Raises ConfigurationError when the
        file cannot be written, is damaged without a copy, or was written by a newer version.
        """
        try:
            await asyncio.to_thread(database_copy.restore_if_needed, path)
            path.touch(mode=0o600, exist_ok=True)  # noqa: ASYNC240 - runs once, before anything is served
        except OSError as error:
            raise ConfigurationError(
                f"The database {path} cannot be written: {error.strerror}.",
                hint="Make the folder writable and free some space there, or choose another state folder "
                "with --state.",
            ) from error
        address = URL.create(
            "sqlite+aiosqlite",
            database=database_copy.uri(path, "").rstrip("?"),
            query={"mode": "rw", "uri": "true"},  # never creates a file in the place of a deleted one
        )
        engine = create_async_engine(address)
        event.listen(engine.sync_engine, "connect", _prepare_connection)
        try:
            async with engine.begin() as connection:
                found = (await connection.execute(text("PRAGMA user_version"))).scalar_one()
                if found > SCHEMA_VERSION:
                    raise ConfigurationError(
                        f"The database {path} was written by a newer version of Lightbox (schema {found}; "
                        f"this version reads up to {SCHEMA_VERSION}).",
                        hint="Use that version, or choose another state folder with --state.",
                    )
                if 0 < found < SCHEMA_VERSION:
                    await asyncio.to_thread(database_copy.keep_before_upgrade, path, found)
                await _upgrade(connection)
        except SQLAlchemyError as error:
            await engine.dispose()
            fault = fault_of(error, path)
            if fault is not None and fault is not StorageFault.DAMAGED:
                failure = StorageError(fault, path)
                raise ConfigurationError(failure.cause, hint=failure.next_step) from error
            raise ConfigurationError(
                f"The database {path} cannot be used: {getattr(error, 'orig', None) or error}.",
                hint="Restore the file from a backup, or move it away to start with an empty database.",
            ) from error
        except (OSError, sqlite3.Error) as error:
            await engine.dispose()
            raise ConfigurationError(
                f"The database {path} could not be copied before its upgrade: {error}.",
                hint="Free some space in its folder, then try again. Nothing was changed.",
            ) from error
        except ConfigurationError:
            await engine.dispose()
            raise
        store = cls(engine, path)
        await store.save_copy()
        return store

    @contextlib.asynccontextmanager
    async def begin(self) -> AsyncIterator[AsyncSession]:
        """Begins a transaction, which is committed at the end of the block.

        Raises StorageError when the database cannot be used, and SQLAlchemyError for a wrong statement.
        """
        await self._check_file()
        try:
            async with self._transaction() as db:
                yield db
        except SQLAlchemyError as error:
            fault = fault_of(error, self.path)
            if fault is None:
                raise
            raise self._failed(fault) from error

    async def save_copy(self) -> None:
        """Renews the copy of the database. Called after each change that people cannot simply repeat.

        A failure is logged, because the change itself has been stored.
        """
        try:
            await asyncio.to_thread(database_copy.write_copy, self.path)
        except (OSError, sqlite3.Error) as error:
            log.error("database could not be copied", database=str(self.path), error=str(error))
            self._failed(file_fault(self.path) or StorageFault.UNREADABLE)

    async def examine(self) -> StorageError | None:
        """Returns what is wrong with the database at the moment, or None.

        After a failed write, writes again in order to see whether the cause has gone.
        """
        try:
            await self._check_file()
            fault = file_fault(self.path)
            if fault is not None:
                raise self._failed(fault)
            if self.fault is not None:
                async with self.begin() as db:
                    await db.execute(text(f"PRAGMA user_version = {SCHEMA_VERSION}"))
                await asyncio.to_thread(database_copy.write_copy, self.path)
                self._works_again()
        except StorageError as error:
            return error
        except (OSError, sqlite3.Error, SQLAlchemyError):
            return self._failed(file_fault(self.path) or StorageFault.UNREADABLE)
        return None

    async def close(self) -> None:
        await self._engine.dispose()

    async def _check_file(self) -> None:
        """Raises StorageError when the file is no longer the intact one that was opened."""
        if self.fault is StorageFault.DAMAGED:
            raise StorageError(self.fault, self.path)
        try:
            status = self.path.stat()
        except FileNotFoundError:
            raise self._failed(StorageFault.MISSING) from None
        except OSError as error:
            raise self._failed(StorageFault.UNREADABLE) from error
        if (status.st_dev, status.st_ino) != self._inode:
            raise self._failed(StorageFault.REPLACED)
        # The file itself changes only when SQLite empties its write-ahead log into it, so this is rare.
        present = status.st_mtime_ns, status.st_size
        if present != self._checked:
            if status.st_size == 0 or await asyncio.to_thread(database_copy.is_damaged, self.path):
                raise self._failed(StorageFault.DAMAGED)
            self._checked = present
        if self.fault in _FINAL:  # the file was moved away and came back
            self._works_again()

    def _failed(self, fault: StorageFault) -> StorageError:
        """Notes a fault, logs it if it is new, and returns the error."""
        failure = StorageError(fault, self.path)
        if fault is not self.fault:
            self.fault = fault
            log.error("storage failed", fault=fault.value, cause=failure.cause, next_step=failure.next_step)
        return failure

    def _works_again(self) -> None:
        log.info("storage works again", fault=self.fault.value if self.fault else None)
        self.fault = None


async def _upgrade(connection: AsyncConnection) -> None:
    """Brings the schema to the present version: all steps, or none if the process is killed meanwhile.

    The version is read inside the transaction, because another process may be upgrading the same database.
    """
    await connection.execute(text("BEGIN IMMEDIATE"))
    found = (await connection.execute(text("PRAGMA user_version"))).scalar_one()
    if found == SCHEMA_VERSION:
        return
    for version in range(found, SCHEMA_VERSION) if found else ():
        for statement in MIGRATIONS[version]:
            await connection.execute(text(statement))
    await connection.run_sync(Base.metadata.create_all)
    await connection.execute(text(f"PRAGMA user_version = {SCHEMA_VERSION}"))
    if found:
        log.info("database upgraded", from_schema=found, to_schema=SCHEMA_VERSION)


def _inode(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_dev, status.st_ino


def _prepare_connection(connection: object, _record: object) -> None:
    """Switches on foreign keys, and a journal that does not block readers during a write.

    SQLite has both switched off by default.
    """
    cursor = connection.cursor()  # type: ignore[attr-defined]  # the driver's connection has no type here
    for pragma in (
        "foreign_keys = ON",
        "journal_mode = WAL",
        "synchronous = NORMAL",
        f"busy_timeout = {BUSY_TIMEOUT_MS}",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
