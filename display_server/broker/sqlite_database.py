"""A database that is one SQLite file: its checks, and its copies."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from pathlib import Path

import structlog
from sqlalchemy import URL, Connection, event, text
from sqlalchemy.exc import DBAPIError, IntegrityError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from display_server.broker import database_copy
from display_server.broker.storage_failures import StorageFault
from display_server.errors import ConfigurationError

log = structlog.get_logger(__name__)

#: How long a writer waits for another process, ms; for example `lightbox account add` while a server runs.
BUSY_TIMEOUT_MS = 5000
#: With less free space than this no transaction can be written, bytes.
FREE_MIN_BYTES = 64 * 1024
#: The execution option that says with which statement transactions of an engine begin.
_BEGIN = "sqlite_begin"
#: The faults by SQLite's primary result code (https://www.sqlite.org/rescode.html).
_FAULT_BY_CODE = {
    sqlite3.SQLITE_FULL: StorageFault.FULL,
    sqlite3.SQLITE_READONLY: StorageFault.READ_ONLY,
    sqlite3.SQLITE_CORRUPT: StorageFault.DAMAGED,
    sqlite3.SQLITE_NOTADB: StorageFault.DAMAGED,
    sqlite3.SQLITE_BUSY: StorageFault.LOCKED,
    sqlite3.SQLITE_LOCKED: StorageFault.LOCKED,
    sqlite3.SQLITE_IOERR: StorageFault.UNREADABLE,
    sqlite3.SQLITE_CANTOPEN: StorageFault.UNREADABLE,
    sqlite3.SQLITE_PERM: StorageFault.UNREADABLE,
}
#: The bits of an extended result code that hold the primary one.
_PRIMARY_CODE = 0xFF


class SqliteDatabase:
    """An SQLite file. It implements Database.

    SQLite itself would go on with a deleted file and lose everything at the end of the process, so each
    transaction first looks whether the file is still the one that was opened.

    The driver begins no transactions by itself: it would begin none before statements that alter tables.
    Those that may write begin with BEGIN IMMEDIATE and so wait for each other. A transaction that reads first
    and writes later could otherwise fail at any time, because another one has written meanwhile.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._inode: tuple[int, int] | None = None
        self._checked: tuple[int, int] | None = None  # time of change and size of the file found intact
        self._damaged = False  # for good, because pages in memory may be right by chance

    @property
    def name(self) -> str:
        return str(self.path)

    async def prepare(self) -> None:
        """Creates the file (mode 0600) where it is missing, or restores it from its copy.

        Raises ConfigurationError when it cannot be written.
        """
        try:
            await asyncio.to_thread(database_copy.restore_if_needed, self.path)
            self.path.touch(mode=0o600, exist_ok=True)
            status = self.path.stat()
        except OSError as error:
            raise ConfigurationError(
                f"The database {self.path} cannot be written: {error.strerror}.",
                hint="Make the folder writable and free some space there, or choose another state folder "
                "with --state.",
            ) from error
        self._inode = status.st_dev, status.st_ino

    def engine(self) -> AsyncEngine:
        return self._engine(foreign_keys=True)

    def writing(self, engine: AsyncEngine) -> AsyncEngine:
        return engine.execution_options(**{_BEGIN: "BEGIN IMMEDIATE"})

    def reading(self, engine: AsyncEngine) -> AsyncEngine:
        return engine.execution_options(**{_BEGIN: "BEGIN"})

    def migrating(self) -> AsyncEngine:
        # Foreign keys can be switched off only outside of a transaction. `migrate` says why they have to be.
        return self.writing(self._engine(foreign_keys=False, poolclass=NullPool))

    async def keep_before_upgrade(self, schema: int) -> None:
        try:
            await asyncio.to_thread(database_copy.keep_before_upgrade, self.path, schema)
        except (OSError, sqlite3.Error) as error:
            raise ConfigurationError(
                f"The database {self.path} could not be copied before its upgrade: {error}.",
                hint="Free some space in its folder, then try again. Nothing was changed.",
            ) from error

    async def check_upgrade(self, connection: AsyncConnection) -> None:
        broken = (await connection.execute(text("PRAGMA foreign_key_check"))).first()
        if broken is not None:
            raise ConfigurationError(
                f"The database {self.path} cannot be upgraded: a row of `{broken[0]}` refers to a row of "
                f"`{broken[2]}` that does not exist.",
                hint="Restore it from a backup, or use the older version. Nothing was changed.",
            )

    async def check(self) -> StorageFault | None:
        """Returns a fault when the file is no longer the intact one that was opened."""
        if self._damaged:
            return StorageFault.DAMAGED
        try:
            status = self.path.stat()
        except FileNotFoundError:
            return StorageFault.MISSING
        except OSError:
            return StorageFault.UNREADABLE
        if (status.st_dev, status.st_ino) != self._inode:
            return StorageFault.REPLACED
        # The file itself changes only when SQLite empties its write-ahead log into it, so this is rare.
        present = status.st_mtime_ns, status.st_size
        if present != self._checked:
            self._damaged = status.st_size == 0 or await asyncio.to_thread(
                database_copy.is_damaged, self.path
            )
            if self._damaged:
                return StorageFault.DAMAGED
            self._checked = present
        return None

    async def examine(self) -> StorageFault | None:
        return file_fault(self.path)

    def fault_of(self, error: SQLAlchemyError | OSError) -> StorageFault | None:
        fault = sqlite_fault(error, self.path)
        self._damaged = self._damaged or fault is StorageFault.DAMAGED
        return fault

    async def save_copy(self) -> StorageFault | None:
        try:
            await asyncio.to_thread(database_copy.write_copy, self.path)
        except (OSError, sqlite3.Error) as error:
            log.error("database could not be copied", database=self.name, error=str(error))
            return file_fault(self.path) or StorageFault.UNREADABLE
        return None

    def _engine(self, *, foreign_keys: bool, poolclass: type[NullPool] | None = None) -> AsyncEngine:
        address = URL.create(
            "sqlite+aiosqlite",
            database=database_copy.uri(self.path, "").rstrip("?"),
            query={"mode": "rw", "uri": "true"},  # never creates a file in the place of a deleted one
        )
        engine = create_async_engine(address, poolclass=poolclass)

        def prepare(connection: object, _record: object) -> None:
            _prepare_connection(connection, foreign_keys=foreign_keys)

        event.listen(engine.sync_engine, "connect", prepare)
        event.listen(engine.sync_engine, "begin", _begin)
        return engine


def sqlite_fault(error: SQLAlchemyError | OSError, database: Path) -> StorageFault | None:
    """Returns the fault behind an error of SQLite, with the help of the file system.

    Returns None when the statement was at fault, for example because it would break a constraint.
    """
    if not isinstance(error, DBAPIError) or isinstance(error, IntegrityError):
        return None
    code: int = getattr(error.orig, "sqlite_errorcode", 0)
    if code == sqlite3.SQLITE_READONLY_DBMOVED:
        return StorageFault.MISSING
    if "no such table" in str(error.orig):
        return StorageFault.DAMAGED  # the file was truncated
    fault = _FAULT_BY_CODE.get(code & _PRIMARY_CODE)
    if fault is None or fault is StorageFault.DAMAGED:
        return fault
    # SQLite reports a disk that is full or read-only in several ways, so the file system knows better.
    return file_fault(database) or fault


def file_fault(database: Path) -> StorageFault | None:
    """Returns what the file system says: that the file is missing, or that nothing can be written."""
    try:
        database.stat()
    except FileNotFoundError:
        return StorageFault.MISSING
    except OSError:
        return StorageFault.UNREADABLE
    status = os.statvfs(database.parent)
    if status.f_flag & os.ST_RDONLY:
        return StorageFault.READ_ONLY
    if status.f_bavail * status.f_frsize < FREE_MIN_BYTES:
        return StorageFault.FULL
    return None


def _begin(connection: Connection) -> None:
    """Begins a transaction.

    Transactions of an engine without the option are those that look at the schema.
    """
    connection.exec_driver_sql(connection.get_execution_options().get(_BEGIN, "BEGIN"))


def _prepare_connection(connection: object, *, foreign_keys: bool) -> None:
    """Makes the driver begin no transactions, and sets what SQLite has switched off by default: foreign keys,
    and a journal that does not block readers during a write.
    """
    connection.isolation_level = None  # type: ignore[attr-defined]  # the driver's connection has no type
    cursor = connection.cursor()  # type: ignore[attr-defined]  # the same
    for pragma in (
        f"busy_timeout = {BUSY_TIMEOUT_MS}",
        f"foreign_keys = {'ON' if foreign_keys else 'OFF'}",
        "journal_mode = WAL",
        "synchronous = NORMAL",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
