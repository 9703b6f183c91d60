"""Whatever is done to a chain is found, as long as checkpoints are kept outside of the host."""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Callable

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from display_server.broker.audit.chain import row_of, start_of
from display_server.broker.audit.statements import StatementKind, is_genuine, parse, sign
from display_server.broker.audit.verification import Head, describe
from tests.fakes.audit_chain import KEY, TAMPERINGS, YEAR_S, Chain, altered, checkpoint, entry

NAME = "c1"
COUNT = 12
YEAR_US = round(YEAR_S * 1e6)


def chain(count: int = COUNT) -> Chain:
    """Returns a chain with checkpoints at entry 4 and at its end."""
    rows = []
    previous = start_of(NAME)
    for number in range(count):
        rows.append(row_of(entry(number), number + 1, previous))
        previous = rows[-1].hash
    statements = [checkpoint(rows[3], NAME), checkpoint(rows[-1], NAME)]
    return Chain(Head(NAME, count, previous, 0), rows, statements, list(statements))


def purged(last: int, *, years: float = 3.0) -> Chain:
    """Returns a chain whose first entries were purged after a retention of one year."""
    found = chain()
    end = found.rows[last - 1]
    record = sign(
        KEY,
        StatementKind.PURGE,
        chain=NAME,
        seq=last,
        row_hash=end.hash,
        at_us=end.at_us + round(years * YEAR_US),
        cutoff_us=end.at_us + round((years - 1.5) * YEAR_US),
    )
    found.rows = found.rows[last:]
    found.head = dataclasses.replace(found.head, purged_seq=last)
    found.statements = [record, found.statements[-1]]
    found.outside.append(record)
    return found


def texts(found: Chain) -> str:
    return "\n".join(describe(found.verify()))


def test_an_intact_chain_is_proven_up_to_its_last_checkpoint() -> None:
    found = chain()
    report = found.verify()
    assert report.intact
    assert (report.entries, report.last) == (COUNT, COUNT)
    assert report.proven_outside == found.outside[-1]
    assert f"everything up to entry {COUNT}" in texts(found)


def test_says_what_no_checkpoint_proves_yet() -> None:
    found = chain()
    found.outside, found.statements = found.outside[:1], found.statements[:1]
    assert "everything up to entry 4" in texts(found)
    assert "Entries 5 to 12 are chained, and no checkpoint proves them yet." in texts(found)
    found.outside = []
    assert "Whoever has the key of this host could have made it anew" in texts(found)
    found.statements = []
    assert "No checkpoint proves any of it." in texts(found)


@pytest.mark.parametrize("tamper", TAMPERINGS)
def test_finds_every_tampering(tamper: Callable[[Chain, random.Random], str]) -> None:
    draw = random.Random(1)
    for _ in range(60):
        found = chain()
        done = tamper(found, draw)
        assert not found.verify().intact, done


def test_names_the_entry_that_was_altered() -> None:
    found = chain()
    found.rows[6] = dataclasses.replace(found.rows[6], account="somebody")
    report = found.verify()
    assert [finding.seq for finding in report.findings] == [7]
    assert "Entry 7 was altered" in report.findings[0].text
    assert report.proven_outside == found.outside[0], "the first checkpoint still proves what is before"


def test_names_the_entries_that_were_removed() -> None:
    found = chain()
    del found.rows[4:7]
    assert [finding.text for finding in found.verify().findings] == ["Entries 5 to 7 are missing."]
    found = chain()
    del found.rows[-2:]
    assert "The newest entries are missing: entries 11 to 12 are gone." in texts(found)
    found.move_head()
    found.statements = found.statements[:1]
    assert "there were 12 entries, and the chain ends with entry 10" in texts(found)


def test_finds_a_chain_that_was_written_anew_with_the_key() -> None:
    found = chain()
    found.rows[1] = dataclasses.replace(found.rows[1], account="somebody")
    found.rewrite_from(1)
    found.sign_anew()
    outside, found.outside = found.outside, []
    assert found.verify().intact, "nothing on the host gives it away"
    found.outside = outside
    assert "Entry 4 is not the one that the checkpoint of" in texts(found)


def test_finds_a_new_chain_in_the_place_of_the_former_one() -> None:
    found, other = chain(), chain()
    found.head = Head("c2", 0, start_of("c2"), 0)
    found.rows, found.statements = [], []
    assert "belongs to another chain with 12 entries" in texts(found)
    assert other.verify().intact


def test_finds_checkpoints_of_another_key_and_altered_ones() -> None:
    found = chain()
    found.outside = [checkpoint(found.rows[-1], NAME, key=Ed25519PrivateKey.generate())]
    assert "is not signed with the key of this host" in texts(found)
    for field, value in (("seq", 11), ("at_us", 5), ("chain", "c2"), ("hash", "0" * 64), ("cutoff_us", 1)):
        altered = msgspec.structs.replace(chain().outside[0], **{field: value})
        assert not is_genuine(altered, KEY.public_key()), field


def test_statements_survive_their_line() -> None:
    statement = chain().outside[0]
    assert parse(statement.line()) == statement
    for wrong in (
        "",
        "{}",
        statement.line()[:-1],
        statement.line().replace("checkpoint", "other"),
        "x" * 5000,
    ):
        with pytest.raises(ValueError, match=r"."):
            parse(wrong)


@pytest.mark.parametrize(
    ("name", "value"),
    [("at_us", "12"), ("account", b"kim"), ("seq", 3.0), ("reason", 5), ("form", True), ("form", 2)],
)
def test_finds_values_of_a_wrong_type(name: str, value: object) -> None:
    found = chain()
    found.rows[2] = altered(found.rows[2], {name: value})
    assert not found.verify().intact


def test_a_purge_leaves_a_chain_that_verifies() -> None:
    found = purged(2)
    report = found.verify()
    assert report.intact, texts(found)
    assert (report.first, report.last, report.entries) == (3, COUNT, COUNT - 2)


def test_finds_a_purge_without_its_record() -> None:
    found = purged(2)
    found.statements = found.statements[1:]
    found.outside = [statement for statement in found.outside if statement.audit is StatementKind.CHECKPOINT]
    assert "No signed purge record allows that entries up to 2 are gone." in texts(found)
    found.head = dataclasses.replace(found.head, purged_seq=0)
    assert "Entries 1 to 2 are missing." in texts(found)


def test_finds_more_rows_removed_than_the_purge_record_says() -> None:
    found = purged(2)
    del found.rows[0]
    assert "Entry 3 is missing." in texts(found)


def test_finds_a_purge_of_entries_that_were_too_new() -> None:
    found = purged(
        6
    )  # after the checkpoint at entry 4, which shows when entry 5 can have been written at most
    assert found.verify().intact, texts(found)
    record = found.statements[0]
    cutoff_us = found.outside[0].at_us - 1
    early = sign(
        KEY,
        StatementKind.PURGE,
        chain=NAME,
        seq=record.seq,
        row_hash=record.hash,
        at_us=cutoff_us + 2 * YEAR_US,
        cutoff_us=cutoff_us,
    )
    found.statements[0], found.outside[-1] = early, early
    assert "The purge deleted entries that were too new" in texts(found)
    young = sign(
        KEY,
        StatementKind.PURGE,
        chain=NAME,
        seq=record.seq,
        row_hash=record.hash,
        at_us=record.at_us,
        cutoff_us=record.at_us - YEAR_US // 2,
    )
    found.statements[0], found.outside[-1] = young, young
    assert "deleted entries that were less than a year old" in texts(found)
