"""The broker is replaced by another one, and the desktops go on."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import text

from display_server.broker.desktop_specs import DesktopSpecs
from display_server.broker.folders import DesktopFolders
from display_server.broker.launchers.launcher import LastingLauncher, Launcher
from display_server.broker.session_records import SessionRecords
from display_server.broker.session_state import EndedBy, SessionState
from display_server.broker.sessions import Sessions
from display_server.broker.store import Store
from display_server.broker.tables import Desktop
from display_server.errors import DesktopError
from tests.fakes.launchers import EchoLauncher, LastingEchoLauncher

READING = Desktop(name="reading", title="Reading", profile="blank", width_px=800, height_px=600, attach=None)
OFFICE = Desktop(name="office", title="Office", profile="blank", width_px=800, height_px=600, attach=None)


@pytest.fixture
async def launcher() -> AsyncIterator[LastingEchoLauncher]:
    launcher = LastingEchoLauncher()
    yield launcher
    for session in list(launcher.desktops):
        await launcher.remove(session)


def broker(store: Store, folder: Path, launcher: Launcher, start_timeout_s: float = 90) -> Sessions:
    specs = DesktopSpecs(DesktopFolders(folder / "d", folder / "homes", folder / "logs"))
    records = SessionRecords(store, "lasting", time.time)
    return Sessions(records, launcher, specs, start_timeout_s=start_timeout_s)


async def recorded(store: Store) -> list[tuple[str, str, str | None]]:
    async with store.begin() as db:
        rows = await db.execute(text("SELECT desktop, state, ended_by FROM sessions ORDER BY created_s"))
        return [(row[0], row[1], row[2]) for row in rows]


def test_only_a_lasting_launcher_is_taken_for_one() -> None:
    assert isinstance(LastingEchoLauncher(), LastingLauncher)
    assert not isinstance(EchoLauncher(), LastingLauncher)


async def test_the_next_broker_has_the_same_desktops(
    store: Store, folder: Path, launcher: LastingEchoLauncher
) -> None:
    first = broker(store, folder, launcher)
    session = await first.open("kim", READING)
    await first.close(leave_running=True)
    desktop = launcher.desktops[session.id]
    assert (desktop.stops, desktop.releases) == (0, 1)
    assert await recorded(store) == [("reading", "ready", None)]

    second = broker(store, folder, launcher)
    await second.adopt()
    again = await second.open("kim", READING)
    assert (again.id, again.running, again.state) == (session.id, desktop, SessionState.READY)
    assert again.spec.secret == session.spec.secret
    assert second.by_id(session.id) is again
    assert second.ended_by(session.id) is None
    assert list(launcher.desktops) == [session.id]

    await second.close()
    assert desktop.stops == 1
    assert await recorded(store) == [("reading", "ended", "server")]


async def test_a_killed_broker_leaves_what_the_next_one_needs(
    store: Store, folder: Path, launcher: LastingEchoLauncher
) -> None:
    killed = broker(store, folder, launcher)
    session = await killed.open("kim", READING)
    second = broker(store, folder, launcher)
    await second.adopt()
    assert (await second.open("kim", READING)).id == session.id
    assert await recorded(store) == [("reading", "ready", None)]
    await second.close(leave_running=True)
    await killed.close(leave_running=True)


async def test_desktops_of_no_session_are_ended_and_sessions_of_no_desktop_recorded(
    store: Store, folder: Path, launcher: LastingEchoLauncher
) -> None:
    first = broker(store, folder, launcher)
    ended = await first.open("kim", READING)
    orphan = await first.open("kim", OFFICE)
    await first.close(leave_running=True)
    await launcher.desktops.pop(ended.id).stop()
    async with store.begin() as db:
        await db.execute(text("DELETE FROM sessions WHERE id = :id"), {"id": orphan.id})

    second = broker(store, folder, launcher)
    await second.adopt()
    assert second.live() == []
    assert launcher.removed == [orphan.id]
    assert await recorded(store) == [("reading", "ended", "server")]
    assert second.ended_by(ended.id) is EndedBy.SERVER
    await second.close()


async def test_the_end_by_a_restart_of_the_host_is_recorded_as_such(
    store: Store, folder: Path, launcher: LastingEchoLauncher
) -> None:
    first = broker(store, folder, launcher)
    session = await first.open("kim", READING)
    await first.close(leave_running=True)
    await launcher.desktops.pop(session.id).stop()
    second = broker(store, folder, launcher)
    await second.adopt(host_restarted=True)
    assert await recorded(store) == [("reading", "ended", "host")]
    assert second.ended_by(session.id) is EndedBy.HOST
    await second.close()


async def test_a_desktop_that_does_not_become_ready_is_ended(
    store: Store, folder: Path, launcher: LastingEchoLauncher
) -> None:
    first = broker(store, folder, launcher)
    session = await first.open("kim", READING)
    await first.close(leave_running=True)
    launcher.adopting.clear()
    second = broker(store, folder, launcher, start_timeout_s=0.01)
    await second.adopt()
    with pytest.raises(DesktopError, match="was not ready within"):
        await second.open("kim", READING)
    await second.close()
    assert launcher.removed == [session.id]
    assert await recorded(store) == [("reading", "failed", "itself")]


async def test_a_broker_that_ends_while_it_adopts_leaves_the_desktop_running(
    store: Store, folder: Path, launcher: LastingEchoLauncher
) -> None:
    first = broker(store, folder, launcher)
    session = await first.open("kim", READING)
    await first.close(leave_running=True)
    launcher.adopting.clear()
    second = broker(store, folder, launcher)
    await second.adopt()
    await asyncio.sleep(0)
    await second.close(leave_running=True)
    assert launcher.removed == []
    assert await recorded(store) == [("reading", "ready", None)]
    launcher.adopting.set()
    third = broker(store, folder, launcher)
    await third.adopt()
    assert (await third.open("kim", READING)).id == session.id
    await third.close(leave_running=True)


async def test_desktops_of_another_launcher_end_with_the_broker(store: Store, folder: Path) -> None:
    launcher = EchoLauncher()
    sessions = broker(store, folder, launcher)
    await sessions.adopt()
    await sessions.open("kim", READING)
    await sessions.close(leave_running=True)
    assert launcher.started[0].stops == 1
    assert await recorded(store) == [("reading", "ended", "server")]
