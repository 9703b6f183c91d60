"""The accounts of people of the directory in the store: created at the first sign-in, watched afterwards."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import structlog
from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from display_server.broker.audit.append import append
from display_server.broker.audit.entry import Action, AuditEntry, Role
from display_server.broker.directory.people import Person
from display_server.broker.store import Store
from display_server.broker.tables import Account, AccountOrigin, DirectoryAccount, WebSession
from display_server.errors import PolicyError

log = structlog.get_logger(__name__)

#: Who creates accounts of the directory, as `lightbox account history` names it.
OPERATOR = "directory"
#: Longest name of a person that is kept, characters.
_DISPLAY_NAME_MAX = 128


class AccountConflictError(PolicyError):
    """A person of the directory cannot get the account of this name. The operator has to decide."""


@dataclass(frozen=True, slots=True)
class Watched:
    """A person whom the watch asks the directory about: signed in, or with a cached password."""

    account_id: int
    username: str
    directory_id: str
    signed_in: bool


class DirectoryAccounts:
    """`now_s` returns wall-clock time, in seconds since the epoch."""

    def __init__(self, store: Store, *, now_s: Callable[[], float] = time.time) -> None:
        self._store = store
        self._now_s = now_s

    async def record_sign_in(self, person: Person) -> Account:
        """Returns the account of a person whose password is right; creates it if it is missing.

        Raises AccountConflictError when a local account has this name, or when the name was that of another
        person before, whose homes this one would otherwise inherit.
        """
        try:
            return await self._record(person)
        except IntegrityError:  # the same person signs in for the first time twice at once
            return await self._record(person)

    async def watched(self) -> list[Watched]:
        """Returns the people of the directory who are signed in, or could sign in with a cached password."""
        signed_in = Account.id.in_(select(WebSession.account_id))
        async with self._store.reading() as db:
            rows = await db.execute(
                select(Account.id, Account.username, DirectoryAccount.directory_id, signed_in)
                .join(DirectoryAccount, DirectoryAccount.account_id == Account.id)
                .where(signed_in | DirectoryAccount.password_hash.is_not(None))
            )
            return [Watched(*row) for row in rows]

    async def is_same(self, account: Account, person: Person) -> bool:
        """Returns whether a person of the directory is the one whose account this is."""
        async with self._store.reading() as db:
            row = await db.get(DirectoryAccount, account.id)
        return row is not None and row.directory_id == person.directory_id

    async def end(self, people: Sequence[tuple[Watched, str]]) -> None:
        """Ends the web sessions of people who have left, and forgets their cached passwords.

        Each comes with the reason, which the audit records.
        """
        async with self._store.begin() as db:
            for person, _ in people:
                await db.execute(delete(WebSession).where(WebSession.account_id == person.account_id))
                row = await db.get(DirectoryAccount, person.account_id)
                if row is not None:
                    row.forget_password()
            for person, reason in people:
                await append(db, self._entry(Action.LEFT_DIRECTORY, person.username, person.username, reason))

    def _entry(self, action: Action, account: str, username: str, reason: str) -> AuditEntry:
        return AuditEntry(
            self._now_s(),
            action,
            account=account,
            role=Role.SERVER,
            object=f"account:{username}",
            reason=reason,
        )

    async def _record(self, person: Person) -> Account:
        display_name = person.display_name[:_DISPLAY_NAME_MAX]
        async with self._store.begin() as db:
            account = await db.scalar(select(Account).where(Account.username == person.username))
            if account is None:
                return await self._create(db, person, display_name)
            row = await db.get(DirectoryAccount, account.id)
            if row is None:
                raise AccountConflictError(
                    f"{person.username} of the directory cannot sign in: a local account has this name.",
                    next_step="If both are the same person, run `lightbox account delete "
                    f"{person.username}`; the homes are set aside. Otherwise give the local account another "
                    "name.",
                )
            if row.directory_id != person.directory_id:
                raise AccountConflictError(
                    f"{person.username} of the directory cannot sign in: this name belonged to another "
                    "person of the directory before, whose homes are kept under it.",
                    next_step=f"Run `lightbox account delete {person.username}`, which sets those homes "
                    "aside. The account is created anew at the next sign-in.",
                )
            if account.display_name != display_name:
                account.display_name = display_name
            return account

    async def _create(self, db: AsyncSession, person: Person, display_name: str) -> Account:
        now = self._now_s()
        account = Account(
            username=person.username,
            display_name=display_name,
            password_hash="",
            disabled=False,
            created_s=now,
            origin=AccountOrigin.DIRECTORY.value,
        )
        db.add(account)
        await db.flush()  # gives it an id
        db.add(DirectoryAccount(account_id=account.id, directory_id=person.directory_id))
        await append(db, self._entry(Action.ACCOUNT_ADDED, OPERATOR, person.username, "first sign-in"))
        log.info("account added", username=person.username, operator=OPERATOR)
        return account
