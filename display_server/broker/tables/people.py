"""Tables of people: accounts, what was done to them, and the browsers in which they have signed in."""

from __future__ import annotations

from sqlalchemy import ForeignKey, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from display_server.broker.tables.base import Base


class Account(Base):
    """A person who can sign in."""

    __tablename__ = "accounts"

    id: Mapped[int] = mapped_column(primary_key=True)
    username: Mapped[str] = mapped_column(String(64), unique=True)
    display_name: Mapped[str] = mapped_column(String(128), default="")
    password_hash: Mapped[str] = mapped_column(String(256))
    disabled: Mapped[bool] = mapped_column(default=False)
    created_s: Mapped[float]


class AccountEvent(Base):
    """What was done to an account, by whom and when. Rows are never changed, and outlive the account."""

    __tablename__ = "account_events"

    id: Mapped[int] = mapped_column(primary_key=True)
    username: Mapped[str] = mapped_column(String(64), index=True)
    at_s: Mapped[float]
    action: Mapped[str] = mapped_column(String(32))  # an AccountAction
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
    #: Whether no second factor was asked for because the address was in a listed network.
    inside_only: Mapped[bool] = mapped_column(default=False)


class KnownDevice(Base):
    """A browser in which a person has signed in before.

    `id_hash` is the SHA-256 of the value of the browser's long-lived cookie, which several people may share.
    """

    __tablename__ = "known_devices"

    id_hash: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True)
    signed_in_s: Mapped[float]  # the last sign-in
