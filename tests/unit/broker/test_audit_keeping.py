"""Checkpoints leave the host, purges leave a record, and the database refuses changes of entries."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from display_server.broker.audit import keeping
from display_server.broker.audit.append import append
from display_server.broker.audit.keeping import Destinations, make_checkpoint, purge, read_statements_of
from display_server.broker.audit.key import open_key, public_pem, read_public_key
from display_server.broker.audit.statements import StatementKind
from display_server.broker.audit.verification import Given, Report, describe
from display_server.broker.store import Store
from display_server.errors import ConfigurationError
from tests.fakes.audit_chain import KEY, OUTSIDE, TAMPERINGS, YEAR_S, entry, fill, read, set_guards, write

#: The time of entry 0 in the fakes, microseconds.
START_US = round(entry(0).at_s * 1e6)
YEAR_US = round(YEAR_S * 1e6)


async def verify(store: Store, file: Path | None = None) -> Report:
    outside = read_statements_of(file) if file else []
    return await keeping.verify(store, KEY.public_key(), outside)


async def send_checkpoint(store: Store, file: Path, now_us: int) -> None:
    statement = await make_checkpoint(store, KEY, now_us)
    assert statement
    assert Destinations(file).send(statement) == []


async def test_an_empty_database_has_nothing_to_verify(store: Store) -> None:
    assert describe(await verify(store)) == ["Nothing was recorded yet."]
    assert await make_checkpoint(store, KEY, START_US) is None
    assert await purge(store, KEY, now_us=START_US, retention_years=1, operator="park") is None


async def test_a_checkpoint_outside_proves_what_is_before_it(store: Store, folder: Path) -> None:
    file = folder / "checkpoints"
    await fill(store, 3)
    await send_checkpoint(store, file, START_US + YEAR_US)
    assert await make_checkpoint(store, KEY, START_US + YEAR_US) is None, "nothing is new"
    await fill(store, 2, first=3)
    report = await verify(store, file)
    assert report.intact, describe(report)
    assert report.proven_outside
    assert report.proven_outside.seq == 3
    assert file.stat().st_mode & 0o777 == 0o600
    await send_checkpoint(store, file, START_US + YEAR_US)
    assert [given.statement.seq for given in read_statements_of(file)] == [3, 5]


def test_reads_checkpoints_from_the_log_of_a_syslog_server(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("Dec  1 10:00:00 host lightbox: started\n")
    with pytest.raises(ConfigurationError, match="has no checkpoint"):
        read_statements_of(log)


async def test_says_what_could_not_be_sent(store: Store, folder: Path) -> None:
    await fill(store, 1)
    statement = await make_checkpoint(store, KEY, START_US)
    assert statement
    (failure,) = Destinations(folder / "missing" / "file").send(statement)
    assert "cannot be written" in failure


async def test_the_key_is_made_once(tmp_path: Path) -> None:
    path = tmp_path / "audit-key"
    key = open_key(path)
    assert open_key(path).private_bytes_raw() == key.private_bytes_raw()
    assert path.stat().st_mode & 0o777 == 0o600
    public = tmp_path / "public.pem"
    public.write_bytes(public_pem(key.public_key()))
    assert read_public_key(public).public_bytes_raw() == key.public_key().public_bytes_raw()
    path.chmod(0o640)
    with pytest.raises(ConfigurationError, match="can be read by other users"):
        open_key(path)
    for wrong in (path, public):
        wrong.write_text("nothing")
        wrong.chmod(0o600)
    with pytest.raises(ConfigurationError, match="is not a key"):
        open_key(path)
    with pytest.raises(ConfigurationError, match="is not a key"):
        read_public_key(public)


async def test_a_purge_leaves_a_record_with_which_the_rest_verifies(store: Store, folder: Path) -> None:
    file = folder / "checkpoints"
    await fill(store, 4)
    await send_checkpoint(store, file, START_US + 4 * 60_000_000)
    late = START_US + 2 * YEAR_US
    async with store.begin() as db:
        await append(db, entry(round(2 * YEAR_S / 60)))
    statement = await purge(store, KEY, now_us=late + 60_000_000, retention_years=1, operator="park")
    assert statement
    assert (statement.audit, statement.seq) == (StatementKind.PURGE, 4)
    assert Destinations(file).send(statement) == []
    found = await read(store)
    assert [row.seq for row in found.rows] == [5, 6]
    assert (found.rows[1].action, found.rows[1].account) == ("audit-purged", "park")
    report = await verify(store, file)
    assert report.intact, describe(report)
    assert (report.first, report.last) == (5, 6)
    assert await purge(store, KEY, now_us=late + 60_000_000, retention_years=1, operator="park") is None


async def test_keeps_entries_that_are_not_old_enough(store: Store) -> None:
    await fill(store, 2)
    now_us = START_US + YEAR_US + 30_000_000  # entry 0 is older than a year, entry 1 is not
    statement = await purge(store, KEY, now_us=now_us, retention_years=1, operator="park")
    assert statement
    assert statement.seq == 1
    assert [row.seq for row in (await read(store)).rows] == [2, 3]


async def test_the_database_refuses_changes_of_entries(store: Store) -> None:
    await fill(store, 3)
    for statement in (
        "UPDATE audit_entries SET account = 'somebody' WHERE seq = 2",
        "DELETE FROM audit_entries WHERE seq = 3",
        "DELETE FROM audit_entries",
    ):

        async def change(statement: str = statement) -> None:
            async with store.begin() as db:
                await db.execute(text(statement))

        with pytest.raises(SQLAlchemyError, match="append-only"):
            await change()
    assert (await verify(store)).intact


async def test_notices_that_the_database_no_longer_refuses_changes(store: Store) -> None:
    await fill(store, 1)
    async with store.begin() as db:
        await set_guards(db, on=False)
    assert "no longer refuses changes" in describe(await verify(store))[0]


async def test_finds_tampering_in_the_database(store: Store) -> None:
    """A smaller version of `tests/acceptance/audit_tampering.py`."""
    draw = random.Random(7)
    await fill(store, 8)
    statement = await make_checkpoint(store, KEY, START_US)
    assert statement
    original = await read(store, [statement])
    outside = [Given(statement, OUTSIDE, outside=True)]
    for number in range(3 * len(TAMPERINGS)):
        changed = original.copy()
        done = TAMPERINGS[number % len(TAMPERINGS)](changed, draw)
        try:
            await write(store, changed)
        except IntegrityError:
            continue  # the database demands a value there
        report = await keeping.verify(store, KEY.public_key(), outside)
        assert not report.intact, done
    await write(store, original)
    report = await keeping.verify(store, KEY.public_key(), outside)
    assert report.intact, describe(report)
