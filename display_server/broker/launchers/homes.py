"""The contract of what wipes the home of one desktop, and what does so without isolation."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path
from typing import Protocol

from display_server.broker.launchers.spawner_client import SpawnerClient
from display_server.errors import DesktopError
from display_server.spawner.messages import WipeHome


class Homes(Protocol):
    """The homes that a launcher's desktops keep."""

    async def wipe(self, username: str, desktop: str) -> None:
        """Deletes the home of a person for one desktop.

        Nothing is left of it, or DesktopError says why, for example because a desktop uses it. There may be
        no such home.
        """


class LocalHomes:
    """Homes that belong to the server's own user, below `folder`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def wipe(self, username: str, desktop: str) -> None:
        home = self._folder / username / desktop
        if home.with_name(f"{desktop}.img").exists() or home.with_name(f"{desktop}.moved").exists():
            raise DesktopError(
                "The home is in an image, which only isolated desktops use.",
                next_step="Start Lightbox with isolation again.",
            )
        try:
            if await asyncio.to_thread(home.is_dir):
                await asyncio.to_thread(shutil.rmtree, home)
        except OSError as error:
            raise DesktopError(
                f"The home could not be deleted: {error.strerror} ({error.filename}).",
                next_step="Mend the permissions of the folder.",
            ) from error


class SpawnerHomes:
    """Homes of isolated desktops, which only the spawner may delete."""

    def __init__(self, spawner: SpawnerClient) -> None:
        self._spawner = spawner

    async def wipe(self, username: str, desktop: str) -> None:
        await self._spawner.send(WipeHome(username, desktop))
