"""Reads the audit from the database."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, func, or_, select, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from display_server.broker.audit.append import HEAD
from display_server.broker.audit.chain import Row
from display_server.broker.audit.statements import Statement, parse
from display_server.broker.audit.verification import Head
from display_server.broker.store import Store
from display_server.broker.tables import AuditCheckpoint, AuditHead, AuditRow

#: Rows that are read in one transaction.
PAGE = 1000
#: The columns of a row, in the order of `Row`.
FIELDS = tuple(field.name for field in dataclasses.fields(Row))
_COLUMNS = tuple(getattr(AuditRow, name) for name in FIELDS)


@dataclass(frozen=True, slots=True)
class Filter:
    """What a search finds: rows that fulfil everything that is not None. Times are microseconds."""

    account: str | None = None
    action: str | None = None
    outcome: str | None = None
    address: str | None = None
    object: str | None = None  # the beginning of it
    from_us: int | None = None
    until_us: int | None = None
    before_seq: int | None = None  # only older entries
    text: str | None = None  # part of the account, the object or the reason


async def read_head(db: AsyncSession) -> Head | None:
    """Returns the end of the chain, or None when nothing was recorded yet."""
    found = select(AuditHead.chain, AuditHead.seq, AuditHead.hash, AuditHead.purged_seq)
    row = (await db.execute(found.where(AuditHead.id == HEAD))).one_or_none()
    return Head(*row) if row is not None else None


async def read_statements(db: AsyncSession) -> tuple[list[Statement], int]:
    """Returns the statements of the database, the oldest first, and how many cannot be read."""
    lines = (await db.scalars(select(AuditCheckpoint.statement).order_by(AuditCheckpoint.id))).all()
    statements, unreadable = [], 0
    for line in lines:
        try:
            statements.append(parse(line))
        except (ValueError, TypeError):
            unreadable += 1
    return statements, unreadable


async def newest(db: AsyncSession, wanted: Filter, limit: int) -> list[Row]:
    """Returns the newest rows that a search finds, the newest first."""
    found = await db.execute(_selection(wanted).order_by(AuditRow.seq.desc()).limit(limit))
    return [Row(*row) for row in found]


async def count(db: AsyncSession, wanted: Filter, most: int) -> int:
    """Returns how many rows a search finds, at most `most`."""
    found = _selection(wanted).limit(most).subquery()
    return await db.scalar(select(func.count()).select_from(found)) or 0


async def every(store: Store, wanted: Filter) -> AsyncIterator[Row]:
    """Yields all rows that a search finds, the oldest first, page by page."""
    after = -1
    while True:
        async with store.reading() as db:
            page = _selection(wanted).where(AuditRow.seq > after).order_by(AuditRow.seq).limit(PAGE)
            rows = [Row(*row) for row in await db.execute(page)]
        for row in rows:
            yield row
        if len(rows) < PAGE:
            return
        after = rows[-1].seq


async def every_readable(store: Store) -> AsyncIterator[Row | int]:
    """Yields all rows, the oldest first; of a row that the database cannot read, its number."""
    after = -(2**62)
    while True:
        async with store.reading() as db:
            numbers = select(AuditRow.seq).where(AuditRow.seq > after).order_by(AuditRow.seq).limit(PAGE)
            page = list(await db.scalars(numbers))
        if not page:
            return
        for row in await _page(store, page):
            yield row
        after = page[-1]


async def _page(store: Store, numbers: list[int]) -> list[Row | int]:
    selection = select(*_COLUMNS).where(AuditRow.seq.between(numbers[0], numbers[-1])).order_by(AuditRow.seq)
    try:
        async with store.reading() as db:
            return [Row(*row) for row in await db.execute(selection)]
    except SQLAlchemyError:  # one of the rows has bytes that are no text
        return [await _single(store, number) for number in numbers]


async def _single(store: Store, number: int) -> Row | int:
    try:
        async with store.reading() as db:
            row = (await db.execute(select(*_COLUMNS).where(AuditRow.seq == number))).one()
            return Row(*row)
    except SQLAlchemyError:
        return number


def _selection(wanted: Filter) -> Select[Any]:
    found = select(*_COLUMNS)
    for column, value in (
        (AuditRow.account, wanted.account),
        (AuditRow.action, wanted.action),
        (AuditRow.outcome, wanted.outcome),
        (AuditRow.address, wanted.address),
    ):
        if value is not None:
            found = found.where(column == value)
    if wanted.object is not None:
        found = found.where(AuditRow.object.startswith(wanted.object, autoescape=True))
    if wanted.from_us is not None:
        found = found.where(AuditRow.at_us >= wanted.from_us)
    if wanted.until_us is not None:
        found = found.where(AuditRow.at_us < wanted.until_us)
    if wanted.before_seq is not None:
        found = found.where(AuditRow.seq < wanted.before_seq)
    if wanted.text is not None:
        texts = (AuditRow.account, AuditRow.object, AuditRow.reason)
        found = found.where(or_(*(column.icontains(wanted.text, autoescape=True) for column in texts)))
    return found


async def missing_guards(db: AsyncSession) -> list[str]:
    """Returns the triggers that should refuse changes of rows, and do not exist."""
    if db.get_bind().dialect.name == "postgresql":
        listed = "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal AND tgenabled <> 'D'"
    else:
        listed = "SELECT name FROM sqlite_master WHERE type = 'trigger'"
    present = set(await db.scalars(text(listed)))
    return [name for name in GUARDS if name not in present]


#: The triggers that refuse changes of rows.
GUARDS = ("audit_entries_keep_rows", "audit_entries_keep_content")
