"""The class from which all tables are derived."""

from __future__ import annotations

from sqlalchemy.orm import DeclarativeBase


class Base(DeclarativeBase):
    """Collects the tables in `Base.metadata`."""
