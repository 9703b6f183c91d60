"""People who can sign in."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence

import structlog
from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError

from display_server.broker.passwords import PASSWORD_MAX_BYTES, Passwords, check_new_password, prepared
from display_server.broker.store import Store
from display_server.broker.tables import Account, WebSession
from display_server.errors import ConfigurationError

log = structlog.get_logger(__name__)

#: Usernames travel in headers, folder names and logs, hence the narrow set. Compared in lower case.
USERNAME = re.compile(r"[a-z0-9][a-z0-9._@-]{0,63}")


class Accounts:
    """Accounts in the store. `now_s` is wall-clock time."""

    def __init__(self, store: Store, passwords: Passwords, *, now_s: Callable[[], float] = time.time) -> None:
        self._store = store
        self._passwords = passwords
        self._now_s = now_s

    async def add(self, username: str, password: str, *, display_name: str = "") -> Account:
        """Raises ConfigurationError when the name is taken or not allowed, or the password will not do."""
        name = checked_username(username)
        check_new_password(password)
        password_hash = await self._passwords.hash(password)
        account = Account(
            username=name,
            display_name=display_name or name,
            password_hash=password_hash,
            disabled=False,
            created_s=self._now_s(),
        )
        try:
            async with self._store.begin() as db:
                db.add(account)
        except IntegrityError as error:
            raise ConfigurationError(
                f"There is an account {name!r} already.",
                hint="`lightbox account passwd` changes its password.",
            ) from error
        return account

    async def set_password(self, username: str, password: str) -> None:
        """Signs the person out everywhere. Raises ConfigurationError."""
        check_new_password(password)
        password_hash = await self._passwords.hash(password)
        async with self._store.begin() as db:
            account = await db.scalar(select(Account).where(Account.username == username.lower()))
            if account is None:
                raise ConfigurationError(
                    f"There is no account {username!r}.",
                    hint="`lightbox account list` shows those there are.",
                )
            account.password_hash = password_hash
            await db.execute(delete(WebSession).where(WebSession.account_id == account.id))

    async def all(self) -> Sequence[Account]:
        async with self._store.begin() as db:
            return (await db.scalars(select(Account).order_by(Account.username))).all()

    async def by_name(self, username: str) -> Account | None:
        async with self._store.begin() as db:
            return await db.scalar(select(Account).where(Account.username == username.lower()))

    async def verify(self, username: str, password: str) -> Account | None:
        """The account if name and password are right and it is not disabled; takes the same time in every
        case. Raises Busy.
        """
        acceptable = len(prepared(password)) <= PASSWORD_MAX_BYTES
        account = await self.by_name(username)
        stored = account.password_hash if account and not account.disabled and acceptable else None
        right = await self._passwords.check(stored, password if acceptable else "")
        if account is None or stored is None or not right:
            return None
        if self._passwords.outdated(stored):
            fresh = await self._passwords.hash(password)
            async with self._store.begin() as db:
                kept = await db.get(Account, account.id)
                if kept is not None and kept.password_hash == stored:
                    kept.password_hash = fresh
            log.info("password hash renewed", username=account.username)
        return account


def checked_username(username: str) -> str:
    """The name in lower case. Raises ConfigurationError."""
    name = username.strip().lower()
    if not USERNAME.fullmatch(name):
        raise ConfigurationError(
            f"{username!r} cannot be a username.",
            hint="Use up to 64 of: a-z 0-9 . _ @ -, beginning with a letter or digit.",
        )
    return name
