"""`lightbox database`: moves accounts and records to another kind of database."""

from __future__ import annotations

import asyncio
import os
import sys

import typer

from display_server.cli.options import ConfigOption, StateOption
from display_server.errors import ConfigurationError

app = typer.Typer(help="Manage the database of accounts and records.", no_args_is_help=True)


@app.callback()
def group() -> None:
    """Makes `copy` a command of a group, although it is the only one."""


@app.command()
def copy(state: StateOption = None, config: ConfigOption = None) -> None:
    """Copy everything from the SQLite file of the state folder to the PostgreSQL database of the
    configuration.

    That database must exist and be empty. No server may run meanwhile. The file stays as it is, and is no
    longer used as soon as a server starts with this configuration.
    """
    from display_server.broker.database_transfer import copy_content
    from display_server.broker.folders import StateFolder, list_instances
    from display_server.broker.sqlite_database import SqliteDatabase
    from display_server.broker.store import Store
    from display_server.config import load
    from display_server.server.database import database_of
    from display_server.telemetry.logs import configure_logs

    configure_logs("command", default_level="warning")
    settings = load(config, os.environ)
    folder = StateFolder.open(state or settings.state)
    if settings.database.url is None:
        raise ConfigurationError(
            "The configuration names no PostgreSQL database.",
            hint="Set `database.url` and name the configuration with --config.",
        )
    if not folder.database.is_file():
        raise ConfigurationError(
            f"There is no database in {folder.path}.", hint="Name the state folder with --state or --config."
        )
    if list_instances(folder):
        raise ConfigurationError(
            "A server with this state folder is running.",
            hint="Stop it, so that nothing changes after it was copied, then try again.",
        )

    async def work() -> int:
        source = await Store.open(SqliteDatabase(folder.database))
        try:
            target = await Store.open(database_of(settings.database, folder))
            try:
                return await copy_content(source, target)
            finally:
                await target.close()
        finally:
            await source.close()

    rows = asyncio.run(work())
    print(
        f"{rows} rows copied to {settings.database.url}. Start the server with this configuration.",
        file=sys.stderr,
    )
