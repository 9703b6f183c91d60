"""Acts that open access need their entry; acts that close it always happen, and follow later."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from display_server.broker.accounts import Accounts
from display_server.broker.audit import spool as spool_module
from display_server.broker.audit import trail as trail_module
from display_server.broker.audit.chain import Row, hash_of_row
from display_server.broker.audit.entry import Action, Role, cleaned
from display_server.broker.audit.reading import Filter, newest
from display_server.broker.audit.spool import OpenSpool, Spool, new_content
from display_server.broker.audit.trail import AuditTrail
from display_server.broker.screen_lock import LockEvent
from display_server.broker.storage_failures import StorageError, StorageFault
from display_server.broker.store import Store
from display_server.broker.tables import WebSession
from display_server.broker.web_sessions import WebSessions
from tests.fakes.audit_chain import entry
from tests.fakes.gateway import PASSWORD, cheap_passwords


class Outage:
    """Makes the transactions of a store fail while `on` is true."""

    def __init__(self, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
        self.on = False
        begin: Callable[[], AbstractAsyncContextManager[AsyncSession]] = store.begin

        def begin_or_fail() -> AbstractAsyncContextManager[AsyncSession]:
            if self.on:
                raise StorageError(StorageFault.FULL, "db")
            return begin()

        monkeypatch.setattr(store, "begin", begin_or_fail)


@pytest.fixture
def outage(store: Store, monkeypatch: pytest.MonkeyPatch) -> Outage:
    return Outage(store, monkeypatch)


@pytest.fixture
def trail(store: Store, folder: Path) -> AuditTrail:
    return AuditTrail(store, folder / "audit-spool", now_s=lambda: 50.0)


async def rows_of(store: Store) -> list[Row]:
    async with store.begin() as db:
        return (await newest(db, Filter(), 1000))[::-1]


async def test_an_act_that_opens_access_is_refused_without_the_database(
    store: Store, trail: AuditTrail, outage: Outage
) -> None:
    await trail.record(entry(1))
    outage.on = True
    with pytest.raises(StorageError):
        await trail.record(entry(2))
    outage.on = False
    assert [row.reason for row in await rows_of(store)] == ["reason 1"]


async def test_acts_that_close_access_follow_later_in_their_order(
    store: Store, trail: AuditTrail, outage: Outage, folder: Path
) -> None:
    await trail.close(entry(0))
    outage.on = True
    for number in (1, 2, 3):
        await trail.close(entry(number))
    with pytest.raises(StorageError):
        await trail.chain_spooled()
    assert (folder / "audit-spool").stat().st_mode & 0o777 == 0o600
    outage.on = False
    await trail.close(entry(4))
    rows = await rows_of(store)
    assert [row.reason for row in rows] == [f"reason {number}" for number in range(5)]
    assert [row.at_us for row in rows] == [round(entry(number).at_s * 1e6) for number in range(5)]
    assert all(row.hash == hash_of_row(row) for row in rows)
    assert (folder / "audit-spool").read_bytes()[100:].strip(b"\0") == b""


async def test_another_process_chains_what_a_killed_one_has_left(
    store: Store, trail: AuditTrail, outage: Outage, folder: Path
) -> None:
    outage.on = True
    await trail.close(entry(1))
    outage.on = False
    await AuditTrail(store, folder / "audit-spool").examine()
    await trail.examine()
    assert [row.reason for row in await rows_of(store)] == ["reason 1"]


async def test_chains_nothing_twice_when_the_spool_cannot_be_emptied(
    store: Store, trail: AuditTrail, outage: Outage, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_disk: OpenSpool) -> None:
        raise OSError(5, "input/output error")

    outage.on = True
    await trail.close(entry(1))
    await trail.close(entry(2))
    outage.on = False
    with monkeypatch.context() as patch:
        patch.setattr(trail_module, "remove_all", fail)
        with pytest.raises(StorageError):
            await trail.chain_spooled()
    outage.on = True
    await trail.close(entry(3))
    outage.on = False
    await AuditTrail(store, folder / "audit-spool").chain_spooled()
    assert [row.reason for row in await rows_of(store)] == ["reason 1", "reason 2", "reason 3"]


async def test_counts_what_does_not_fit(
    store: Store, trail: AuditTrail, outage: Outage, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "audit-spool").write_bytes(new_content(600))
    outage.on = True
    for number in range(4):
        await trail.close(entry(number))
    outage.on = False
    await trail.chain_spooled()
    rows = await rows_of(store)
    assert [row.action for row in rows] == [entry(0).action.value, Action.AUDIT_LOST.value]
    assert rows[1].reason == "3 acts could be kept neither in the database nor in the spool"


async def test_counts_what_a_broken_disk_cannot_keep(
    store: Store, trail: AuditTrail, outage: Outage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError(30, "read-only file system")

    outage.on = True
    with monkeypatch.context() as patch:
        patch.setattr(Spool, "add", fail)
        await trail.close(entry(1))
        await trail.close(entry(2))
    outage.on = False
    await trail.chain_spooled()
    await trail.chain_spooled()
    (row,) = await rows_of(store)
    assert row.action == Action.AUDIT_LOST.value
    assert (row.reason or "").startswith("2 acts")


async def test_a_screen_is_locked_and_a_browser_signed_out_during_an_outage(
    store: Store, trail: AuditTrail, outage: Outage
) -> None:
    accounts = Accounts(store, cheap_passwords())
    account = await accounts.add("kim", PASSWORD)
    web_sessions = WebSessions(store, audit=trail, now_s=lambda: 100.0)
    one, other = [await web_sessions.create(account) for _ in range(2)]
    users = [await web_sessions.find(secret) for secret in (one, other)]
    assert users[0]
    assert users[1]
    outage.on = True
    for _ in range(3):  # the second and third lock change nothing
        await web_sessions.lock(users[0].id_hash, LockEvent.REQUESTED, role=Role.USER)
    recalled = web_sessions.recall(one)
    assert recalled
    assert recalled.lock.locked
    await web_sessions.delete(users[1].id_hash)
    assert web_sessions.recall(other) is None
    with pytest.raises(StorageError):
        await web_sessions.find(one)
    outage.on = False
    found = await web_sessions.find(one)
    assert found
    assert found.lock.locked, "the lock is carried out before anything else is read"
    assert await web_sessions.find(other) is None
    async with store.begin() as db:
        assert len((await db.scalars(select(WebSession))).all()) == 1
    acts = [(row.action, row.account) for row in await rows_of(store)]
    assert acts[-2:] == [("screen-locked", "kim"), ("sign-out", "kim")]


async def test_unlocking_needs_the_database(store: Store, trail: AuditTrail, outage: Outage) -> None:
    account = await Accounts(store, cheap_passwords()).add("kim", PASSWORD)
    web_sessions = WebSessions(store, audit=trail, now_s=lambda: 100.0)
    user = await web_sessions.find(await web_sessions.create(account))
    assert user
    await web_sessions.lock(user.id_hash, LockEvent.REQUESTED)
    outage.on = True
    with pytest.raises(StorageError):
        await web_sessions.unlock(user.id_hash)
    outage.on = False
    found = await web_sessions.find_by_hash(user.id_hash)
    assert found
    assert found.lock.locked


async def test_a_browser_that_is_locked_already_is_not_recorded_again(
    store: Store, trail: AuditTrail
) -> None:
    account = await Accounts(store, cheap_passwords()).add("kim", PASSWORD)
    web_sessions = WebSessions(store, audit=trail, now_s=lambda: 100.0)
    user = await web_sessions.find(await web_sessions.create(account))
    assert user
    for _ in range(3):
        await web_sessions.lock(user.id_hash, LockEvent.REQUESTED, role=Role.USER)
    await web_sessions.unlock(user.id_hash)
    await web_sessions.delete(user.id_hash)
    await web_sessions.delete(user.id_hash)
    acts = [row.action for row in await rows_of(store)]
    assert acts == ["account-added", "sign-in", "screen-locked", "screen-unlocked", "sign-out"]
    assert {row.device for row in await rows_of(store) if row.role == "user"} == {user.id_hash.hex()[:32]}


def test_the_spool_keeps_texts_that_no_file_can_have() -> None:
    strange = dataclasses.replace(entry(1), reason="\ud800\n\0")
    record = spool_module.Record("n", cleaned(strange))
    assert spool_module._parse(spool_module._line(record).rstrip(b"\n")) == record
