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
    from display_server.broker.store import Store

#: Longest name of an operator that is recorded, characters.
OPERATOR_MAX = 64


def state_folder(state: Path | None, config: Path | None) -> Path:
    """Returns the folder of `--state`, or else the one of the configuration and the environment."""
    from display_server.config import load

    return state or load(config, os.environ).state


def operator_name() -> str:
    """Returns the Unix user who runs this command, and the one behind `sudo`, as `park as lightbox`."""
    try:
        user = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # a user of a container without an entry in /etc/passwd
        user = str(os.getuid())
    person = os.environ.get("SUDO_USER", user)
    return (user if person == user else f"{person} as {user}")[:OPERATOR_MAX]


def with_accounts(state: Path, use: Callable[[Accounts], Awaitable[None]]) -> None:
    """Opens the accounts of a state folder, runs `use` and closes them."""
    from display_server.broker.accounts import Accounts
    from display_server.broker.passwords import Passwords

    async def work(store: Store) -> None:
        passwords = Passwords()
        try:
            await use(Accounts(store, passwords, operator=operator_name()))
        finally:
            passwords.close()

    with_store(state, work)


def with_store(state: Path, use: Callable[[Store], Awaitable[None]]) -> None:
    """Opens the database of a state folder, runs `use` and closes it."""
    from display_server.broker.folders import StateFolder
    from display_server.broker.store import Store
    from display_server.telemetry.logs import configure_logs

    configure_logs("command", default_level="warning")

    async def work() -> None:
        folder = StateFolder.open(state)
        store = await Store.open(folder.database)
        try:
            await use(store)
        finally:
            await store.close()

    asyncio.run(work())
