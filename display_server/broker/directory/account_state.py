"""What a directory says of an account: whether it may be used, and why a bind failed. Pure."""

from __future__ import annotations

import calendar
import re
import time
from enum import Enum

from display_server.broker.directory.messages import Entry, Result, ResultCode
from display_server.directory_config import DirectoryKind

#: Attributes that say whether an account may be used, by the kind of directory.
STATE_ATTRIBUTES: dict[DirectoryKind, tuple[str, ...]] = {
    "active-directory": ("userAccountControl", "accountExpires", "pwdLastSet", "lockoutTime"),
    # The last of them is that of shadow accounts; the others are those of the overlay ppolicy.
    "openldap": ("pwdAccountLockedTime", "pwdReset", "pwdChangedTime", "shadowExpire"),
}
#: Bit of `userAccountControl`: the account is disabled.
_AD_DISABLED = 0x2
#: Bit of `userAccountControl`: the password never expires, so that `pwdLastSet` says nothing.
_AD_PASSWORD_NEVER_EXPIRES = 0x10000
#: Active Directory counts 100 ns since 1601; the epoch began this number of seconds later.
_AD_EPOCH_S = 11_644_473_600
_AD_TICKS_PER_S = 10_000_000
#: Values of `accountExpires` that stand for never.
_AD_NEVER = (0, 0x7FFF_FFFF_FFFF_FFFF)
#: Value of `pwdAccountLockedTime` of an account that an administrator has locked for good.
_LOCKED_FOR_GOOD = "000001010000Z"
_SECONDS_PER_DAY = 86_400
#: The reason in the text of Active Directory's refusal.
_AD_REASON = re.compile(r"AcceptSecurityContext error, data ([0-9a-fA-F]+)\b")


class AccountState(Enum):
    """Whether the directory lets a person work, apart from the password."""

    ACTIVE = "active"
    DISABLED = "disabled"
    EXPIRED = "expired"
    MUST_CHANGE_PASSWORD = "must change password"  # noqa: S105 - the name of a state
    UNKNOWN = "unknown"  # the service account may not read it, or it cannot be understood

    @property
    def has_left(self) -> bool:
        """Whether the directory says that the person may not work any more.

        A password that must be changed says no such thing.
        """
        return self in (AccountState.DISABLED, AccountState.EXPIRED)


class BindOutcome(Enum):
    """What a bind as a person has proved."""

    RIGHT = "right"
    WRONG = "wrong"  # nothing; the account may also be locked after too many wrong passwords
    #: The password is right, but the directory refuses this account.
    DISABLED = "disabled"
    EXPIRED = "expired"
    PASSWORD_EXPIRED = "password expired"  # noqa: S105 - the name of an outcome
    NOT_NOW = "not now"  # not at this hour, or not at this workstation


#: Reasons of Active Directory that it gives only if the password is right. Of all others a person is shown
#: nothing but "wrong": 525 (no such user) and 775 (locked out) would reveal which accounts exist.
AD_REASONS: dict[str, BindOutcome] = {
    "530": BindOutcome.NOT_NOW,
    "531": BindOutcome.NOT_NOW,
    "532": BindOutcome.PASSWORD_EXPIRED,
    "533": BindOutcome.DISABLED,
    "701": BindOutcome.EXPIRED,
    "773": BindOutcome.PASSWORD_EXPIRED,
}
#: The same reasons, and the others, in words for the log and for `lightbox directory test`.
REASON_WORDS: dict[str, str] = {
    "525": "the directory knows no such account",
    "52e": "the password is wrong",
    "530": "the account may not be used at this hour",
    "531": "the account may not be used at this workstation",
    "532": "the password has expired",
    "533": "the account is disabled",
    "701": "the account has expired",
    "773": "the password must be changed",
    "775": "the account is locked after too many wrong passwords",
}


def bind_outcome(result: Result) -> BindOutcome | None:
    """Returns what a bind's result proves; None if it proves nothing because the server had a fault."""
    if result.code == ResultCode.SUCCESS:
        return BindOutcome.RIGHT
    if result.code != ResultCode.INVALID_CREDENTIALS:
        return None
    return AD_REASONS.get(reason_code(result), BindOutcome.WRONG)


def reason_code(result: Result) -> str:
    """Returns Active Directory's code for a refusal, such as 52e; an empty text if there is none."""
    match = _AD_REASON.search(result.diagnostic)
    return match[1].lower() if match else ""


def account_state(entry: Entry, kind: DirectoryKind, now_s: float) -> AccountState:
    """Returns whether the account of an entry may be used."""
    try:
        return _ad_state(entry, now_s) if kind == "active-directory" else _openldap_state(entry, now_s)
    except ValueError:
        return AccountState.UNKNOWN


def password_changed_s(entry: Entry, kind: DirectoryKind) -> float | None:
    """Returns when the password was last changed, in seconds since the epoch; None if nobody says."""
    try:
        if kind == "active-directory":
            ticks = int(entry.text("pwdLastSet") or "0")
            return ticks / _AD_TICKS_PER_S - _AD_EPOCH_S if ticks > 0 else None
        changed = entry.text("pwdChangedTime")
        return _generalized_time_s(changed) if changed else None
    except ValueError:
        return None


def is_locked_out(entry: Entry, kind: DirectoryKind) -> bool:
    """Returns whether too many wrong passwords have locked the account, as far as an entry shows it.

    Active Directory keeps the time of a lock that is over, so this is only advice for an operator.
    """
    if kind == "active-directory":
        return entry.text("lockoutTime") not in ("", "0")
    return entry.text("pwdAccountLockedTime") not in ("", _LOCKED_FOR_GOOD)


def _ad_state(entry: Entry, now_s: float) -> AccountState:
    control = entry.text("userAccountControl")
    if not control:  # every account has it
        return AccountState.UNKNOWN
    if int(control) & _AD_DISABLED:
        return AccountState.DISABLED
    expires = int(entry.text("accountExpires") or "0")
    if expires not in _AD_NEVER and expires / _AD_TICKS_PER_S - _AD_EPOCH_S <= now_s:
        return AccountState.EXPIRED
    if entry.text("pwdLastSet") == "0" and not int(control) & _AD_PASSWORD_NEVER_EXPIRES:
        return AccountState.MUST_CHANGE_PASSWORD
    return AccountState.ACTIVE


def _openldap_state(entry: Entry, now_s: float) -> AccountState:
    if entry.text("pwdAccountLockedTime") == _LOCKED_FOR_GOOD:
        return AccountState.DISABLED
    expires_days = int(entry.text("shadowExpire") or "-1")
    if 0 <= expires_days * _SECONDS_PER_DAY <= now_s:
        return AccountState.EXPIRED
    if entry.text("pwdReset").upper() == "TRUE":
        return AccountState.MUST_CHANGE_PASSWORD
    return AccountState.ACTIVE


def _generalized_time_s(text: str) -> float:
    """Returns a time such as 20261201150000Z in seconds since the epoch. Raises ValueError."""
    return calendar.timegm(time.strptime(text.partition(".")[0].rstrip("Z"), "%Y%m%d%H%M%S"))
