"""The removals in the store: which desktops run although their person is no longer entitled to them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from display_server.broker.people.access_facts import read_facts
from display_server.broker.people.removal_state import (
    Access,
    AccessState,
    Observation,
    OnRemoval,
    RemovalPolicy,
    next_access,
)
from display_server.broker.session_state import LIVE
from display_server.broker.store import Store
from display_server.broker.tables import Account, Desktop, Removal, Session, WebSession

#: Sessions whose desktop runs or is about to run, as rows of the database.
_IS_LIVE = Session.state.in_([state.value for state in LIVE])


@dataclass(frozen=True, slots=True)
class RunningAccess:
    """A desktop that runs, and the access of its person to it."""

    session: str
    username: str
    desktop: str
    access: Access = Access()  # noqa: RUF009 - frozen


async def review(store: Store, running: Collection[RunningAccess], now_s: float) -> dict[str, Access]:
    """Returns the access to each running desktop, by its session, and records what has changed.

    What the store has recorded before comes first: another process may have written it. Raises StorageError;
    then nothing is recorded.
    """
    usernames = {one.username for one in running}
    desktops = {one.desktop for one in running}
    async with store.begin() as db:
        facts = await read_facts(db, usernames, desktops, now_s=now_s)
        policies = {
            row.name: RemovalPolicy(OnRemoval(row.on_removal), row.removal_s)
            for row in await db.scalars(select(Desktop).where(Desktop.name.in_(desktops)))
        }
        rows = {row.session: row for row in await db.scalars(select(Removal))}
        sign_ins = await db.execute(
            select(Account.username, func.min(WebSession.created_s))
            .join(WebSession, WebSession.account_id == Account.id)
            .where(Account.username.in_(usernames))
            .group_by(Account.username)
        )
        first_sign_in_s = dict(sign_ins.all())
        found: dict[str, Access] = {}
        for one in running:
            row = rows.get(one.session)
            # The configuration may have lost the desktop; then the policy is the default.
            seen = Observation(
                entitled=one.desktop in policies and facts.may_open(one.username, one.desktop),
                policy=policies.get(one.desktop, RemovalPolicy()),
                first_sign_in_s=first_sign_in_s.get(one.username),
            )
            found[one.session] = next_access(one.access if row is None else _access_of(row), seen, now_s)
            if found[one.session] != (Access() if row is None else _access_of(row)):
                await _record(db, one.session, found[one.session], row)
        if others := rows.keys() - found.keys():
            live = set(await db.scalars(select(Session.id).where(Session.id.in_(others), _IS_LIVE)))
            await db.execute(delete(Removal).where(Removal.session.in_(others - live)))
    return found


def review_without_store(running: Collection[RunningAccess], now_s: float) -> dict[str, Access]:
    """Does the same while the store cannot be used: keeps deadlines, and everything else as it is."""
    found = {}
    for one in running:
        # Nobody can sign in or out at the moment.
        seen = Observation(one.access == Access(), RemovalPolicy(), first_sign_in_s=one.access.removed_s)
        found[one.session] = next_access(one.access, seen, now_s)
    return found


async def _record(db: AsyncSession, session: str, access: Access, row: Removal | None) -> None:
    """Records a changed access. The row of a desktop that has to end stays until the desktop has ended."""
    if access.state is AccessState.ENTITLED:
        await db.delete(row)
    elif access.state is not AccessState.ENDED:
        assert access.removed_s is not None
        if row is None:
            row = Removal(session=session)
            db.add(row)
        row.state, row.removed_s, row.due_s = access.state.value, access.removed_s, access.due_s


def _access_of(row: Removal) -> Access:
    return Access(AccessState(row.state), row.removed_s, row.due_s)
