"""The accounts of the people who can sign in."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

import structlog
from sqlalchemy import delete, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from display_server.broker.audit.actor import SERVER, Actor, operator_actor
from display_server.broker.audit.append import append
from display_server.broker.audit.chain import US_PER_S
from display_server.broker.audit.entry import NOWHERE, Action, AuditEntry, Origin
from display_server.broker.password_strength import check_strength
from display_server.broker.passwords import PASSWORD_MAX_BYTES, Passwords, normalise_password
from display_server.broker.people.access_paths import Subject
from display_server.broker.people.deleted_subjects import delete_what_belongs_to
from display_server.broker.second_factor.listing import ListedFactors, factors_by_account
from display_server.broker.store import Store
from display_server.broker.tables import (
    Account,
    AccountOrigin,
    AuditRow,
    FactorCeremony,
    Passkey,
    PendingSignIn,
    RecoveryCode,
    TotpSecret,
    WebSession,
)
from display_server.broker.tables import AccountEvent as FormerAccountEvent
from display_server.broker.web_sessions import SignInOutdatedError
from display_server.errors import ConfigurationError

log = structlog.get_logger(__name__)

#: Allowed usernames, in lower case. The set is small because usernames appear in headers, folder names and
#: logs.
USERNAME = re.compile(r"[a-z0-9][a-z0-9._@-]{0,63}")


#: How objects of the audit name accounts.
_OBJECT = "account:"


#: What can be done to an account, as its history names it.
ACCOUNT_ACTIONS = {
    Action.ACCOUNT_ADDED: "added",
    Action.ACCOUNT_PASSWORD_CHANGED: "password changed",
    Action.SECOND_FACTOR_RESET: "second factor reset",
    Action.ACCOUNT_SIGNED_OUT: "signed out",
    Action.ACCOUNT_DISABLED: "disabled",
    Action.ACCOUNT_ENABLED: "enabled",
    Action.ACCOUNT_DELETED: "deleted",
}


@dataclass(frozen=True, slots=True)
class AccountEvent:
    """What was done to an account, by whom and when."""

    username: str
    at_s: float
    action: str
    operator: str  # the Unix user who ran the command, or the person


class Accounts:
    """The accounts in the store, and the record of what was done to them.

    `operator` is the Unix user on whose behalf they are changed, unless an `actor` is given. `now_s` returns
    wall-clock time, in seconds since the epoch.
    """

    def __init__(
        self,
        store: Store,
        passwords: Passwords,
        *,
        operator: str = SERVER,
        actor: Actor | None = None,
        now_s: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._passwords = passwords
        self._actor = actor or operator_actor(operator)
        self._now_s = now_s

    def changed_by(self, actor: Actor) -> Accounts:
        """Returns the same accounts, on behalf of somebody else."""
        return Accounts(self._store, self._passwords, actor=actor, now_s=self._now_s)

    async def add(self, username: str, password: str, *, display_name: str = "") -> Account:
        """Creates an account.

        Raises ConfigurationError when the username is taken or not allowed, or when the password is too
        short, too long or easily guessed.
        """
        name = normalise_username(username)
        await check_strength(password, (name, display_name))
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
                await db.flush()
                await self._record(db, name, Action.ACCOUNT_ADDED)
        except IntegrityError as error:
            raise ConfigurationError(
                f"An account named {name!r} already exists.",
                hint=f"To change its password, run `lightbox account passwd {name}`.",
            ) from error
        await self._store.save_copy()
        return account

    async def set_password(self, username: str, password: str) -> None:
        """Changes a password and signs the person out of every browser.

        Raises ConfigurationError when the account does not exist or the password is not acceptable.
        """
        present = await self.require(username)
        await check_strength(password, (present.username, present.display_name))
        password_hash = await self._passwords.hash(password)
        async with self._store.begin() as db:
            account = await existing_account(db, username)
            if account.origin != AccountOrigin.LOCAL.value:
                where = "directory" if account.origin == AccountOrigin.DIRECTORY.value else "provider"
                raise ConfigurationError(
                    f"The password of {account.username} is kept in the {where}.",
                    hint="Change it there; it is valid here at once.",
                )
            account.password_hash = password_hash
            ended = await _sign_out(db, account)
            await self._record(db, account.username, Action.ACCOUNT_PASSWORD_CHANGED, ended)
        await self._store.save_copy()

    async def change_own_password(
        self, verified: Account, password: str, *, stays: bytes, origin: Origin = NOWHERE
    ) -> list[bytes]:
        """Changes the password of a person who has just given the old one: `verified` is from `verify`.

        The audit gets `origin`. Signs them out of every browser but the one whose hash is `stays`, and
        returns the hashes of those. Raises ConfigurationError when the password is not acceptable, and
        SignInOutdatedError when the account was changed meanwhile.
        """
        await check_strength(password, (verified.username, verified.display_name))
        password_hash = await self._passwords.hash(password)
        async with self._store.begin() as db:
            changed = await db.scalar(
                update(Account)
                .where(
                    Account.id == verified.id,
                    Account.password_hash == verified.password_hash,
                    Account.origin == AccountOrigin.LOCAL.value,
                    Account.disabled.is_(False),
                )
                .values(password_hash=password_hash)
                .returning(Account.id)
            )
            if changed is None:
                raise SignInOutdatedError(
                    "The account was changed meanwhile.", next_step="Sign in again, then try again."
                )
            ended = await _sign_out(db, verified, but=stays)
            await self._record(
                db,
                verified.username,
                Action.ACCOUNT_PASSWORD_CHANGED,
                ended,
                person=verified.username,
                origin=origin,
            )
        await self._store.save_copy()
        return ended

    async def sign_out(self, username: str) -> Account:
        """Signs a person out of every browser. Raises ConfigurationError when the account does not exist."""
        async with self._store.begin() as db:
            account = await existing_account(db, username)
            ended = await _sign_out(db, account)
            await self._record(db, account.username, Action.ACCOUNT_SIGNED_OUT, ended)
        return account

    async def reset_second_factor(self, username: str) -> Account:
        """Removes app, passkeys and recovery codes of a person, and signs them out of every browser.

        Raises ConfigurationError when the account does not exist.
        """
        async with self._store.begin() as db:
            account = await existing_account(db, username)
            for table in (TotpSecret, Passkey, RecoveryCode):
                await db.execute(delete(table).where(table.account_id == account.id))
            ended = await _sign_out(db, account)
            await self._record(db, account.username, Action.SECOND_FACTOR_RESET, ended)
        await self._store.save_copy()
        return account

    async def disable(self, username: str) -> Account:
        """Forbids a person to sign in, and signs them out of every browser.

        Raises ConfigurationError when the account does not exist.
        """
        return await self._set_disabled(username, disabled=True)

    async def enable(self, username: str) -> Account:
        """Allows a person to sign in again. Raises ConfigurationError when the account does not exist."""
        return await self._set_disabled(username, disabled=False)

    async def delete(self, username: str) -> None:
        """Removes an account with its password, its web sessions, its groups, its roles and the entitlements
        that commands gave it, so that a later account of this name inherits nothing.

        The records of its sessions, its display checks and what was done to it are kept. Raises
        ConfigurationError when the account does not exist.
        """
        async with self._store.begin() as db:
            account = await existing_account(db, username)
            ended = await _sign_out(db, account)
            await delete_what_belongs_to(db, Subject.USER, account.username)
            await db.delete(account)
            await self._record(db, account.username, Action.ACCOUNT_DELETED, ended)
        await self._store.save_copy()

    async def may_start_desktops(self, username: str) -> bool:
        """Returns whether the account exists and is enabled."""
        account = await self.find(username)
        return account is not None and not account.disabled

    async def events(self, username: str | None = None) -> Sequence[AccountEvent]:
        """Returns what was done to an account, or to all of them, with the newest first.

        What was done before there was an audit is in a table of its own.
        """
        audited = select(AuditRow).order_by(AuditRow.seq.desc())
        audited = audited.where(AuditRow.action.in_([action.value for action in ACCOUNT_ACTIONS]))
        former = select(FormerAccountEvent).order_by(FormerAccountEvent.id.desc())
        if username is not None:
            audited = audited.where(AuditRow.object == f"{_OBJECT}{username.lower()}")
            former = former.where(FormerAccountEvent.username == username.lower())
        async with self._store.reading() as db:
            rows = (await db.scalars(audited)).all()
            former_rows = (await db.scalars(former)).all()
        return [
            *(
                AccountEvent(
                    (row.object or "").removeprefix(_OBJECT),
                    row.at_us / US_PER_S,
                    ACCOUNT_ACTIONS[Action(row.action)],
                    row.account or "",
                )
                for row in rows
            ),
            *(AccountEvent(row.username, row.at_s, row.action, row.operator) for row in former_rows),
        ]

    async def list_all(self) -> Sequence[Account]:
        """Returns all accounts, sorted by username."""
        async with self._store.reading() as db:
            return (await db.scalars(select(Account).order_by(Account.username))).all()

    async def second_factors(self) -> dict[int, ListedFactors]:
        """Returns the second factors of all people, by the id of their account."""
        async with self._store.begin() as db:
            return await factors_by_account(db)

    async def require(self, username: str) -> Account:
        """Returns an account. Raises ConfigurationError when it does not exist."""
        async with self._store.reading() as db:
            return await existing_account(db, username)

    async def find(self, username: str) -> Account | None:
        async with self._store.reading() as db:
            return await db.scalar(select(Account).where(Account.username == username.lower()))

    async def verify(self, username: str, password: str, *, known_device: bool = False) -> Account | None:
        """Returns the account if username and password are right and the account is enabled, else None.

        Takes the same time in every case, so that an attacker cannot find out which accounts exist. Raises
        TooManySignIns when the queue of password checks is full.
        """
        acceptable = len(normalise_password(password)) <= PASSWORD_MAX_BYTES
        account = await self.find(username)
        local = account is not None and account.origin == AccountOrigin.LOCAL.value
        stored = account.password_hash if account and local and not account.disabled and acceptable else None
        right = await self._passwords.check(stored, password if acceptable else "", known_device=known_device)
        if account is None or stored is None or not right:
            return None
        if self._passwords.needs_rehash(stored):
            new_hash = await self._passwords.hash(password)
            async with self._store.begin() as db:
                current = await db.get(Account, account.id)
                if current is not None and current.password_hash == stored:
                    current.password_hash = new_hash
                    account.password_hash = new_hash
            await self._store.save_copy()
            log.info("password hash renewed", username=account.username)
        return account

    async def _set_disabled(self, username: str, *, disabled: bool) -> Account:
        async with self._store.begin() as db:
            account = await existing_account(db, username)
            ended = await _sign_out(db, account) if disabled else []
            if account.disabled != disabled:
                account.disabled = disabled
                action = Action.ACCOUNT_DISABLED if disabled else Action.ACCOUNT_ENABLED
                await self._record(db, account.username, action, ended)
        await self._store.save_copy()
        return account

    async def _record(
        self,
        db: AsyncSession,
        username: str,
        action: Action,
        ended: Collection[bytes] = (),
        *,
        person: str | None = None,
        origin: Origin = NOWHERE,
    ) -> None:
        """Records an action in the transaction of the change itself, and in the log.

        `ended` are the browsers that were signed out. `person` changed their own account.
        """
        actor = Actor(person, origin.address, origin.device) if person else self._actor
        entry = AuditEntry(
            self._now_s(),
            action,
            account=actor.name,
            role=actor.role,
            address=actor.address,
            device=actor.device,
            object=f"{_OBJECT}{username}",
            reason=f"signed out of {len(ended)} browsers" if ended else None,
        )
        await append(db, entry)
        log.info(f"account {ACCOUNT_ACTIONS[action]}", username=username, operator=actor.name)


async def existing_account(db: AsyncSession, username: str) -> Account:
    """Returns an account. Raises ConfigurationError when it does not exist."""
    account = await db.scalar(select(Account).where(Account.username == username.lower()))
    if account is None:
        raise ConfigurationError(
            f"There is no account named {username!r}.",
            hint="To see the existing accounts, run `lightbox account list`.",
        )
    return account


async def _sign_out(db: AsyncSession, account: Account, *, but: bytes = b"") -> list[bytes]:
    """Ends all web sessions of an account except `but`, and all sign-ins that are not complete.

    Returns the hashes of the web sessions.
    """
    for table in (PendingSignIn, FactorCeremony):
        await db.execute(delete(table).where(table.account_id == account.id))
    ended = await db.scalars(
        delete(WebSession)
        .where(WebSession.account_id == account.id, WebSession.id_hash != but)
        .returning(WebSession.id_hash)
    )
    return list(ended.all())


def normalise_username(username: str) -> str:
    """Returns the username in lower case. Raises ConfigurationError when it is not allowed."""
    name = username.strip().lower()
    if not USERNAME.fullmatch(name):
        raise ConfigurationError(
            f"{username!r} cannot be a username.",
            hint="Use 1 to 64 of the characters a-z 0-9 . _ @ - and begin with a letter or digit.",
        )
    return name
