"""Entries are serialised without ambiguity, and chained in the transaction of what they record."""

from __future__ import annotations

import asyncio
import dataclasses
import hashlib
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from display_server.broker.audit import entry as limits
from display_server.broker.audit.append import append
from display_server.broker.audit.chain import (
    COLUMNS,
    ROW_TAG,
    Row,
    hash_of_row,
    netstrings,
    row_of,
    start_of,
)
from display_server.broker.audit.entry import Action, AuditEntry, Outcome, Role, cleaned
from display_server.broker.store import Store
from display_server.broker.tables import AuditHead, AuditRow
from tests.fakes.audit_chain import altered

ENTRY = AuditEntry(
    12.5,
    Action.SIGN_IN,
    Outcome.REFUSED,
    account="kim",
    role=Role.NOBODY,
    address="192.0.2.7",
    device="d1",
    subject="s1",
    object="account:kim",
    reason="wrong password",
)
VALUES = st.lists(st.one_of(st.none(), st.text(max_size=8), st.integers()), max_size=5)


async def rows_of(store: Store) -> list[Row]:
    async with store.begin() as db:
        found = (await db.scalars(select(AuditRow).order_by(AuditRow.seq))).all()
    names = [field.name for field in dataclasses.fields(Row)]
    return [Row(**{name: getattr(row, name) for name in names}) for row in found]


def test_the_hash_of_a_row_stays_what_it_is_forever() -> None:
    row = row_of(ENTRY, 1, start_of("c1"))
    start = hashlib.sha256(b"20:lightbox-audit-start,2:c1,").hexdigest()
    assert row.previous == start
    written = (
        b"14:lightbox-audit,1:1,1:1,64:"
        + start.encode()
        + b",8:12500000,3:kim,6:nobody,9:192.0.2.7,2:d1,2:s1,"
        b"7:sign-in,11:account:kim,7:refused,14:wrong password,-,"
    )
    assert netstrings(ROW_TAG, *(getattr(row, name) for name in COLUMNS)) == written
    assert row.hash == hashlib.sha256(written).hexdigest()


def test_every_column_of_the_table_is_hashed() -> None:
    columns = set(AuditRow.__table__.columns.keys())
    assert columns == {field.name for field in dataclasses.fields(Row)}
    assert columns - set(COLUMNS) == {"hash"}


@given(VALUES, VALUES)
def test_different_values_never_give_the_same_bytes(first: list[object], second: list[object]) -> None:
    def texts(values: list[object]) -> list[str | None]:
        return [None if value is None else str(value) for value in values]

    same = texts(first) == texts(second)
    assert (netstrings(*first) == netstrings(*second)) == same  # type: ignore[arg-type]


@pytest.mark.parametrize("name", COLUMNS)
def test_a_change_of_any_column_changes_the_hash(name: str) -> None:
    row = row_of(ENTRY, 1, start_of("c1"), "record")
    value = getattr(row, name)
    changed = value + 1 if isinstance(value, int) else f"{value}x"
    assert hash_of_row(altered(row, {name: changed})) != row.hash
    if isinstance(value, str):
        assert hash_of_row(altered(row, {name: None})) != row.hash


def test_texts_are_cut_and_have_no_control_characters() -> None:
    entry = cleaned(
        dataclasses.replace(ENTRY, account="a" * 1000, reason="one\x00two\x1b[31m\udfff\u202e", object="")
    )
    assert entry.account == "a" * limits.ACCOUNT_MAX
    assert entry.reason == "one\ufffdtwo\ufffd[31m\ufffd\ufffd"
    assert entry.object is None
    assert entry.reason.encode()


async def test_entries_follow_each_other(store: Store) -> None:
    for number in range(3):
        async with store.begin() as db:
            await append(db, dataclasses.replace(ENTRY, at_s=float(number)))
    rows = await rows_of(store)
    async with store.begin() as db:
        head = (await db.scalars(select(AuditHead))).one()
    assert [row.seq for row in rows] == [1, 2, 3]
    assert [row.previous for row in rows] == [start_of(head.chain), rows[0].hash, rows[1].hash]
    assert [row.hash for row in rows] == [hash_of_row(row) for row in rows]
    assert (head.seq, head.hash) == (3, rows[2].hash)


async def test_an_entry_is_stored_with_what_it_records_or_not_at_all(store: Store) -> None:
    async with store.begin() as db:
        await append(db, ENTRY)

    async def fail() -> None:
        async with store.begin() as db:
            await append(db, ENTRY)
            raise RuntimeError("the act failed")

    with pytest.raises(RuntimeError, match="the act failed"):
        await fail()
    async with store.begin() as db:
        await append(db, ENTRY)
        await append(db, ENTRY)
    assert [row.seq for row in await rows_of(store)] == [1, 2, 3]


async def test_concurrent_writers_leave_no_gap(store: Store) -> None:
    async def write(number: int) -> None:
        async with store.begin() as db:
            await append(db, dataclasses.replace(ENTRY, at_s=float(number)))

    await asyncio.gather(*(write(number) for number in range(20)))
    rows = await rows_of(store)
    assert [row.seq for row in rows] == list(range(1, 21))
    assert sorted(row.at_us for row in rows) == [number * 1_000_000 for number in range(20)]
    assert all(after.previous == before.hash for before, after in itertools.pairwise(rows))
