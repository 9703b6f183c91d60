"""People as an operator looks at them: account, groups, and the desktops that they may open."""

from __future__ import annotations

import time
from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import func, or_, select

from display_server.broker.accounts import existing_account
from display_server.broker.people.access_facts import read_direct_groups, read_facts, read_parents
from display_server.broker.people.group_graph import Path, effective_groups
from display_server.broker.store import Store
from display_server.broker.tables import Account, Desktop, WebSession


@dataclass(frozen=True, slots=True)
class Person:
    """A person with an account. A disabled account opens nothing, whatever `desktops` lists."""

    username: str
    display_name: str
    disabled: bool
    browsers: int  # in which the person is signed in
    groups: dict[str, Path]  # all groups, with a shortest path to each
    desktops: tuple[str, ...]  # to which the person is entitled, in the order of the configuration


async def list_people(store: Store, search: str = "") -> list[Person]:
    """Returns the people whose names contain a text, sorted by username."""
    query = select(Account).order_by(Account.username)
    if search:
        query = query.where(
            or_(
                Account.username.contains(search.lower(), autoescape=True),
                Account.display_name.icontains(search, autoescape=True),
            )
        )
    async with store.reading() as db:
        accounts = (await db.scalars(query)).all()
    return await _people(store, accounts)


async def person_named(store: Store, username: str) -> Person:
    """Returns a person. Raises ConfigurationError when there is no account of this name."""
    async with store.reading() as db:
        account = await existing_account(db, username)
    return (await _people(store, [account]))[0]


async def _people(store: Store, accounts: Collection[Account]) -> list[Person]:
    usernames = [account.username for account in accounts]
    async with store.reading() as db:
        facts = await read_facts(db, usernames, now_s=time.time())
        direct, parents = await read_direct_groups(db, usernames), await read_parents(db)
        desktops = (await db.scalars(select(Desktop.name).order_by(Desktop.position))).all()
        counts = await db.execute(select(WebSession.account_id, func.count()).group_by(WebSession.account_id))
        browsers = dict(counts.all())
    return [
        Person(
            account.username,
            account.display_name,
            account.disabled,
            browsers.get(account.id, 0),
            effective_groups(direct.get(account.username, ()), parents),
            tuple(name for name in desktops if facts.may_open(account.username, name)),
        )
        for account in accounts
    ]
