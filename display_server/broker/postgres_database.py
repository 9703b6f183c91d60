"""A database of a PostgreSQL server."""

from __future__ import annotations

import asyncio
import functools
import time
from collections.abc import Callable
from urllib.parse import urlsplit, urlunsplit

import asyncpg
from sqlalchemy import Connection, event
from sqlalchemy.exc import DBAPIError, IntegrityError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from display_server.broker.storage_failures import StorageError, StorageFault
from display_server.errors import ConfigurationError

#: How long the server may take to accept a connection, s.
CONNECT_TIMEOUT_S = 5.0
#: How long one statement may take, s. Those of a migration have no limit.
STATEMENT_TIMEOUT_S = 15.0
#: How long a statement waits for the locks of others, ms.
LOCK_TIMEOUT_MS = 5000
#: How long a migration waits for another one, ms. A migration of large tables takes minutes.
MIGRATION_LOCK_TIMEOUT_MS = 600_000
#: After this time without a statement the server ends a transaction, ms: one of a host that has lost its
#: network would keep all others from writing.
IDLE_TIMEOUT_MS = 20_000
#: Connections that stay open, and those that are opened for a burst. Only one of them writes.
CONNECTIONS = 8
CONNECTIONS_EXTRA = 8
#: The key of the advisory lock of transactions that write. PostgreSQL keeps such locks per database.
WRITER_LOCK = 0x4C69_6768
#: The execution option of transactions that take this lock.
_WRITES = "lightbox_writes"
#: The faults by SQLSTATE (appendix A of PostgreSQL's manual), or by its class, which are its first two
#: characters.
_FAULT_BY_STATE = {
    "08": StorageFault.UNREACHABLE,
    "25006": StorageFault.STANDBY,  # read_only_sql_transaction
    "25P03": StorageFault.BUSY,  # idle_in_transaction_session_timeout
    "28": StorageFault.REFUSED,
    "3D000": StorageFault.ABSENT,  # invalid_catalog_name
    "40": StorageFault.BUSY,  # transaction_rollback, such as a deadlock
    "42501": StorageFault.FORBIDDEN,  # insufficient_privilege
    "53100": StorageFault.FULL,  # disk_full
    "53": StorageFault.BUSY,  # insufficient_resources, such as too_many_connections
    "55006": StorageFault.BUSY,  # object_in_use
    "55P03": StorageFault.BUSY,  # lock_not_available
    "57": StorageFault.UNREACHABLE,  # operator_intervention: the server shuts down or starts
    "57014": StorageFault.BUSY,  # query_canceled
    "58": StorageFault.FAILED,  # system_error
    "XX": StorageFault.FAILED,  # internal_error
}


class PostgresDatabase:
    """A database of a PostgreSQL server. It implements Database.

    `url` is an address as libpq takes it, without a password. `password` is called for each new connection,
    so that a changed password needs no restart; it returns None where the server wants none.
    """

    def __init__(self, url: str, password: Callable[[], str | None] = lambda: None) -> None:
        self._url = url
        self._password = password

    @property
    def name(self) -> str:
        """The address without options."""
        return urlunsplit(urlsplit(self._url)._replace(query="", fragment=""))

    async def prepare(self) -> None:
        """Does nothing: administrators create databases, because that needs rights that Lightbox has not."""

    def engine(self) -> AsyncEngine:
        return self._listening(
            create_async_engine(
                "postgresql+asyncpg://",
                async_creator=self._connect,
                pool_size=CONNECTIONS,
                max_overflow=CONNECTIONS_EXTRA,
                pool_timeout=CONNECT_TIMEOUT_S,
                pool_pre_ping=True,  # connections that have died meanwhile are replaced
            )
        )

    def writing(self, engine: AsyncEngine) -> AsyncEngine:
        return engine.execution_options(**{_WRITES: True})

    def reading(self, engine: AsyncEngine) -> AsyncEngine:
        return engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)

    def migrating(self) -> AsyncEngine:
        engine = create_async_engine(
            "postgresql+asyncpg://",
            async_creator=functools.partial(self._connect, migrating=True),
            poolclass=NullPool,
        )
        return self.writing(self._listening(engine))

    async def keep_before_upgrade(self, schema: int) -> None:
        """Does nothing: the administrator's backups are those of the server."""

    async def check_upgrade(self, connection: AsyncConnection) -> None:
        """Does nothing: the server has enforced all foreign keys meanwhile."""

    async def check(self) -> StorageFault | None:
        return None

    async def examine(self) -> StorageFault | None:
        return None

    def fault_of(self, error: SQLAlchemyError | OSError) -> StorageFault | None:
        return postgres_fault(error)

    async def save_copy(self) -> StorageFault | None:
        return None

    @staticmethod
    def _listening(engine: AsyncEngine) -> AsyncEngine:
        event.listen(engine.sync_engine, "begin", _begin)
        return engine

    async def _connect(self, *, migrating: bool = False) -> asyncpg.Connection:
        """Connects to the server. Errors of the network and of the password's file become those of the
        driver, which SQLAlchemy recognizes.
        """
        try:
            password = await asyncio.to_thread(self._password)
        except ConfigurationError as error:
            raise asyncpg.exceptions.InvalidPasswordError(error.cause) from error
        try:
            return await asyncpg.connect(
                self._url,
                password=password,
                timeout=CONNECT_TIMEOUT_S,
                command_timeout=None if migrating else STATEMENT_TIMEOUT_S,
                server_settings={
                    "application_name": "lightbox",
                    "lock_timeout": str(MIGRATION_LOCK_TIMEOUT_MS if migrating else LOCK_TIMEOUT_MS),
                    "idle_in_transaction_session_timeout": str(0 if migrating else IDLE_TIMEOUT_MS),
                },
            )
        except OSError as error:  # TimeoutError is one as well
            reason = str(error) or "no answer in time"
            raise asyncpg.exceptions.ClientCannotConnectError(reason) from error


async def find_facts(database: PostgresDatabase) -> tuple[str, float]:
    """Connects, and returns the version of the server in words, and how far its clock is ahead of ours, s.

    Raises StorageError and ConfigurationError.
    """
    engine = database.migrating()
    try:
        async with engine.connect() as connection:
            found = await connection.exec_driver_sql("SHOW server_version")
            version: str = found.scalar_one()
            before_s = time.time()
            found = await connection.exec_driver_sql("SELECT extract(epoch FROM clock_timestamp())")
            ahead_s = float(found.scalar_one()) - (before_s + time.time()) / 2
    except (SQLAlchemyError, OSError) as error:
        fault = database.fault_of(error)
        if fault is None:
            raise ConfigurationError(
                f"The database {database.name} cannot be used: {getattr(error, 'orig', None) or error}.",
                hint="Correct `database.url`.",
            ) from error
        raise StorageError(fault, database.name) from error
    finally:
        await engine.dispose()
    return f"{database.name}, PostgreSQL {version}", ahead_s


def postgres_fault(error: SQLAlchemyError | OSError) -> StorageFault | None:
    """Returns the fault behind an error of the server, or None when the statement was at fault."""
    if isinstance(error, OSError):
        return StorageFault.UNREACHABLE  # a statement took too long
    if isinstance(error, PoolTimeout):
        return StorageFault.BUSY
    if not isinstance(error, DBAPIError) or isinstance(error, IntegrityError):
        return None
    state = getattr(error.orig, "sqlstate", None)
    if state is None:  # the driver noticed it, not the server
        return StorageFault.UNREACHABLE if error.connection_invalidated else None
    return _FAULT_BY_STATE.get(state) or _FAULT_BY_STATE.get(state[:2])


def _begin(connection: Connection) -> None:
    """Lets transactions that write run one after another, as on SQLite."""
    if connection.get_execution_options().get(_WRITES):
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({WRITER_LOCK})")
