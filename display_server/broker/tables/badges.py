"""The table of badges."""

from __future__ import annotations

from sqlalchemy import ForeignKey, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from display_server.broker.tables.base import Base


class Badge(Base):
    """A badge of a person. Its number is stored only as a keyed hash, its PIN with argon2."""

    __tablename__ = "badges"

    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"), index=True)
    number_hash: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    label: Mapped[str] = mapped_column(String(64))
    added_by: Mapped[str] = mapped_column(String(128))
    added_s: Mapped[float]
    pin_hash: Mapped[str] = mapped_column(String(256), default="")  # empty while the person has chosen none
    wrong: Mapped[int] = mapped_column(default=0)  # attempts since the last right PIN
    proved_s: Mapped[float | None]  # when the PIN was last right
    used_s: Mapped[float | None]
    revoked_s: Mapped[float | None]
