"""Tables of the audit. `broker/audit/chain.py` describes the chain."""

from __future__ import annotations

from sqlalchemy import BigInteger, String
from sqlalchemy.orm import Mapped, mapped_column

from display_server.broker.tables.base import Base


class AuditRow(Base):
    """An entry of the audit. Rows are never changed, and triggers refuse it."""

    __tablename__ = "audit_entries"

    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    form: Mapped[int]
    previous: Mapped[str] = mapped_column(String(64))
    at_us: Mapped[int] = mapped_column(BigInteger, index=True)  # microseconds since the epoch, UTC
    account: Mapped[str | None] = mapped_column(String(128), index=True)
    role: Mapped[str] = mapped_column(String(16))
    address: Mapped[str | None] = mapped_column(String(64))
    device: Mapped[str | None] = mapped_column(String(64))
    subject: Mapped[str | None] = mapped_column(String(128))
    action: Mapped[str] = mapped_column(String(48), index=True)
    object: Mapped[str | None] = mapped_column(String(160), index=True)
    outcome: Mapped[str] = mapped_column(String(16))
    reason: Mapped[str | None] = mapped_column(String(500))
    spool_id: Mapped[str | None] = mapped_column(String(32), unique=True)
    hash: Mapped[str] = mapped_column(String(64))


class AuditHead(Base):
    """The end of the audit's chain, one row, which serialises all writers."""

    __tablename__ = "audit_head"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    chain: Mapped[str] = mapped_column(String(32))  # a random name, which tells chains apart
    seq: Mapped[int] = mapped_column(BigInteger)  # of the newest row; 0 while there is none
    hash: Mapped[str] = mapped_column(String(64))  # of the newest row
    purged_seq: Mapped[int] = mapped_column(BigInteger)  # entries up to this one were purged


class AuditCheckpoint(Base):
    """A signed statement about the chain, of which copies leave the host."""

    __tablename__ = "audit_checkpoints"

    id: Mapped[int] = mapped_column(primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger, index=True)  # the row that it speaks of
    statement: Mapped[str] = mapped_column(String(1024))  # the line that left the host
