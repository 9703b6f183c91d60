"""What happens to the homes of a deleted account: they are set aside, or deleted. All functions block.

A later account of the same name must not get them, so they never stay where they were.
"""

from __future__ import annotations

import shutil
import time
from pathlib import Path

from display_server.broker.folders import StateFolder


def set_aside(state: StateFolder, username: str) -> Path | None:
    """Moves the homes of a person to `deleted-homes/USERNAME-TIME` and returns that folder.

    Returns None when the person has no home. Raises OSError.
    """
    home = state.homes / username
    if not home.is_dir():
        return None
    state.deleted_homes.mkdir(mode=0o700, exist_ok=True)
    stamp = time.strftime("%Y%m%d-%H%M%S")
    number = 1
    while (target := state.deleted_homes / _name(username, stamp, number)).exists():
        number += 1
    return home.rename(target)


def wipe(state: StateFolder, username: str) -> None:
    """Deletes the homes of a person. Raises OSError.

    The files are removed, not overwritten: on today's disks only encryption makes sure that nobody can read
    what was deleted. Symbolic links are removed and never followed.
    """
    home = state.homes / username
    if home.is_dir():
        shutil.rmtree(home)


def wipe_deleted(state: StateFolder, name: str) -> None:
    """Deletes homes that were set aside, by the name of their folder. Raises OSError."""
    shutil.rmtree(state.deleted_homes / name)


def _name(username: str, stamp: str, number: int) -> str:
    return f"{username}-{stamp}" if number == 1 else f"{username}-{stamp}-{number}"
