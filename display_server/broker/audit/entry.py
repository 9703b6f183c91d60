"""What the audit records of one act. Pure.

Adding an act is adding one member to `Action`. Members are never renamed or removed, because their values are
stored and hashed.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, replace
from enum import Enum


class Action(Enum):
    """What was done. The values are stored, exported and hashed."""

    SIGN_IN = "sign-in"
    SIGN_OUT = "sign-out"
    SIGN_IN_EXPIRED = "sign-in-expired"  # a browser was signed out because its time was over
    SCREEN_LOCKED = "screen-locked"
    SCREEN_UNLOCKED = "screen-unlocked"
    PASSWORD_CONFIRMED = "password-confirmed"  # noqa: S105 - given once more while the screen was open

    ACCOUNT_ADDED = "account-added"
    ACCOUNT_PASSWORD_CHANGED = "account-password-changed"  # noqa: S105 - the name of an act
    ACCOUNT_DISABLED = "account-disabled"
    ACCOUNT_ENABLED = "account-enabled"
    ACCOUNT_DELETED = "account-deleted"
    ACCOUNT_SIGNED_OUT = "account-signed-out"  # of every browser, by an operator
    LEFT_DIRECTORY = "left-directory"  # the directory lets the person not work any more; web sessions ended

    SECOND_FACTOR_ADDED = "second-factor-added"
    SECOND_FACTOR_RENAMED = "second-factor-renamed"
    SECOND_FACTOR_REMOVED = "second-factor-removed"
    SECOND_FACTOR_USED = "second-factor-used"  # or refused
    SECOND_FACTOR_RESET = "second-factor-reset"  # by an operator: all of a person's factors were removed
    RECOVERY_CODES_MADE = "recovery-codes-made"

    GROUP_ADDED = "group-added"
    GROUP_DELETED = "group-deleted"
    GROUP_MEMBER_ADDED = "group-member-added"
    GROUP_MEMBER_REMOVED = "group-member-removed"
    GROUP_NESTED = "group-nested"  # a group contains another one
    GROUP_UNNESTED = "group-unnested"
    DIRECTORY_GROUPS_REPLACED = "directory-groups-replaced"  # those of one person
    PROVIDER_GROUPS_REPLACED = "provider-groups-replaced"  # the same, of an OpenID Connect provider
    ENTITLEMENT_ADDED = "entitlement-added"
    ENTITLEMENT_REMOVED = "entitlement-removed"
    BREAK_GLASS_BEGUN = "break-glass-begun"  # emergency access, with the reason that the person stated
    BREAK_GLASS_ENDED = "break-glass-ended"
    ROLE_GIVEN = "role-given"
    ROLE_TAKEN = "role-taken"
    TOKEN_CREATED = "token-created"  # noqa: S105 - for the administration API
    TOKEN_REVOKED = "token-revoked"  # noqa: S105 - the name of an act
    ADMINISTRATION_REFUSED = "administration-refused"  # an act of somebody who may not do it

    DESKTOP_OPENED = "desktop-opened"  # a session was started
    DESKTOP_ENDED = "desktop-ended"
    DESKTOP_ASSIGNED = "desktop-assigned"  # one of a dedicated pool, to a person who keeps it
    DESKTOP_RELEASED = "desktop-released"  # an administrator took it from its person
    HOME_WIPED = "home-wiped"  # of a released desktop
    DISPLAY_RESTARTED = "display-restarted"  # of a desktop, by helpdesk or administrator
    MESSAGE_SENT = "message-sent"  # to a person
    DESKTOP_TAKEN_BACK = "desktop-taken-back"  # a device displays a desktop again that it had lost
    VIEWER_ADMITTED = "viewer-admitted"

    DEVICE_CODE_MADE = "device-code-made"  # a one-time code that enrols a device
    DEVICE_ENROLLED = "device-enrolled"
    DEVICE_CHANGED = "device-changed"  # its name, place or tags
    DEVICE_REVOKED = "device-revoked"  # with all web sessions there
    DEVICE_KEY_CHANGED = "device-key-changed"
    BADGE_ADDED = "badge-added"
    BADGE_REVOKED = "badge-revoked"  # with the web sessions that its person opened with a badge
    BADGE_PIN_SET = "badge-pin-set"  # by its person
    BADGE_PIN_RESET = "badge-pin-reset"  # by an operator: the person chooses a new one

    POLICY_SET = "policy-set"
    POLICY_REMOVED = "policy-removed"
    NETWORK_REFUSED = "network-refused"  # a policy does not allow work from the address

    POOL_CHANGED = "pool-changed"
    CONFIGURATION_RELOADED = "configuration-reloaded"
    DISPLAY_CHECKED = "display-checked"

    AUDIT_PURGED = "audit-purged"  # entries beyond their retention were deleted
    AUDIT_LOST = "audit-lost"  # acts that could be recorded neither in the database nor in the spool


class Outcome(Enum):
    """How it went. The values are stored, exported and hashed."""

    DONE = "done"
    REFUSED = "refused"  # for a reason of policy, such as a wrong password
    FAILED = "failed"  # because of a malfunction


class Role(Enum):
    """In which role somebody acted. The values are stored, exported and hashed."""

    USER = "user"
    OPERATOR = "operator"  # whoever runs the command `lightbox`; the account is the name of the Unix user
    HELPDESK = "helpdesk"
    ADMINISTRATOR = "administrator"
    AUDITOR = "auditor"
    TOKEN = "token"  # noqa: S105 - a program with a token of the administration API
    SERVER = "server"  # Lightbox itself, for example at a time limit
    NOBODY = "nobody"  # somebody who is not signed in


#: Longest texts of an entry, characters. Longer ones are cut.
ACCOUNT_MAX = 128
ADDRESS_MAX = 64
DEVICE_MAX = 64
SUBJECT_MAX = 128
OBJECT_MAX = 160
REASON_MAX = 500


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One act. It must have neither secrets nor patient data; `subject` is the only reference to a patient.

    `at_s` is wall-clock time in seconds since the epoch, and the caller passes it. `account` is the person
    who acted or, if Lightbox acted by itself (role `server`), the person whom it concerned. It is None if
    there is no such account: what somebody typed as a name may be a password, and does not belong here.
    `device` is the name of the web session for agents (`web_sessions.device_of`). `object` names what the act
    was done to as `kind:name`, for example `account:kim` or `desktop:kim/office`. `reason` says why, or gives
    details in a few words.
    """

    at_s: float
    action: Action
    outcome: Outcome = Outcome.DONE
    account: str | None = None
    role: Role = Role.USER
    address: str | None = None
    device: str | None = None
    subject: str | None = None
    object: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Origin:
    """Where an act comes from: the network address and the device, as far as they are known."""

    address: str | None = None
    device: str | None = None


NOWHERE = Origin()


def clean(text: str | None, longest: int) -> str | None:
    """Returns the text without control characters and lone surrogates, cut to `longest` characters.

    Databases refuse some of them, and terminals obey others. An empty text becomes None.
    """
    if not text:
        return None
    return "".join("\ufffd" if unicodedata.category(char) in _UNSAFE else char for char in text[:longest])


#: Unicode categories: control and format characters, surrogates, line and paragraph separators.
_UNSAFE = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def cleaned(entry: AuditEntry) -> AuditEntry:
    """Returns the entry as it is stored."""
    return replace(
        entry,
        account=clean(entry.account, ACCOUNT_MAX),
        address=clean(entry.address, ADDRESS_MAX),
        device=clean(entry.device, DEVICE_MAX),
        subject=clean(entry.subject, SUBJECT_MAX),
        object=clean(entry.object, OBJECT_MAX),
        reason=clean(entry.reason, REASON_MAX),
    )
