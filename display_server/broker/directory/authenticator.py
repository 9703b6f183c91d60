"""Checks passwords of local accounts, and of people of the directory."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Protocol

import structlog

from display_server.broker.accounts import USERNAME, Accounts
from display_server.broker.authenticator import (
    Authenticator,
    LocalAuthenticator,
    PasswordUncheckable,
    SignInRefused,
    account_disabled,
)
from display_server.broker.directory.account_state import REASON_WORDS, AccountState, BindOutcome
from display_server.broker.directory.accounts import AccountConflictError, DirectoryAccounts
from display_server.broker.directory.cached_passwords import CachedPasswords
from display_server.broker.directory.client import BindAnswer, DirectoryClient
from display_server.broker.directory.errors import (
    DirectoryAway,
    DirectoryBusy,
    DirectoryError,
    DirectoryUnclear,
)
from display_server.broker.directory.names import account_name
from display_server.broker.directory.people import Person
from display_server.broker.passwords import PASSWORD_MAX_BYTES, TooManySignIns, normalise_password
from display_server.broker.tables import Account, AccountOrigin

log = structlog.get_logger(__name__)

#: A refusal takes at least this time, s, so that its time does not show whether an account exists. It is
#: longer than a search, a bind or a hash computation usually takes.
REFUSAL_S = 1.0

_DISABLED = account_disabled()
_PASSWORD_EXPIRED = SignInRefused(
    "password-expired",
    "Your password has expired, or must be changed before you can sign in here.",
    next_step="Change it at a computer of your organisation, or ask the help desk. Then sign in here again.",
)
_NOT_NOW = SignInRefused(
    "sign-in-hours",
    "Your account may not sign in at this hour, or not from here.",
    next_step="Ask the help desk of your organisation about the hours of your account.",
)
#: What the directory refuses after the right password.
REFUSALS = {
    BindOutcome.DISABLED: _DISABLED,
    BindOutcome.EXPIRED: _DISABLED,
    BindOutcome.PASSWORD_EXPIRED: _PASSWORD_EXPIRED,
    BindOutcome.NOT_NOW: _NOT_NOW,
}
#: The same for directories that accept the password and only record the state.
STATE_REFUSALS = {
    AccountState.DISABLED: _DISABLED,
    AccountState.EXPIRED: _DISABLED,
    AccountState.MUST_CHANGE_PASSWORD: _PASSWORD_EXPIRED,
}


class GroupRecord(Protocol):
    """Takes the groups of a person as the directory has them at a sign-in, in the place of earlier ones."""

    async def __call__(self, account: Account, groups: tuple[str, ...]) -> None: ...


class DirectoryAuthenticator:
    """Local accounts first: a person of the directory never takes the name of one.

    `monotonic_s` and `sleep` are a clock in seconds and its counterpart of `asyncio.sleep`.
    """

    def __init__(
        self,
        client: DirectoryClient,
        accounts: Accounts,
        directory_accounts: DirectoryAccounts,
        cached: CachedPasswords,
        *,
        domains: frozenset[str],
        record_groups: GroupRecord,
        monotonic_s: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._client = client
        self._accounts = accounts
        self._local: Authenticator = LocalAuthenticator(accounts)
        self._directory_accounts = directory_accounts
        self._cached = cached
        self._domains = domains
        self._record_groups = record_groups
        self._monotonic_s = monotonic_s
        self._sleep = sleep

    def account_name(self, typed: str) -> str:
        return account_name(typed, self._domains)

    async def verify(self, username: str, password: str, *, known_device: bool) -> Account | None:
        begun_s = self._monotonic_s()
        try:
            account = await self._verify(username, password, known_device=known_device)
        except PasswordUncheckable:
            await self._wait_until(begun_s + REFUSAL_S)
            raise
        if account is None:
            await self._wait_until(begun_s + REFUSAL_S)
        return account

    async def require_present(self, account: Account) -> None:
        if account.origin != AccountOrigin.DIRECTORY.value:
            await self._local.require_present(account)
            return
        if account.disabled:
            raise account_disabled()
        try:
            person = await self._client.find(account.username)
        except DirectoryBusy as error:
            raise TooManySignIns(error.cause, next_step=error.next_step) from error
        except DirectoryAway as error:
            log.warning("directory away", username=account.username, cause=error.cause)
            if not await self._cached.is_recent(account):
                raise _uncheckable(compared=False) from error
            return
        except DirectoryError as error:
            log.error("directory unusable", username=account.username, cause=error.cause)
            raise _uncheckable(compared=False) from error
        if person is None or person.state is AccountState.UNKNOWN:
            raise account_disabled()
        if not await self._directory_accounts.is_same(account, person):
            raise account_disabled()
        if (refusal := STATE_REFUSALS.get(person.state)) is not None:
            raise SignInRefused(refusal.code, refusal.cause, next_step=refusal.next_step)

    async def _verify(self, username: str, password: str, *, known_device: bool) -> Account | None:
        account = await self._accounts.find(username)
        if account is not None and account.origin != AccountOrigin.DIRECTORY.value:
            found = await self._local.verify(username, password, known_device=known_device)
            if found is None and self._client.away:
                raise _uncheckable(compared=True)  # as for everybody else, whether local or not
            return found
        if len(normalise_password(password)) > PASSWORD_MAX_BYTES or not USERNAME.fullmatch(username):
            return None
        password = normalise_password(password).decode("utf-8", "surrogatepass")
        try:
            person = await self._client.find(username)
            if person is None:
                log.info("no such person in the directory", username=username)
                return None
            return await self._verify_person(person, account, password)
        except DirectoryBusy as error:
            raise TooManySignIns(error.cause, next_step=error.next_step) from error
        except DirectoryAway as error:
            log.warning("directory away", username=username, cause=error.cause)
            return await self._verify_cached(account, password, known_device=known_device)
        except AccountConflictError as error:
            log.error("sign-in refused", username=username, cause=error.cause, next_step=error.next_step)
            return None
        except DirectoryError as error:
            log.error("directory unusable", username=username, cause=error.cause, next_step=error.next_step)
            raise _uncheckable(compared=False) from error

    async def _verify_person(self, person: Person, account: Account | None, password: str) -> Account | None:
        answer = await self._client.check_password(person, password)
        refusal = REFUSALS.get(answer.outcome)
        if answer.outcome is BindOutcome.RIGHT:
            refusal = STATE_REFUSALS.get(person.state)
        elif refusal is None:
            log.info("password refused by the directory", username=person.username, reason=_words(answer))
            return None
        if refusal is not None:
            if account is not None:
                await self._cached.forget(account)
            log.info(
                "account refused by the directory",
                username=person.username,
                reason=_words(answer) or person.state.value,
            )
            raise SignInRefused(refusal.code, refusal.cause, next_step=refusal.next_step)
        if not person.directory_id or person.state is AccountState.UNKNOWN:
            raise DirectoryUnclear(
                f"The directory does not show the id or the state of {person.username}.",
                next_step="Let the account of `directory.bind_dn` read them: docs/directory.md lists the "
                "attributes.",
            )
        groups = await self._client.groups_of(person)
        account = await self._directory_accounts.record_sign_in(person)
        if account.disabled:  # by an operator of this server
            return None
        await self._record_groups(account, groups)
        await self._cached.remember(account, person, password)
        return account

    async def _verify_cached(
        self, account: Account | None, password: str, *, known_device: bool
    ) -> Account | None:
        """Uses the cached password. Everything but the right one gets the same answer."""
        right = None
        if account is not None and not account.disabled:
            right = await self._cached.check(account, password, known_device=known_device)
        if account is None or not right:
            raise _uncheckable(compared=right is not None)
        log.warning("password checked without the directory", username=account.username)
        return account

    async def _wait_until(self, at_s: float) -> None:
        await self._sleep(max(0.0, at_s - self._monotonic_s()))


def _words(answer: BindAnswer) -> str:
    return REASON_WORDS.get(answer.reason, answer.reason)


def _uncheckable(*, compared: bool) -> PasswordUncheckable:
    return PasswordUncheckable(
        "Your password cannot be checked at the moment, because the directory of your organisation does not "
        "answer.",
        next_step="Try again in a minute. Desktops that are open go on.",
        compared=compared,
    )
