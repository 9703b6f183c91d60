"""Launchers that do not keep their contract: orphans are found in both directions, and everything can end."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from sqlalchemy import text

from display_server.broker.desktop_specs import DesktopSpecs
from display_server.broker.folders import DesktopFolders
from display_server.broker.launchers.launcher import Launcher
from display_server.broker.orphans import Orphan, OrphanKind, Orphans
from display_server.broker.session_records import SessionRecords
from display_server.broker.session_state import EndedBy
from display_server.broker.sessions import Sessions
from display_server.broker.store import Store
from display_server.broker.tables import Desktop
from display_server.errors import DesktopError
from tests.fakes.launchers import (
    CrashingLauncher,
    EchoLauncher,
    LastingEchoLauncher,
    LyingLauncher,
    NeverLauncher,
    SlowLauncher,
)

OFFICE = Desktop(name="office", title="", profile="blank", width_px=800, height_px=600)


class Broker:
    """The parts of a broker that orphans need."""

    def __init__(self, store: Store, folder: Path, launcher: Launcher) -> None:
        self.specs = DesktopSpecs(DesktopFolders(folder / "d", folder / "homes", folder / "logs"))
        self.records = SessionRecords(store, "lasting", time.time)
        self.sessions = Sessions(self.records, launcher, self.specs)
        self.orphans = Orphans(self.sessions, self.records, launcher)


@pytest.fixture
async def broker_with(store: Store, folder: Path) -> AsyncIterator[Callable[[Launcher], Broker]]:
    brokers: list[Broker] = []

    def make(launcher: Launcher) -> Broker:
        brokers.append(Broker(store, folder, launcher))
        return brokers[-1]

    yield make
    for broker in brokers:
        await broker.sessions.close()


async def live_rows(store: Store) -> list[str]:
    async with store.reading() as db:
        rows = await db.execute(text("SELECT id FROM sessions WHERE state IN ('starting', 'ready')"))
        return [row[0] for row in rows]


async def test_usually_there_are_no_orphans(broker_with: Callable[[Launcher], Broker]) -> None:
    for launcher in (EchoLauncher(), LastingEchoLauncher()):
        broker = broker_with(launcher)
        session = await broker.sessions.open("kim", OFFICE)
        assert await broker.orphans.find() == []
        assert await broker.orphans.end(session.id) is None
        assert session in broker.sessions.live()
        broker.sessions.end(session, EndedBy.PERSON)
        await session.stopped.wait()
        assert await broker.orphans.find() == []


async def test_a_desktop_that_nobody_started_is_found_and_ended(
    broker_with: Callable[[Launcher], Broker],
) -> None:
    launcher = LyingLauncher("invents")
    broker = broker_with(launcher)
    spec = broker.specs.of_person("lee", OFFICE)
    launcher.invented.append(spec)
    orphan = Orphan(spec.session, OrphanKind.DESKTOP, "lee", "office")
    assert await broker.orphans.find() == [orphan]
    assert await broker.orphans.end(spec.session) == orphan
    assert launcher.removed == [spec.session]
    assert await broker.orphans.find() == []


async def test_a_session_that_the_launcher_does_not_list_is_found_and_ended(
    broker_with: Callable[[Launcher], Broker], store: Store
) -> None:
    broker = broker_with(LyingLauncher("forgets"))
    session = await broker.sessions.open("kim", OFFICE)
    assert await broker.orphans.find() == [Orphan(session.id, OrphanKind.SESSION, "kim", "office")]
    await broker.orphans.end(session.id)
    assert broker.sessions.ended_by(session.id) is EndedBy.OPERATOR
    assert await live_rows(store) == []


async def test_a_record_without_a_session_is_found_and_ended(
    broker_with: Callable[[Launcher], Broker], store: Store
) -> None:
    first, second = broker_with(LastingEchoLauncher()), broker_with(EchoLauncher())
    session = await first.sessions.open("kim", OFFICE)
    assert await second.orphans.find() == [Orphan(session.id, OrphanKind.RECORD, "kim", "office")]
    await second.orphans.end(session.id)
    assert await live_rows(store) == []


async def test_a_desktop_that_does_not_stop_is_recorded_as_ended_and_found(
    broker_with: Callable[[Launcher], Broker], store: Store
) -> None:
    launcher = LyingLauncher("unstoppable")
    broker = broker_with(launcher)
    session = await broker.sessions.open("kim", OFFICE)
    broker.sessions.end(session, EndedBy.PERSON)
    await session.stopped.wait()
    assert await live_rows(store) == []
    assert await broker.orphans.find() == [Orphan(session.id, OrphanKind.DESKTOP, "kim", "office")]
    await broker.orphans.end(session.id)
    assert launcher.desktops == {}


async def test_a_desktop_that_has_ended_at_once_is_no_open_one(
    broker_with: Callable[[Launcher], Broker], store: Store
) -> None:
    broker = broker_with(LyingLauncher("ended"))
    with pytest.raises(DesktopError, match="ended while it was starting"):
        await broker.sessions.open("kim", OFFICE)
    for session in broker.sessions.live():
        await session.stopped.wait()
    assert await live_rows(store) == []
    assert broker.sessions.running("kim", "office") is None


@pytest.mark.parametrize("launcher", [SlowLauncher, NeverLauncher])
async def test_a_desktop_ends_while_it_starts(
    broker_with: Callable[[Launcher], Broker], store: Store, launcher: Callable[[], Launcher]
) -> None:
    broker = broker_with(launcher())
    opening = asyncio.create_task(broker.sessions.open("kim", OFFICE))
    while (session := broker.sessions.running("kim", "office")) is None:  # noqa: ASYNC110 - no event for it
        await asyncio.sleep(0)
    broker.sessions.end(session, EndedBy.OPERATOR)
    broker.sessions.end(session, EndedBy.PERSON)  # once more, while it is ending
    with pytest.raises(DesktopError):
        await opening
    await session.stopped.wait()
    assert broker.sessions.ended_by(session.id) is EndedBy.OPERATOR
    assert await live_rows(store) == []


async def test_a_desktop_that_crashed_leaves_nothing_to_end(
    broker_with: Callable[[Launcher], Broker], store: Store
) -> None:
    broker = broker_with(CrashingLauncher())
    with pytest.raises(DesktopError):
        await broker.sessions.open("kim", OFFICE)
    assert (broker.sessions.live(), await live_rows(store), await broker.orphans.find()) == ([], [], [])


async def test_a_desktop_ends_while_it_is_adopted(
    broker_with: Callable[[Launcher], Broker], store: Store
) -> None:
    launcher = LastingEchoLauncher()
    first = broker_with(launcher)
    session = await first.sessions.open("kim", OFFICE)
    await first.sessions.close(leave_running=True)
    launcher.adopting.clear()
    second = broker_with(launcher)
    await second.sessions.adopt()
    found = second.sessions.by_id(session.id)
    assert found is not None
    second.sessions.end(found, EndedBy.OPERATOR)
    await found.stopped.wait()
    assert launcher.removed == [session.id]
    assert await live_rows(store) == []
