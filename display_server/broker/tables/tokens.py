"""The table of tokens for the administration API."""

from __future__ import annotations

from sqlalchemy import ForeignKey, LargeBinary, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from display_server.broker.tables.base import Base


class ApiToken(Base):
    """A token with which a program uses the administration API. Its row is deleted when it is revoked.

    `secret_hash` is the SHA-256 of the secret, so that nobody can use the content of the database. A token
    that a person created is of no use without their account and their roles.
    """

    __tablename__ = "api_tokens"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(64), unique=True)
    secret_hash: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    scopes: Mapped[str] = mapped_column(Text, default="[]")  # JSON: names of scopes
    read_only: Mapped[bool] = mapped_column(default=False)
    #: The person who created it; None: an operator, by a command.
    account_id: Mapped[int | None] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"), index=True)
    created_by: Mapped[str] = mapped_column(String(128))
    created_s: Mapped[float]
    expires_s: Mapped[float]
    used_s: Mapped[float | None]
