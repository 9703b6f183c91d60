"""Tables of people: accounts, the browsers in which they have signed in, groups and roles."""

from __future__ import annotations

from enum import Enum

from sqlalchemy import ForeignKey, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from display_server.broker.tables.base import Base


class AccountOrigin(Enum):
    """Who keeps the password of an account. The values are stored."""

    LOCAL = "local"
    DIRECTORY = "directory"
    PROVIDER = "provider"  # of OpenID Connect


class Account(Base):
    """A person who can sign in."""

    __tablename__ = "accounts"

    id: Mapped[int] = mapped_column(primary_key=True)
    username: Mapped[str] = mapped_column(String(64), unique=True)
    display_name: Mapped[str] = mapped_column(String(128), default="")
    password_hash: Mapped[str] = mapped_column(String(256))  # empty unless it is local
    disabled: Mapped[bool] = mapped_column(default=False)
    created_s: Mapped[float]
    origin: Mapped[str] = mapped_column(String(16), default=AccountOrigin.LOCAL.value)


class AccountEvent(Base):
    """What was done to an account before there was an audit, by whom and when.

    Nothing writes this table any more.
    """

    __tablename__ = "account_events"

    id: Mapped[int] = mapped_column(primary_key=True)
    username: Mapped[str] = mapped_column(String(64), index=True)
    at_s: Mapped[float]
    action: Mapped[str] = mapped_column(String(32))
    operator: Mapped[str] = mapped_column(String(64))  # the Unix user who ran the command


class WebSession(Base):
    """A signed-in browser.

    `id_hash` is the SHA-256 of the cookie's value, so that nobody can sign in with the content of the
    database.
    """

    __tablename__ = "web_sessions"

    id_hash: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"), index=True)
    created_s: Mapped[float]
    input_s: Mapped[float]  # the last input of the person
    proved_s: Mapped[float]  # when the password was last given
    locked_s: Mapped[float | None]  # since when the screen is locked; None while it is not
    lock_reason: Mapped[str | None] = mapped_column(String(16))  # a LockReason
    factor_s: Mapped[float | None]  # when a second factor was last given
    #: Whether no second factor was asked for because the address was in a listed network.
    inside_only: Mapped[bool] = mapped_column(default=False)
    #: The EnrolledDevice on which the person signed in; None: an unknown one.
    device_id: Mapped[str | None] = mapped_column(String(32))
    badge_s: Mapped[float | None]  # when a badge last opened it


class KnownDevice(Base):
    """A browser in which a person has signed in before.

    `id_hash` is the SHA-256 of the value of the browser's long-lived cookie, which several people may share.
    """

    __tablename__ = "known_devices"

    id_hash: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True)
    signed_in_s: Mapped[float]  # the last sign-in


class Group(Base):
    """A group of people. Groups of a directory or a provider get their members from there, at each sign-in.

    `source` names the provider; it is empty for others.
    """

    __tablename__ = "groups"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(128), unique=True)
    origin: Mapped[str] = mapped_column(String(16))  # a GroupOrigin
    source: Mapped[str] = mapped_column(String(40), default="")
    created_s: Mapped[float]


class GroupMember(Base):
    """A person who is a member of a group. A new account never inherits the groups of a deleted one."""

    __tablename__ = "group_members"

    group_id: Mapped[int] = mapped_column(ForeignKey("groups.id", ondelete="CASCADE"), primary_key=True)
    account_id: Mapped[int] = mapped_column(
        ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True, index=True
    )


class GroupNesting(Base):
    """A group that is contained in another one: its members belong to that one as well."""

    __tablename__ = "group_nestings"

    parent_id: Mapped[int] = mapped_column(ForeignKey("groups.id", ondelete="CASCADE"), primary_key=True)
    child_id: Mapped[int] = mapped_column(
        ForeignKey("groups.id", ondelete="CASCADE"), primary_key=True, index=True
    )


class RoleAssignment(Base):
    """A role of a person or of the members of a group, for everything or within a scope."""

    __tablename__ = "role_assignments"
    __table_args__ = (UniqueConstraint("subject", "name", "role", "scope", "scope_name"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    subject: Mapped[str] = mapped_column(String(16))  # a Subject: USER or GROUP
    name: Mapped[str] = mapped_column(String(128), index=True)  # of the person or group
    role: Mapped[str] = mapped_column(String(16))  # a Role of broker/roles.py
    scope: Mapped[str] = mapped_column(String(16))  # a ScopeKind
    scope_name: Mapped[str] = mapped_column(String(128))  # of the group or desktop; empty for everything
