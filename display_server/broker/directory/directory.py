"""Everything that belongs to the directory, created together."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog

from display_server.broker.accounts import Accounts
from display_server.broker.directory.accounts import OPERATOR, DirectoryAccounts
from display_server.broker.directory.authenticator import DirectoryAuthenticator
from display_server.broker.directory.cached_passwords import CachedPasswords
from display_server.broker.directory.client import DirectoryClient
from display_server.broker.directory.recorded_groups import RecordedGroups
from display_server.broker.directory.settings import DirectorySettings
from display_server.broker.directory.watch import INTERVAL_S, LeaverWatch, WatchProblem
from display_server.broker.passwords import Passwords
from display_server.broker.people.groups import Groups
from display_server.broker.storage_failures import StorageError
from display_server.broker.store import Store

log = structlog.get_logger(__name__)

#: Interval between two looks for servers that are due for a probe, s.
PROBE_INTERVAL_S = 2.0


@dataclass
class Directory:
    """The directory that this server uses."""

    client: DirectoryClient
    cached: CachedPasswords
    authenticator: DirectoryAuthenticator
    watch: LeaverWatch

    def problems(self) -> list[WatchProblem]:
        """Returns what an operator has to know; nothing while everything works. No cause names a person."""
        if self.client.away:
            return [
                WatchProblem(
                    "directory-away",
                    "No server of the directory answers. People of the directory cannot sign in, unless with "
                    "a cached password.",
                    "Run `lightbox directory test`.",
                )
            ]
        return [self.watch.problem] if self.watch.problem is not None else []

    def servers_up(self) -> dict[str, bool]:
        return {name: state.value == "up" for name, state in self.client.server_states.items()}

    async def run(self, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        """Probes servers that are down and looks for leavers, until it is cancelled."""
        next_watch_s = 0.0
        while True:
            try:
                await self.client.probe()
                if time.monotonic() >= next_watch_s:
                    next_watch_s = time.monotonic() + INTERVAL_S
                    await self.watch.run_once()
            except StorageError:
                log.warning("leavers unknown, because the database cannot be used")
            except Exception:
                log.exception("leavers unknown; sign-ins are checked all the same")
            await sleep(PROBE_INTERVAL_S)

    def close(self) -> None:
        self.client.close()


def open_directory(
    settings: DirectorySettings,
    store: Store,
    accounts: Accounts,
    passwords: Passwords,
    disconnect: Callable[[str], object],
) -> Directory:
    """Creates the parts. `disconnect` disconnects all viewers of a person, by username."""
    client = DirectoryClient(settings)
    directory_accounts = DirectoryAccounts(store)
    cached = CachedPasswords(store, passwords, settings.cached_sign_in_s)
    return Directory(
        client=client,
        cached=cached,
        authenticator=DirectoryAuthenticator(
            client,
            accounts,
            directory_accounts,
            cached,
            domains=settings.domains,
            record_groups=RecordedGroups(Groups(store, operator=OPERATOR)),
        ),
        watch=LeaverWatch(client, directory_accounts, cached, disconnect),
    )
