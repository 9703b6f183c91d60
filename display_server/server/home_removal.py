"""Sets the homes of a deleted account aside, or deletes them, with the help of the spawner where one runs.

Homes of isolated desktops belong to users of their own and may be in mounted images. The spawner knows which
of them are in use.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

from display_server.broker import deleted_homes
from display_server.broker.folders import StateFolder
from display_server.broker.lasting_folder import LastingFolder
from display_server.broker.launchers.spawner_client import SilentSpawnerError, SpawnerClient
from display_server.errors import ConfigurationError
from display_server.spawner import mounts
from display_server.spawner.home_storage import release
from display_server.spawner.messages import Answer, Request, SetHomesAside, WipeDeletedHomes, WipeHomes


def set_homes_aside(state: StateFolder, username: str) -> Path | None:
    """Moves the homes of a person to the folder of deleted homes. Returns where they are, if there were any.

    Raises DesktopError while a desktop uses them, and ConfigurationError when this user may not do this.
    """
    answer = _ask_spawner(state, SetHomesAside(username))
    if answer is not None:
        return state.deleted_homes / answer.deleted_homes if answer.deleted_homes else None
    try:
        _unmount(state, username)
        return deleted_homes.set_aside(state, username)
    except OSError as error:
        raise _refused(error) from error


def wipe_homes(state: StateFolder, username: str) -> None:
    """Deletes the homes of a person. Raises the same errors."""
    if _ask_spawner(state, WipeHomes(username)) is not None:
        return
    try:
        _unmount(state, username)
        deleted_homes.wipe(state, username)
    except OSError as error:
        raise _refused(error) from error


def wipe_deleted_homes(state: StateFolder, name: str) -> None:
    """Deletes homes that were set aside; `name` is that of a folder in `deleted-homes`.

    Raises the same errors, and ConfigurationError when there are none of this name.
    """
    if name not in names_of_deleted_homes(state):
        raise ConfigurationError(
            f"There are no deleted homes named {name!r}.",
            hint="`lightbox account deleted-homes` lists them.",
        )
    if _ask_spawner(state, WipeDeletedHomes(name)) is not None:
        return
    try:
        deleted_homes.wipe_deleted(state, name)
    except OSError as error:
        raise _refused(error) from error


def names_of_deleted_homes(state: StateFolder) -> list[str]:
    try:
        return sorted(path.name for path in state.deleted_homes.iterdir())
    except FileNotFoundError:
        return []
    except OSError as error:
        raise _refused(error) from error


def _ask_spawner(state: StateFolder, request: Request) -> Answer | None:
    """Returns None when no spawner runs for this state folder. Raises DesktopError."""
    socket = LastingFolder.of(state.path).socket
    if not socket.exists():
        return None
    try:
        return asyncio.run(SpawnerClient(socket).send(request))
    except SilentSpawnerError:
        return None


def _unmount(state: StateFolder, username: str) -> None:
    """Unmounts what a spawner that was killed has left mounted in the homes of a person. Raises OSError."""
    others = {parts for parts in mounts.mounted_below(state.homes.resolve()) if parts[0] != username}
    release(state.homes, others)


def _refused(error: OSError) -> ConfigurationError:
    return ConfigurationError(
        f"The homes cannot be moved or deleted: {error.strerror} ({error.filename}).",
        hint="Run the command as root. If it was root already, something uses the homes: end it first.",
    )
