"""The table of display checks."""

from __future__ import annotations

from sqlalchemy import String, Text
from sqlalchemy.orm import Mapped, mapped_column

from display_server.broker.tables.base import Base


class DisplayCheck(Base):
    """The result of a display check. Rows are never changed."""

    __tablename__ = "display_checks"

    id: Mapped[int] = mapped_column(primary_key=True)
    username: Mapped[str] = mapped_column(String(64), index=True)
    desktop: Mapped[str] = mapped_column(String(64))
    checked_s: Mapped[float] = mapped_column(index=True)
    passed: Mapped[bool]
    result: Mapped[str] = mapped_column(Text)  # CheckResult as JSON
