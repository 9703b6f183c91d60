"""Access to the state folder and its database, for commands that need no running server."""

from __future__ import annotations

import asyncio
import os
import pwd
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from display_server.broker.accounts import Accounts
    from display_server.broker.folders import StateFolder
    from display_server.broker.store import Store
    from display_server.config import DatabaseConfig

#: Longest name of an operator that is recorded, characters.
OPERATOR_MAX = 64


def state_folder(state: Path | None, config: Path | None) -> Path:
    """Returns the folder of `--state`, or else the one of the configuration and the environment."""
    from display_server.config import load

    return state or load(config, os.environ).state


def chosen_database(state: StateFolder, config: Path | None) -> DatabaseConfig:
    """Returns which database belongs to a state folder.

    That is the one of the configuration or the environment. Without a configuration it is the one that the
    last server with this state folder used.
    """
    from display_server.config import load
    from display_server.server.database import recorded_choice

    chosen = load(config, os.environ).database
    return chosen if chosen.url is not None or config is not None else recorded_choice(state)


def operator_name() -> str:
    """Returns the Unix user who runs this command, and the one behind `sudo`, as `park as lightbox`."""
    try:
        user = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # a user of a container without an entry in /etc/passwd
        user = str(os.getuid())
    person = os.environ.get("SUDO_USER", user)
    return (user if person == user else f"{person} as {user}")[:OPERATOR_MAX]


def with_accounts(
    state: Path, use: Callable[[Accounts], Awaitable[None]], config: Path | None = None
) -> None:
    """Opens the accounts of a state folder, runs `use` and closes them."""
    from display_server.broker.accounts import Accounts
    from display_server.broker.passwords import Passwords

    async def work(store: Store) -> None:
        passwords = Passwords()
        try:
            await use(Accounts(store, passwords, operator=operator_name()))
        finally:
            passwords.close()

    with_store(state, work, config)


def with_store(state: Path, use: Callable[[Store], Awaitable[None]], config: Path | None = None) -> None:
    """Opens the database of a state folder, runs `use` and closes it."""
    from display_server.broker.folders import StateFolder
    from display_server.broker.store import Store
    from display_server.server.database import database_of
    from display_server.telemetry.logs import configure_logs

    configure_logs("command", default_level="warning")

    async def work() -> None:
        folder = StateFolder.open(state)
        store = await Store.open(database_of(chosen_database(folder, config), folder))
        try:
            await use(store)
        finally:
            await store.close()

    asyncio.run(work())
