"""Hashes of the passwords of people of the directory, for the time in which no server answers.

They exist only while the policy `cached_sign_in_hours` wants them.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol

import structlog
from sqlalchemy import update

from display_server.broker.directory.people import Person
from display_server.broker.passwords import Passwords, TooManySignIns
from display_server.broker.store import Store
from display_server.broker.tables import Account, DirectoryAccount

log = structlog.get_logger(__name__)

#: How much the clocks of the directory and of this host may differ, s.
CLOCK_DIFFERENCE_S = 600.0


class CachedSignInPolicy(Protocol):
    """Knows for how long the cached passwords of people count."""

    async def valid_s(self, username: str) -> float | None:
        """Returns the time for a person, s; None if what the configuration says applies."""
        ...

    def longest_s(self) -> float:
        """Returns the longest time that applies to anybody by a policy, s; 0 if there is none."""
        ...


class CachedPasswords:
    """`valid_s` is the time after a right sign-in in which the same password is accepted; 0 for never.

    `now_s` returns wall-clock time, in seconds since the epoch.
    """

    def __init__(
        self,
        store: Store,
        passwords: Passwords,
        valid_s: float,
        *,
        now_s: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._passwords = passwords
        self._now_s = now_s
        self.valid_s = valid_s
        #: What policies say of a person, by username, s; None while no rule says anything.
        self.policy: CachedSignInPolicy | None = None

    async def remember(self, account: Account, person: Person, password: str) -> None:
        """Keeps the hash of a password that the directory has just found right, if the policy wants it.

        The hash is kept as it is if the directory says that the password was not changed since it was made:
        hashing all passwords of a morning anew would take the processor for minutes.
        """
        if await self._valid_s_of(account) <= 0:
            return
        now = self._now_s()
        async with self._store.begin() as db:
            row = await db.get(DirectoryAccount, account.id)
            if row is None:  # the account was deleted meanwhile
                return
            changed_s, hashed_s = person.password_changed_s, row.hashed_s
            if (
                row.password_hash is not None
                and hashed_s is not None
                and changed_s is not None
                and changed_s + CLOCK_DIFFERENCE_S < hashed_s
            ):
                row.proved_s = now
                return
        try:
            password_hash = await self._passwords.hash(password)
        except TooManySignIns:
            # The older hash may be that of an older password.
            log.warning("password not cached, because too many people sign in", username=account.username)
            password_hash = None
        async with self._store.begin() as db:
            row = await db.get(DirectoryAccount, account.id)
            if row is None:
                return
            if password_hash is None:
                row.forget_password()
            else:
                row.password_hash, row.hashed_s, row.proved_s = password_hash, now, now

    async def check(self, account: Account, password: str, *, known_device: bool) -> bool | None:
        """Returns whether the password is the cached one; None if there is none that still counts.

        Raises TooManySignIns.
        """
        async with self._store.reading() as db:
            row = await db.get(DirectoryAccount, account.id)
        if row is None or row.password_hash is None or row.proved_s is None:
            return None
        if not self._counts(row.proved_s, await self._valid_s_of(account)):
            return None
        return await self._passwords.check(row.password_hash, password, known_device=known_device)

    async def is_recent(self, account: Account) -> bool:
        """Returns whether the directory has found the password right recently enough for a sign-in."""
        async with self._store.reading() as db:
            row = await db.get(DirectoryAccount, account.id)
        valid_s = await self._valid_s_of(account)
        return row is not None and row.proved_s is not None and self._counts(row.proved_s, valid_s)

    def _counts(self, proved_s: float, valid_s: float) -> bool:
        # A clock that was set back must not make a cached password last for longer.
        return 0 <= self._now_s() - proved_s < valid_s

    async def _valid_s_of(self, account: Account) -> float:
        by_policy = await self.policy.valid_s(account.username) if self.policy is not None else None
        return self.valid_s if by_policy is None else by_policy

    async def forget(self, account: Account) -> None:
        async with self._store.begin() as db:
            row = await db.get(DirectoryAccount, account.id)
            if row is not None:
                row.forget_password()

    async def delete_outdated(self) -> None:
        """Deletes the hashes that count for nobody any more; all of them if the policy is off."""
        longest_s = max(self.valid_s, self.policy.longest_s() if self.policy is not None else 0.0)
        outdated = update(DirectoryAccount).where(DirectoryAccount.password_hash.is_not(None))
        if longest_s > 0:
            outdated = outdated.where(DirectoryAccount.proved_s <= self._now_s() - longest_s)
        async with self._store.begin() as db:
            await db.execute(outdated.values(password_hash=None, hashed_s=None, proved_s=None))
