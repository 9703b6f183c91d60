"""Processes that are killed at statements of a migration: the next start repeats it without loss."""

from __future__ import annotations

import asyncio
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from display_server.broker.migrations import LAST_WITHOUT_ALEMBIC, migrate
from display_server.broker.postgres_database import PostgresDatabase
from tests.fakes.database_rows import fill
from tests.fakes.postgres_server import PostgresServer

ROOT = Path(__file__).resolve().parents[3]
SCHEMA_5 = ROOT / "tests" / "vectors" / "database_schema_5.sql"
#: Fewer statements would mean that the migration was not interrupted at all.
STATEMENTS_MIN = 20


def statements(*arguments: str, every: int = 1) -> int:
    """Returns at how many statements a process was killed.

    Fails if a database could not be opened afterwards.
    """
    command = [sys.executable, "-m", "tests.fakes.killed_migration", str(every), *arguments]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    return int(ended.stdout)


@pytest.mark.nightly  # minutes of processor
def test_a_database_of_0_1_0(tmp_path: Path) -> None:
    source = tmp_path / "source.db"
    with sqlite3.connect(source) as connection:
        connection.executescript(SCHEMA_5.read_text("utf-8"))
    connection.close()
    assert statements("sqlite", str(source), str(tmp_path)) > STATEMENTS_MIN


@pytest.mark.nightly  # minutes of processor
def test_an_empty_database_of_postgresql(postgres: PostgresServer) -> None:
    source = asyncio.run(postgres.new_database())
    assert statements("postgresql", postgres.url("postgres"), source) > STATEMENTS_MIN


async def first_revision(postgres: PostgresServer) -> str:
    """Returns the name of a database with a row in each table, which all later revisions have to keep."""
    name = await postgres.new_database()
    engine = PostgresDatabase(postgres.url(name)).migrating()
    async with engine.begin() as connection:
        await connection.run_sync(migrate, LAST_WITHOUT_ALEMBIC + 1)
        await connection.run_sync(fill)
    await engine.dispose()
    return name


def test_some_statements_of_a_database_of_the_first_revision(postgres: PostgresServer) -> None:
    source = asyncio.run(first_revision(postgres))
    assert statements("postgresql", postgres.url("postgres"), source, every=15) > 2


@pytest.mark.nightly  # minutes of processor
def test_a_database_of_the_first_revision(postgres: PostgresServer) -> None:
    source = asyncio.run(first_revision(postgres))
    assert statements("postgresql", postgres.url("postgres"), source) > STATEMENTS_MIN
