"""Tampers with the audit in a database, a thousand times on SQLite and on PostgreSQL, and verifies it each
time.

`python -m tests.acceptance.audit_tampering [--tries 1000] [--seed 1]`. The value is the number of tries that
verification did not find. The rows are written to the real tables, with their triggers switched off, and read
from there. Checkpoints are kept outside, the last of them at the end of the chain: what no checkpoint has
carried out of the host can be cut off without a trace (docs/audit.md). The host's own key is in the
attacker's hands.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import tempfile
from collections import Counter
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from display_server.broker.audit import keeping
from display_server.broker.audit.keeping import make_checkpoint
from display_server.broker.audit.verification import Given, describe
from display_server.broker.database import Database
from display_server.broker.postgres_database import PostgresDatabase
from display_server.broker.sqlite_database import SqliteDatabase
from display_server.broker.store import Store
from tests.acceptance.command import exit_with, note, report
from tests.fakes.audit_chain import KEY, OUTSIDE, TAMPERINGS, entry, fill, read, set_guards, write
from tests.fakes.postgres_server import PostgresServer

TRIES = 1000
ENTRIES = 40
#: The number of entries between two checkpoints.
CHECKPOINT_EVERY = 10


async def tamper(database: Database, tries: int, seed: int) -> int:
    """Returns how many tries were not found. Raises RuntimeError when an intact chain is not intact."""
    store = await Store.open(database)
    try:
        return await _tamper(store, tries, random.Random(seed))
    finally:
        await store.close()


async def _tamper(store: Store, tries: int, draw: random.Random) -> int:
    outside = []
    for first in range(0, ENTRIES, CHECKPOINT_EVERY):
        await fill(store, CHECKPOINT_EVERY, first=first)
        statement = await make_checkpoint(store, KEY, round(entry(first).at_s * 1e6))
        assert statement is not None
        outside.append(Given(statement, OUTSIDE, outside=True))
    original = await read(store)
    missed, done, kinds = 0, 0, Counter[str]()
    while done < tries:
        kind = TAMPERINGS[done % len(TAMPERINGS)]
        changed = original.copy()
        what = kind(changed, draw)
        try:
            await write(store, changed)
        except IntegrityError:  # the database demands a value there
            continue
        done += 1
        kinds[kind.__name__] += 1
        if (await keeping.verify(store, KEY.public_key(), outside)).intact:
            missed += 1
            note(f"not found: {what}")
    await write(store, original)
    found = await keeping.verify(store, KEY.public_key(), outside)
    if not found.intact:
        raise RuntimeError("\n".join(describe(found)))
    note(f"{store.database.name}: {done} tries, {missed} not found; {dict(kinds)}")
    return missed


async def tamper_with_bytes(path: Path, tries: int, seed: int) -> int:
    """Puts bytes into values of SQLite that are no text. Returns how many of the tries were not found."""
    store = await Store.open(SqliteDatabase(path))
    missed, draw = 0, random.Random(seed)
    try:
        original = await read(store)
        for _ in range(tries):
            await write(store, original)
            row = draw.choice(original.rows)
            name = draw.choice(["account", "reason", "action", "hash", "device"])
            before = str(getattr(row, name) or "x").encode()
            place = draw.randrange(len(before))
            after = before[:place] + bytes([before[place] ^ (1 << draw.randrange(8))]) + before[place + 1 :]
            async with store.begin() as db:
                await set_guards(db, on=False)
                await db.execute(
                    text(
                        f"UPDATE audit_entries SET {name} = CAST(x'{after.hex()}' AS TEXT) WHERE seq = :seq"
                    ),
                    {"seq": row.seq},
                )
                await set_guards(db, on=True)
            if (await keeping.verify(store, KEY.public_key())).intact:
                missed += 1
                note(f"not found: a bit of {name} of entry {row.seq} flipped")
    finally:
        await store.close()
    note(f"bits of values on SQLite: {tries} tries, {missed} not found")
    return missed


async def measure(tries: int, seed: int) -> int:
    with tempfile.TemporaryDirectory(prefix="lb") as folder:
        path = Path(folder) / "lightbox.db"
        missed = await tamper(SqliteDatabase(path), tries, seed)
        missed += await tamper_with_bytes(path, tries // 10, seed)
    with tempfile.TemporaryDirectory(prefix="lb") as folder:
        server = PostgresServer(Path(folder))
        try:
            await server.start()
            name = await server.new_database()
            missed += await tamper(PostgresDatabase(server.url(name)), tries, seed)
        finally:
            server.stop()
    return missed


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.acceptance.audit_tampering", description=__doc__)
    parser.add_argument("--tries", type=int, default=TRIES)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    missed = asyncio.run(measure(arguments.tries, arguments.seed))
    return report("audit-tampering", missed, also=arguments.tries >= TRIES)


if __name__ == "__main__":
    exit_with(main)
