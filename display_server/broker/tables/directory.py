"""What is known of accounts of the directory."""

from __future__ import annotations

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from display_server.broker.tables.base import Base


class DirectoryAccount(Base):
    """What is known of an account of the directory.

    The password's hash exists only while the policy `cached_sign_in_hours` wants it.
    """

    __tablename__ = "directory_accounts"

    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True)
    directory_id: Mapped[str] = mapped_column(String(128))  # stays the same when the name changes
    password_hash: Mapped[str | None] = mapped_column(String(256))
    hashed_s: Mapped[float | None]  # when the hash was made
    proved_s: Mapped[float | None]  # when the directory last found the password right

    def forget_password(self) -> None:
        self.password_hash = self.hashed_s = self.proved_s = None
