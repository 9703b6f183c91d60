"""What errors of a PostgreSQL server mean.

`integration/broker/test_postgresql_failures.py` makes real ones.
"""

from __future__ import annotations

import asyncpg
import pytest
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from display_server.broker.postgres_database import PostgresDatabase, postgres_fault
from display_server.broker.storage_failures import StorageFault


class ServerError(Exception):
    def __init__(self, state: str | None) -> None:
        self.sqlstate = state


@pytest.mark.parametrize(
    ("kind", "fault"),
    [
        (asyncpg.ClientCannotConnectError, StorageFault.UNREACHABLE),
        (asyncpg.ConnectionDoesNotExistError, StorageFault.UNREACHABLE),
        (asyncpg.CannotConnectNowError, StorageFault.UNREACHABLE),
        (asyncpg.AdminShutdownError, StorageFault.UNREACHABLE),
        (asyncpg.InvalidPasswordError, StorageFault.REFUSED),
        (asyncpg.InvalidAuthorizationSpecificationError, StorageFault.REFUSED),
        (asyncpg.InvalidCatalogNameError, StorageFault.ABSENT),
        (asyncpg.InsufficientPrivilegeError, StorageFault.FORBIDDEN),
        (asyncpg.ReadOnlySQLTransactionError, StorageFault.STANDBY),
        (asyncpg.DiskFullError, StorageFault.FULL),
        (asyncpg.TooManyConnectionsError, StorageFault.BUSY),
        (asyncpg.LockNotAvailableError, StorageFault.BUSY),
        (asyncpg.DeadlockDetectedError, StorageFault.BUSY),
        (asyncpg.QueryCanceledError, StorageFault.BUSY),
        (asyncpg.DataCorruptedError, StorageFault.FAILED),
        (asyncpg.PostgresSyntaxError, None),
        (asyncpg.StringDataRightTruncationError, None),
    ],
)
def test_names_the_fault_behind_an_error_of_the_server(
    kind: type[asyncpg.PostgresError], fault: StorageFault | None
) -> None:
    assert postgres_fault(DBAPIError("SELECT", {}, ServerError(kind.sqlstate))) is fault


def test_names_the_fault_behind_an_error_of_the_driver() -> None:
    lost = DBAPIError("SELECT", {}, ServerError(None), connection_invalidated=True)
    assert postgres_fault(lost) is StorageFault.UNREACHABLE
    assert postgres_fault(DBAPIError("SELECT", {}, ServerError(None))) is None
    assert postgres_fault(IntegrityError("INSERT", {}, ServerError("23505"))) is None
    assert postgres_fault(PoolTimeout()) is StorageFault.BUSY
    assert postgres_fault(TimeoutError()) is StorageFault.UNREACHABLE


def test_messages_name_the_database_without_its_options() -> None:
    url = "postgresql://lightbox@db.hospital.example/lightbox?sslmode=verify-full&sslpassword=x"
    assert PostgresDatabase(url).name == "postgresql://lightbox@db.hospital.example/lightbox"
