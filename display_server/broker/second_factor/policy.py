"""Who has to give a second factor, by the operator's settings (`[sign_in]`). Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from display_server.broker.second_factor.sign_in_state import SignInEvent

When = Literal["never", "outside", "always"]
#: How an authenticator makes sure that it is the person who uses a passkey: the names of WebAuthn.
UserVerification = Literal["required", "preferred", "discouraged"]


def _nowhere(_address: str) -> bool:
    return False


@dataclass(frozen=True, slots=True)
class SecondFactorSettings:
    """The operator's settings. `is_inside` returns whether an address belongs to the listed networks."""

    when: When = "never"
    is_inside: Callable[[str], bool] = _nowhere
    enrol_outside: bool = False  # a person without a factor may set one up outside as well
    at_unlock: bool = False  # unlocking a screen takes the second factor, too
    user_verification: UserVerification = "preferred"


def required(
    username: str,  # noqa: ARG001 - the rules so far are the same for everybody
    groups: Sequence[str],  # noqa: ARG001 - the same
    address: str,
    settings: SecondFactorSettings,
) -> bool:
    """Returns whether this person has to give a second factor at this address.

    An address that is unknown counts as outside.
    """
    if settings.when == "outside":
        return not settings.is_inside(address)
    return settings.when == "always"


def may_enrol(address: str, settings: SecondFactorSettings) -> bool:
    """Returns whether a person who has no factor yet may set one up at this address while they sign in.

    Outside, whoever guessed a password could otherwise set up a factor of their own.
    """
    return settings.enrol_outside or settings.is_inside(address)


def after_password(
    *, needs_factor: bool, has_factor: bool, address: str, settings: SecondFactorSettings
) -> SignInEvent:
    """Returns what a right password means: `has_factor` says whether the person has set one up."""
    if not needs_factor:
        return SignInEvent.PASSWORD_SUFFICES
    if has_factor:
        return SignInEvent.FACTOR_NEEDED
    return SignInEvent.ENROLMENT_NEEDED if may_enrol(address, settings) else SignInEvent.REFUSED
