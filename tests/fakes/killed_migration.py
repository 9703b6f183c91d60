"""Opens copies of a database, each in a process that is killed at another statement of the migration.

    python -m tests.fakes.killed_migration EVERY sqlite FILE FOLDER
    python -m tests.fakes.killed_migration EVERY postgresql URL DATABASE

With `EVERY` 1 a process is killed at each statement, with 2 at every second one, and so on. Each copy is
opened once more afterwards, as the next start does. Prints how many were killed. The processes are forks of
this one, which has loaded everything: starting a hundred Pythons would take a minute.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import alembic.command  # noqa: F401 - loaded here once instead of in every fork
import asyncpg
from sqlalchemy import Engine, event

from display_server.broker.database import Database
from display_server.broker.postgres_database import PostgresDatabase
from display_server.broker.sqlite_database import SqliteDatabase
from display_server.broker.store import Store
from display_server.telemetry.logs import configure_logs
from tests.fakes.database_rows import counts


def die_at(statement: int) -> None:
    """Kills this process before it executes or commits its statement of this number, counted from 1."""
    numbers = itertools.count(1)

    def count(*_: object, **__: object) -> None:
        if next(numbers) == statement:
            os.kill(os.getpid(), signal.SIGKILL)

    event.listen(Engine, "before_cursor_execute", count)
    event.listen(Engine, "commit", count)


async def rows_after_opening(database: Database) -> dict[str, int]:
    store = await Store.open(database)
    try:
        async with store.reading() as db:
            return await (await db.connection()).run_sync(counts)
    finally:
        await store.close()


def in_a_fork(work: Callable[[], object]) -> int:
    """Runs `work` in a fork and returns its exit code, which is negative for a signal."""
    pid = os.fork()
    if pid == 0:
        try:
            work()
        except BaseException as error:
            print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


async def rows_of(database: Database) -> dict[str, int]:
    """Returns the numbers of rows by table, without a migration."""
    engine = database.migrating()
    async with engine.begin() as connection:
        rows = await connection.run_sync(counts)
    await engine.dispose()
    return rows


def killed_at_statements(copy: Callable[[int], Database], every: int) -> int:
    """Returns at how many statements a process was killed.

    Raises AssertionError if a copy is unusable then.
    """
    wanted = asyncio.run(rows_of(copy(0)))
    for killed, number in enumerate(itertools.count(1, every)):
        database = copy(number)

        def attempt(number: int = number, database: Database = database) -> None:
            die_at(number)
            asyncio.run(rows_after_opening(database))

        def open_again(database: Database = database) -> None:
            found = asyncio.run(rows_after_opening(database))
            assert wanted.items() <= found.items(), f"rows before: {wanted}; now: {found}"

        ended = in_a_fork(attempt)
        assert ended in (0, -signal.SIGKILL), f"at statement {number} the process ended with {ended}"
        assert in_a_fork(open_again) == 0, (
            f"killed at statement {number}, the database cannot be opened again"
        )
        if ended == 0:
            return killed
    raise AssertionError  # the numbers have no end


def copies_of_file(source: Path, folder: Path) -> Callable[[int], Database]:
    def copy(number: int) -> Database:
        return SqliteDatabase(Path(shutil.copyfile(source, folder / f"{number}.db")))

    return copy


def copies_on_server(url: str, source: str) -> Callable[[int], Database]:
    """Copies the database `source` of the server; `url` is that of another database there."""

    async def create(name: str) -> None:
        connection = await asyncpg.connect(url)
        await connection.execute(f"CREATE DATABASE {name} TEMPLATE {source}")
        await connection.close()

    def copy(number: int) -> Database:
        name = f"{source}_killed_{number}"
        asyncio.run(create(name))
        return PostgresDatabase(urlsplit(url)._replace(path=f"/{name}").geturl())

    return copy


def main() -> int:
    configure_logs("command", default_level="warning")
    every, kind, source, target = sys.argv[1:]
    copy = (
        copies_of_file(Path(source), Path(target)) if kind == "sqlite" else copies_on_server(source, target)
    )
    print(killed_at_statements(copy, int(every)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
