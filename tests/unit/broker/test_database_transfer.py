"""Everything of one database is copied into another."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, select

from display_server.broker.accounts import Accounts
from display_server.broker.database_transfer import copy_content
from display_server.broker.store import Store
from display_server.errors import ConfigurationError
from tests.fakes.database_rows import fill, tables_of
from tests.fakes.gateway import PASSWORD, cheap_passwords


def content(connection: Connection) -> dict[str, list[Any]]:
    return {table.name: list(connection.execute(select(table)).all()) for table in tables_of(connection)}


async def test_copies_every_row_of_every_table(store: Store, folder: Path) -> None:
    async with store.begin() as db:
        rows = await (await db.connection()).run_sync(fill)
    target = await Store.open(folder / "target.db")
    assert await copy_content(store, target) == sum(rows.values())
    found = []
    for one in (store, target):
        async with one.reading() as db:
            found.append(await (await db.connection()).run_sync(content))
    assert found[0] == found[1]
    await target.close()


async def test_new_rows_are_numbered_on(store: Store, folder: Path) -> None:
    source = await Store.open(folder / "source.db")
    for name in ("kim", "lee"):
        await Accounts(source, cheap_passwords()).add(name, PASSWORD)
    assert await copy_content(source, store) > 2
    await source.close()
    assert (await Accounts(store, cheap_passwords()).add("park", PASSWORD)).id == 3


async def test_never_overwrites_accounts(store: Store, folder: Path) -> None:
    accounts = Accounts(store, cheap_passwords())
    await accounts.add("kim", PASSWORD)
    source = await Store.open(folder / "source.db")
    with pytest.raises(ConfigurationError, match="has accounts already"):
        await copy_content(source, store)
    await source.close()
    assert [account.username for account in await accounts.list_all()] == ["kim"]
