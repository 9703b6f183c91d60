"""A chain of the audit in a database, and ways to tamper with it."""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import delete, insert, text
from sqlalchemy.ext.asyncio import AsyncSession

from display_server.broker.audit.append import HEAD, append
from display_server.broker.audit.chain import Row, hash_of_row
from display_server.broker.audit.entry import Action, AuditEntry, Outcome, Role
from display_server.broker.audit.reading import (
    FIELDS,
    GUARDS,
    Filter,
    every,
    read_head,
    read_statements,
)
from display_server.broker.audit.statements import Statement, StatementKind, sign
from display_server.broker.audit.verification import Given, Head, Report, Verifier
from display_server.broker.migrations.versions.r0013_audit import SQLITE_GUARDS
from display_server.broker.store import Store
from display_server.broker.tables import AuditCheckpoint, AuditHead, AuditRow

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
YEAR_S = 365.25 * 24 * 3600
#: Where the tests keep what has left the host.
OUTSIDE = "the log of another host"


def entry(number: int) -> AuditEntry:
    """Returns an entry whose values differ from those of any other number."""
    actions = list(Action)
    return AuditEntry(
        1_700_000_000.0 + number * 60,
        actions[number % len(actions)],
        list(Outcome)[number % len(Outcome)],
        account=f"person{number % 7}" if number % 5 else None,
        role=list(Role)[number % len(Role)],
        address=f"192.0.2.{number % 250}",
        device=f"{number:032x}",
        subject=f"subject{number}" if number % 3 else None,
        object=f"desktop:person{number % 7}/office",
        reason=f"reason {number}",
    )


async def fill(store: Store, count: int, *, first: int = 0) -> None:
    async with store.begin() as db:
        for number in range(first, first + count):
            await append(db, entry(number))


def altered(row: Row, values: dict[str, Any]) -> Row:
    """Returns a row with other values, of any type, and the former hash."""
    return dataclasses.replace(row, **values)


def checkpoint(row: Row, chain: str, *, key: Ed25519PrivateKey = KEY) -> Statement:
    return sign(
        key, StatementKind.CHECKPOINT, chain=chain, seq=row.seq, row_hash=row.hash, at_us=row.at_us + 1
    )


@dataclass
class Chain:
    """What a database has of the audit, in memory."""

    head: Head
    rows: list[Row]
    statements: list[Statement]  # of the database
    outside: list[Statement]

    def verify(self) -> Report:
        given = [Given(statement, "the database", outside=False) for statement in self.statements]
        given += [Given(statement, OUTSIDE, outside=True) for statement in self.outside]
        verifier = Verifier(self.head, given, KEY.public_key())
        for row in sorted(self.rows, key=lambda row: row.seq):
            verifier.feed(row)
        return verifier.finish()

    def copy(self) -> Chain:
        return Chain(self.head, list(self.rows), list(self.statements), list(self.outside))

    def rewrite_from(self, index: int) -> None:
        """Numbers and hashes all rows anew from an index on, and adapts the end of the chain."""
        for place in range(index, len(self.rows)):
            previous = self.rows[place - 1].hash if place else self.rows[0].previous
            row = dataclasses.replace(self.rows[place], seq=place + 1, previous=previous)
            self.rows[place] = dataclasses.replace(row, hash=hash_of_row(row))
        self.move_head()

    def move_head(self) -> None:
        """Lets the end of the chain be its last row."""
        last = self.rows[-1]
        self.head = dataclasses.replace(self.head, seq=last.seq, hash=last.hash)

    def sign_anew(self) -> None:
        """Signs the database's statements anew, with the key of the host, for the rows that there are."""
        by_seq = {row.seq: row for row in self.rows}
        self.statements = [
            checkpoint(by_seq[statement.seq], self.head.chain)
            for statement in self.statements
            if statement.seq in by_seq
        ]


def alter_a_byte(chain: Chain, draw: random.Random) -> str:
    place = draw.randrange(len(chain.rows))
    row = chain.rows[place]
    name = draw.choice([name for name in FIELDS if name != "seq" and getattr(row, name) is not None])
    value = getattr(row, name)
    if isinstance(value, int):
        changed: Any = value ^ (1 << draw.randrange(16))
    else:
        position = draw.randrange(len(value))
        other = draw.choice([char for char in "0123456789abcdefghij -:/" if char != value[position]])
        changed = value[:position] + other + value[position + 1 :]
    chain.rows[place] = altered(row, {name: changed})
    return f"{name} of entry {row.seq} altered"


def blank_a_value(chain: Chain, draw: random.Random) -> str:
    place = draw.randrange(len(chain.rows))
    name = draw.choice([name for name in FIELDS if isinstance(getattr(chain.rows[place], name), str)])
    chain.rows[place] = altered(chain.rows[place], {name: draw.choice(["", None])})
    return f"{name} of entry {place + 1} removed"


def remove_rows(chain: Chain, draw: random.Random) -> str:
    first = draw.randrange(len(chain.rows) - 1)
    count = draw.randrange(1, len(chain.rows) - first)
    del chain.rows[first : first + count]
    return f"entries {first + 1} to {first + count} removed"


def swap_rows(chain: Chain, draw: random.Random) -> str:
    """Swaps the numbers of two rows, or all of their content but the numbers."""
    one, other = draw.sample(range(len(chain.rows)), 2)
    first, second = chain.rows[one], chain.rows[other]
    if draw.random() < 0.5:
        chain.rows[one] = dataclasses.replace(second, seq=first.seq)
        chain.rows[other] = dataclasses.replace(first, seq=second.seq)
    else:  # with hashes that fit the content
        for place, row, seq, previous in (
            (one, second, first.seq, first.previous),
            (other, first, second.seq, second.previous),
        ):
            moved = dataclasses.replace(row, seq=seq, previous=previous)
            chain.rows[place] = dataclasses.replace(moved, hash=hash_of_row(moved))
    return f"entries {one + 1} and {other + 1} swapped"


def insert_a_row(chain: Chain, draw: random.Random) -> str:
    place = draw.randrange(len(chain.rows))
    chain.rows.insert(place, dataclasses.replace(chain.rows[place], reason="inserted"))
    chain.rewrite_from(place)
    return f"a row inserted before entry {place + 1}, and the rest chained anew"


def remove_the_newest(chain: Chain, draw: random.Random) -> str:
    count = draw.randrange(1, len(chain.rows))
    del chain.rows[-count:]
    if draw.random() < 0.7:
        chain.move_head()
        chain.sign_anew()
    return f"the newest {count} entries removed"


def rewrite_the_chain(chain: Chain, draw: random.Random) -> str:
    """Alters one row and chains all following ones anew, with the key of the host."""
    place = draw.randrange(len(chain.rows))
    chain.rows[place] = dataclasses.replace(chain.rows[place], account="somebody-else")
    chain.rewrite_from(place)
    if draw.random() < 0.7:
        chain.sign_anew()
    return f"entry {place + 1} altered, and the chain written anew"


TAMPERINGS: Sequence[Callable[[Chain, random.Random], str]] = (
    alter_a_byte,
    blank_a_value,
    remove_rows,
    swap_rows,
    insert_a_row,
    remove_the_newest,
    rewrite_the_chain,
)


async def read(store: Store, outside: Sequence[Statement] = ()) -> Chain:
    """Returns what a database has of the audit."""
    async with store.begin() as db:
        head = await read_head(db)
        statements, _ = await read_statements(db)
    assert head is not None
    rows = [row async for row in every(store, Filter())]
    return Chain(head, rows, statements, list(outside))


async def write(store: Store, chain: Chain) -> None:
    """Replaces what the database has of the audit, as somebody who owns it can.

    Raises IntegrityError when a row has no value where the database demands one.
    """
    async with store.begin() as db:
        await set_guards(db, on=False)
        for table in (AuditRow, AuditHead, AuditCheckpoint):
            await db.execute(delete(table))
        await db.execute(insert(AuditHead).values(id=HEAD, **dataclasses.asdict(chain.head)))
        await db.execute(insert(AuditRow), [dataclasses.asdict(row) for row in chain.rows])
        for statement in chain.statements:
            await db.execute(insert(AuditCheckpoint).values(seq=statement.seq, statement=statement.line()))
        await set_guards(db, on=True)


async def set_guards(db: AsyncSession, *, on: bool) -> None:
    """Switches the triggers off or on that refuse changes of entries."""
    if db.get_bind().dialect.name == "postgresql":
        await db.execute(text(f"ALTER TABLE audit_entries {'ENABLE' if on else 'DISABLE'} TRIGGER USER"))
    elif on:
        for statement in SQLITE_GUARDS:
            await db.execute(text(statement))
    else:
        for name in GUARDS:
            await db.execute(text(f"DROP TRIGGER {name}"))
