"""The accounts of people who sign in at a provider: created at the first sign-in, found by their subject."""

from __future__ import annotations

import time
from collections.abc import Callable

import structlog
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from display_server.broker.audit.append import append
from display_server.broker.audit.entry import Action, AuditEntry, Role
from display_server.broker.directory.accounts import AccountConflictError
from display_server.broker.oidc.claims import ProviderPerson
from display_server.broker.people.groups import Groups
from display_server.broker.store import Store
from display_server.broker.tables import Account, AccountOrigin, ProviderAccount

log = structlog.get_logger(__name__)

#: Who creates these accounts and changes their groups, as the audit names it.
OPERATOR = "oidc"


class ProviderAccounts:
    """Issuer and subject identify a person. A name never does: a provider could give it to anybody.

    `now_s` returns wall-clock time, in seconds since the epoch.
    """

    def __init__(self, store: Store, *, now_s: Callable[[], float] = time.time) -> None:
        self._store = store
        self._now_s = now_s
        self._groups = Groups(store, operator=OPERATOR, now_s=now_s)

    async def record_sign_in(self, provider: str, person: ProviderPerson) -> Account:
        """Returns the account of a person whom a provider has signed in; creates it if it is missing.

        Their groups of this provider become those that it names. Raises AccountConflictError when another
        account has the name of a person who has no account yet.
        """
        try:
            account = await self._record(provider, person)
        except IntegrityError:  # the same person signs in for the first time twice at once
            account = await self._record(provider, person)
        if not account.disabled:
            await self._groups.replace_directory_memberships(
                account.username, person.groups, provider=provider
            )
        return account

    async def _record(self, provider: str, person: ProviderPerson) -> Account:
        async with self._store.begin() as db:
            account = await db.scalar(
                select(Account)
                .join(ProviderAccount, ProviderAccount.account_id == Account.id)
                .where(ProviderAccount.issuer == person.issuer, ProviderAccount.subject == person.subject)
            )
            if account is not None:
                if account.display_name != person.display_name:
                    account.display_name = person.display_name
                return account
            taken = await db.scalar(select(Account).where(Account.username == person.username))
            if taken is not None:
                raise AccountConflictError(
                    f"A person of the provider {provider} cannot sign in: their username "
                    f"{person.username} belongs to another account.",
                    next_step="If both are the same person, run `lightbox account delete "
                    f"{person.username}`; the homes are set aside. Otherwise let `username_claim` name "
                    "another claim, or give one of them another username.",
                )
            return await self._create(db, provider, person)

    async def _create(self, db: AsyncSession, provider: str, person: ProviderPerson) -> Account:
        account = Account(
            username=person.username,
            display_name=person.display_name,
            password_hash="",
            disabled=False,
            created_s=self._now_s(),
            origin=AccountOrigin.PROVIDER.value,
        )
        db.add(account)
        await db.flush()  # gives it an id
        db.add(ProviderAccount(account_id=account.id, issuer=person.issuer, subject=person.subject))
        entry = AuditEntry(
            self._now_s(),
            Action.ACCOUNT_ADDED,
            account=OPERATOR,
            role=Role.SERVER,
            object=f"account:{person.username}",
            reason=f"first sign-in at {provider}",
        )
        await append(db, entry)
        log.info("account added", username=person.username, operator=OPERATOR, provider=provider)
        return account
