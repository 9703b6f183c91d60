"""The contract of what checks passwords, and the errors that it can raise."""

from __future__ import annotations

from typing import Protocol

from display_server.broker.accounts import Accounts
from display_server.broker.tables import Account, AccountOrigin
from display_server.errors import Malfunction, PolicyError
from display_server.protocol.api_error_codes import ApiErrorCode


class SignInRefused(PolicyError):  # noqa: N818 - the act of a policy
    """The password is right, but this account may not sign in. The person is shown why."""

    def __init__(self, code: ApiErrorCode, cause: str, *, next_step: str) -> None:
        super().__init__(cause, next_step=next_step)
        self.code = code


def account_disabled() -> SignInRefused:
    """Returns the refusal of an account that may not be used any more."""
    return SignInRefused(
        "account-disabled",
        "Your account is disabled, or its time is over.",
        next_step="Ask the help desk of your organisation to enable it.",
    )


class PasswordUncheckable(Malfunction):
    """Nothing that could check the password answers.

    `compared` says whether it was compared with something and did not match: such an attempt counts as a
    failed one. The person is not shown the difference.
    """

    def __init__(self, cause: str, *, next_step: str, compared: bool) -> None:
        super().__init__(cause, next_step=next_step)
        self.compared = compared


class Authenticator(Protocol):
    """Finds out whether a password is that of an account."""

    def account_name(self, typed: str) -> str:
        """Returns the username that is meant, in lower case. Called before attempts are counted."""
        ...

    async def verify(self, username: str, password: str, *, known_device: bool) -> Account | None:
        """Returns the account if the password is right and the person may sign in, else None.

        Called for each attempt to sign in or to unlock, with what `account_name` returned. Takes the same
        time whether or not the account exists. Raises TooManySignIns, SignInRefused, PasswordUncheckable and
        StorageError.
        """
        ...

    async def require_present(self, account: Account) -> None:
        """Raises SignInRefused, PasswordUncheckable or TooManySignIns unless the person may sign in now.

        Called for each sign-in that needs no password, such as that with a badge.
        """
        ...


class LocalAuthenticator:
    """Checks the passwords of local accounts."""

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts

    def account_name(self, typed: str) -> str:
        return typed.strip().lower()

    async def verify(self, username: str, password: str, *, known_device: bool) -> Account | None:
        return await self._accounts.verify(username, password, known_device=known_device)

    async def require_present(self, account: Account) -> None:
        if account.disabled or account.origin != AccountOrigin.LOCAL.value:
            raise account_disabled()
