"""The table of the rules of policies."""

from __future__ import annotations

from sqlalchemy import String, Text
from sqlalchemy.orm import Mapped, mapped_column

from display_server.broker.tables.base import Base


class PolicyRow(Base):
    """A rule. Conditions that are None do not matter; `settings` are the values by key, as JSON."""

    __tablename__ = "policies"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    desktop: Mapped[str | None] = mapped_column(String(64))
    group_name: Mapped[str | None] = mapped_column(String(128))
    network: Mapped[str | None] = mapped_column(String(64))
    tag: Mapped[str | None] = mapped_column(String(64))
    settings: Mapped[str] = mapped_column(Text)
    changed_s: Mapped[float]
    changed_by: Mapped[str] = mapped_column(String(128))  # a username, or a Unix user
