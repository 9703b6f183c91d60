"""Acts in the spool are chained in their order and exactly once, whenever the power fails."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from display_server.broker.audit.spool import (
    Record,
    SpoolError,
    add,
    new_content,
    read_content,
    remove_all,
)
from tests.fakes.audit_chain import entry
from tests.fakes.torn_disk import PowerError, TornDisk

#: Room for about five records.
SIZE_BYTES = 2600

STEPS = st.lists(
    st.tuples(
        st.sampled_from(["add", "add", "add", "chain"]),
        st.one_of(st.none(), st.integers(1, 8)),  # the write or sync at which the power fails
    ),
    max_size=30,
)


@dataclass
class Database:
    """What a database keeps of the spool. A commit is atomic."""

    names: list[str] = field(default_factory=list)
    lost: dict[str, int] = field(default_factory=dict)  # by batch

    def commit(self, disk: TornDisk) -> None:
        content = read_content(disk.read())
        self.names += [record.name for record in content.records if record.name not in self.names]
        self.lost[content.batch] = max(content.lost, self.lost.get(content.batch, 0))


@given(STEPS, st.integers(0, 10_000))
def test_no_act_is_lost_or_doubled_whenever_the_power_fails(
    steps: list[tuple[str, int | None]], seed: int
) -> None:
    disk, database = TornDisk(new_content(SIZE_BYTES), seed), Database()
    acknowledged: list[str] = []
    attempted: list[str] = []
    refused = refused_at_most = 0
    for number, (step, fail_at) in enumerate(steps):
        disk.fail_at = fail_at
        with contextlib.suppress(PowerError):
            if step == "add":
                name = f"{number:024x}"
                attempted.append(name)
                refused_at_most += 1
                try:
                    add(disk, Record(name, entry(number)))
                    acknowledged.append(name)
                except SpoolError:
                    refused += 1
            elif step == "chain":
                database.commit(disk)
                remove_all(disk)
    disk.fail_at = None
    database.commit(disk)
    remove_all(disk)
    assert read_content(disk.read()).records == ()
    assert len(set(database.names)) == len(database.names)
    assert set(acknowledged) <= set(database.names)
    assert database.names == [name for name in attempted if name in set(database.names)], "in their order"
    assert refused <= sum(database.lost.values()) <= refused_at_most - len(acknowledged)


@given(st.binary(max_size=3000))
def test_reads_any_content(content: bytes) -> None:
    found = read_content(content)
    assert found.lost >= 0
    disk = TornDisk(content.ljust(8000, b"\0"), 0)
    remove_all(disk)
    add(disk, Record("a" * 24, entry(1)))
    assert [record.name for record in read_content(disk.read()).records] == ["a" * 24]
    assert read_content(disk.read()).lost == 0
