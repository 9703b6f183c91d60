"""The store: the open database of a process, whichever kind of database that is."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import structlog
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker

from display_server.broker.database import Database
from display_server.broker.migrations import SCHEMA_VERSION, migrate, schema_of
from display_server.broker.sqlite_database import SqliteDatabase
from display_server.broker.storage_failures import StorageError, StorageFault
from display_server.errors import ConfigurationError

log = structlog.get_logger(__name__)

#: How long a transaction that writes waits for the others of this process, s.
WRITER_TIMEOUT_S = 5.0
#: Faults that are over as soon as `Database.check` no longer finds them. The others last until a write
#: succeeds.
_FOUND_BY_CHECK = frozenset({StorageFault.MISSING, StorageFault.REPLACED})
#: Writes without changing anything.
_PROBE = text("UPDATE alembic_version SET version_num = version_num")


class Store:
    """The open database of a process.

    `async with store.begin() as db:` is a transaction that may write, `async with store.reading() as db:` one
    that only reads. Those that may write run one after another, on every kind of database and in all
    processes together, so that what one has read is still true when it writes. Neither may begin inside
    another one.
    """

    def __init__(self, engine: AsyncEngine, database: Database) -> None:
        self._engine = engine
        self._writing = async_sessionmaker(database.writing(engine), expire_on_commit=False)
        self._reading = async_sessionmaker(database.reading(engine), expire_on_commit=False)
        self._writer = asyncio.Lock()
        self.database = database
        #: What is wrong at the moment; None while everything works.
        self.fault: StorageFault | None = None

    @classmethod
    async def open(cls, database: Database | Path) -> Store:
        """Opens the database and creates or upgrades its tables. A path means an SQLite file.

        Raises ConfigurationError when the database cannot be used, or was written by a newer version.
        """
        if isinstance(database, Path):
            database = SqliteDatabase(database)
        await database.prepare()
        engine = database.engine()
        try:
            async with engine.connect() as connection:
                found = await connection.run_sync(schema_of)
            if found != SCHEMA_VERSION:
                await _upgrade(database)
        except (SQLAlchemyError, OSError) as error:
            await engine.dispose()
            raise _unusable(database, error) from error
        except BaseException:
            await engine.dispose()
            raise
        store = cls(engine, database)
        await store.save_copy()
        return store

    @contextlib.asynccontextmanager
    async def begin(self) -> AsyncIterator[AsyncSession]:
        """Begins a transaction that may write. It is committed at the end of the block.

        Raises StorageError when the database cannot be used, and SQLAlchemyError for a wrong statement.
        """
        async with self._faults_noted(), self._turn_to_write(), self._writing.begin() as db:
            yield db

    @contextlib.asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncSession]:
        """Begins a transaction that only reads, and so waits for nobody. Whatever it changes is lost.

        Raises StorageError when the database cannot be used, and SQLAlchemyError for a wrong statement.
        """
        async with self._faults_noted(), self._reading() as db:
            yield db

    async def save_copy(self) -> None:
        """Renews the copy of the database, if its kind has one.

        Called after each change that people cannot simply repeat. A failure is logged, because the change
        itself has been stored.
        """
        fault = await self.database.save_copy()
        if fault is not None:
            self._failed(fault)

    async def examine(self) -> StorageError | None:
        """Returns what is wrong with the database at the moment, or None.

        After a failed write, writes again in order to see whether the cause has gone.
        """
        try:
            async with self.reading() as db:
                await db.execute(text("SELECT 1"))
            fault = await self.database.examine()
            if fault is None and self.fault is not None:
                async with self.begin() as db:
                    await db.execute(_PROBE)
                fault = await self.database.save_copy()
                if fault is None:
                    self._works_again()
        except StorageError as error:
            return error
        except SQLAlchemyError as error:
            log.error("database failed", error=str(getattr(error, "orig", None) or error))
            fault = StorageFault.UNREADABLE
        return None if fault is None else self._failed(fault)

    async def close(self) -> None:
        await self._engine.dispose()

    @contextlib.asynccontextmanager
    async def _faults_noted(self) -> AsyncIterator[None]:
        """Raises StorageError for the faults that are found before and during a transaction."""
        fault = await self.database.check()
        if fault is not None:
            raise self._failed(fault)
        if self.fault in _FOUND_BY_CHECK:  # the file was moved away and came back
            self._works_again()
        try:
            yield
        except (SQLAlchemyError, TimeoutError) as error:
            fault = self.database.fault_of(error)
            if fault is None:
                raise
            raise self._failed(fault) from error

    @contextlib.asynccontextmanager
    async def _turn_to_write(self) -> AsyncIterator[None]:
        """Waits within the process. The database would let the processes wait as well, but less fairly."""
        try:
            async with asyncio.timeout(WRITER_TIMEOUT_S):
                await self._writer.acquire()
        except TimeoutError:
            raise self._failed(StorageFault.LOCKED) from None
        try:
            yield
        finally:
            self._writer.release()

    def _failed(self, fault: StorageFault) -> StorageError:
        """Notes a fault, logs it if it is new, and returns the error."""
        failure = StorageError(fault, self.database.name)
        if fault is not self.fault:
            self.fault = fault
            log.error("storage failed", fault=fault.value, cause=failure.cause, next_step=failure.next_step)
        return failure

    def _works_again(self) -> None:
        log.info("storage works again", fault=self.fault.value if self.fault else None)
        self.fault = None


async def _upgrade(database: Database) -> None:
    """Brings the schema to the present version: all steps, or none if the process is killed meanwhile.

    The version is read again inside the transaction, because another process may have upgraded the database
    while this one waited for its turn.
    """
    engine = database.migrating()
    try:
        async with engine.begin() as connection:
            found = await connection.run_sync(schema_of)
            if found > SCHEMA_VERSION:
                raise ConfigurationError(
                    f"The database {database.name} was written by a newer version of Lightbox "
                    f"(schema {found}; this version reads up to {SCHEMA_VERSION}).",
                    hint="Use that version, or choose another database.",
                )
            if found == SCHEMA_VERSION:
                return
            if found:
                await database.keep_before_upgrade(found)
            await connection.run_sync(migrate)
            await database.check_upgrade(connection)
        if found:
            log.info("database upgraded", from_schema=found, to_schema=SCHEMA_VERSION)
    finally:
        await engine.dispose()


def _unusable(database: Database, error: SQLAlchemyError | OSError) -> ConfigurationError:
    """Returns the error for a database that could not be opened."""
    fault = database.fault_of(error)
    if fault is not None and fault is not StorageFault.DAMAGED:
        failure = StorageError(fault, database.name)
        return ConfigurationError(failure.cause, hint=failure.next_step)
    return ConfigurationError(
        f"The database {database.name} cannot be used: {getattr(error, 'orig', None) or error}.",
        hint="Restore it from a backup, or move it away to start with an empty database.",
    )
