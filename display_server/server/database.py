"""Which database belongs to a state folder: its SQLite file, or one of a PostgreSQL server.

The server records its choice in the state folder, so that commands which are given that folder alone use the
same database.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import structlog

from display_server.broker.database_copy import copy_to
from display_server.broker.sqlite_database import SqliteDatabase
from display_server.config import DatabaseConfig, read_secret
from display_server.errors import ConfigurationError, LightboxError
from display_server.telemetry.clock import CLOCK_ERROR_MAX_S

if TYPE_CHECKING:
    from display_server.broker.database import Database
    from display_server.broker.folders import StateFolder
    from display_server.broker.postgres_database import PostgresDatabase

log = structlog.get_logger(__name__)

#: The file of a state folder that names its PostgreSQL database. SQLite needs none.
CHOICE = "database.json"


def database_of(config: DatabaseConfig, state: StateFolder) -> Database:
    """Returns the database that the configuration names.

    Raises ConfigurationError when the file of the password cannot be read, or other users can read it as
    well.
    """
    if config.url is None:
        return SqliteDatabase(state.database)
    return _postgresql(config)


def _postgresql(config: DatabaseConfig) -> PostgresDatabase:
    from display_server.broker.postgres_database import PostgresDatabase  # most installations need no driver

    assert config.url is not None
    file = config.password_file
    if file is None:
        return PostgresDatabase(config.url)
    read_secret(file)  # so that a wrong file is noticed now
    return PostgresDatabase(config.url, lambda: read_secret(file))


def examine_server(config: DatabaseConfig) -> tuple[str, str]:
    """Connects to the PostgreSQL server of a configuration. Blocks.

    Returns what was found, and what to do if that is a fault, or else an empty text.
    """
    from display_server.broker.postgres_database import find_facts

    try:
        found, ahead_s = asyncio.run(find_facts(_postgresql(config)))
    except LightboxError as error:
        return error.cause, error.next_step
    if abs(ahead_s) <= CLOCK_ERROR_MAX_S:
        return found, ""
    direction = "ahead of" if ahead_s > 0 else "behind"
    return (
        f"{found}; its clock is {abs(ahead_s):.1f} s {direction} that of this host",
        "Synchronise the clocks of both hosts, for example with chrony.",
    )


def copy_to_sqlite(config: DatabaseConfig, state: StateFolder, target: Path) -> None:
    """Writes all accounts and records into a new SQLite file, in one consistent state. Blocks.

    Raises ConfigurationError, StorageError, OSError and sqlite3.Error.
    """
    from display_server.broker.database_transfer import copy_content
    from display_server.broker.store import Store

    scratch = target.with_name("transfer.db")

    async def work() -> None:
        source = await Store.open(database_of(config, state))
        try:
            copy = await Store.open(SqliteDatabase(scratch))
            try:
                await copy_content(source, copy)
            finally:
                await copy.close()
        finally:
            await source.close()

    asyncio.run(work())
    copy_to(scratch, target)  # without the files that an open database has beside it


def record_choice(config: DatabaseConfig, state: StateFolder) -> None:
    """Records which database the server uses. Raises OSError."""
    file = state.path / CHOICE
    recorded = recorded_choice(state)
    if config == recorded:
        return
    if recorded.url is not None:
        log.warning(
            "the database of this state folder has changed",
            before=recorded.url,
            now=config.url or str(state.database),
        )
    if config.url is None:
        file.unlink()
        return
    scratch = file.with_name(f".{CHOICE}")
    scratch.touch(mode=0o600)
    scratch.write_bytes(msgspec.json.encode(config, enc_hook=str))
    scratch.replace(file)


def recorded_choice(state: StateFolder) -> DatabaseConfig:
    """Returns the database that the last server with this state folder used; without a record, SQLite.

    Raises ConfigurationError when the record cannot be read.
    """
    file = state.path / CHOICE
    try:
        return msgspec.json.decode(
            file.read_bytes(), type=DatabaseConfig, dec_hook=lambda kind, value: kind(value)
        )
    except FileNotFoundError:
        return DatabaseConfig()
    except (OSError, msgspec.MsgspecError) as error:
        raise ConfigurationError(
            f"{file}, which names the database, cannot be read: {error}.",
            hint="Delete it, and start the server, which writes it anew.",
        ) from error
