from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from sqlalchemy import select, text

from display_server.broker.catalogue import Catalogue
from display_server.broker.desktop_definition import DesktopDefinition
from display_server.broker.desktop_specs import DesktopSpecs
from display_server.broker.folders import DesktopFolders
from display_server.broker.launchers.launcher import Launcher
from display_server.broker.one_person import OnePersonError
from display_server.broker.session_records import SessionRecords
from display_server.broker.session_state import (
    LIVE,
    TRANSITIONS,
    EndedBy,
    SessionEvent,
    SessionState,
    next_state,
)
from display_server.broker.sessions import Sessions
from display_server.broker.storage_failures import StorageError, StorageFault
from display_server.broker.store import Store
from display_server.broker.tables import Desktop, Session
from display_server.errors import DesktopError, Malfunction
from tests.fakes.launchers import CrashingLauncher, EchoLauncher, NeverLauncher, SlowLauncher

READING = Desktop(name="reading", title="Reading", profile="blank", width_px=800, height_px=600, attach=None)


def make(
    store: Store,
    folder: Path,
    launcher: Launcher,
    *,
    instance: str = "one",
    start_timeout_s: float = 90,
    may_start: Callable[[str, str], Awaitable[bool]] | None = None,
    one_person: bool = False,
) -> Sessions:
    specs = DesktopSpecs(DesktopFolders(folder / "d", folder / "homes", folder / "logs"))
    records = SessionRecords(store, instance, time.time)
    return Sessions(
        records,
        launcher,
        specs,
        start_timeout_s=start_timeout_s,
        may_start=may_start or everybody,
        one_person=one_person,
    )


async def everybody(_username: str, _desktop: str) -> bool:
    return True


async def test_video_policies_reach_the_desktop(store: Store, folder: Path) -> None:
    offer = DesktopDefinition(
        "reading", "Reading", "blank", 800, 600, ("kim",), video="economy", video_monitors={0: "exact"}
    )
    catalogue = Catalogue(store)
    await catalogue.replace([offer])
    sessions = make(store, folder, EchoLauncher())
    video = (await sessions.open("kim", await catalogue.find("kim", "reading"))).spec.video
    assert (video.policy, video.monitors) == ("economy", {0: "exact"})
    await sessions.close()
    async with store.begin() as db:  # as a newer version might have written it
        await db.execute(text("""UPDATE desktops SET video = 'lively', video_monitors = '{"1": "lively"}'"""))
    sessions = make(store, folder, EchoLauncher())
    video = (await sessions.open("kim", await catalogue.find("kim", "reading"))).spec.video
    assert (video.policy, video.monitors) == ("exact", {1: "exact"})
    await sessions.close()


async def test_the_list_of_what_it_may_reach_gets_to_the_desktop(store: Store, folder: Path) -> None:
    offer = DesktopDefinition("reading", "Reading", "blank", 800, 600, ("kim",), network=("10.2.0.5:104",))
    catalogue = Catalogue(store)
    await catalogue.replace([offer])
    sessions = make(store, folder, EchoLauncher())
    spec = (await sessions.open("kim", await catalogue.find("kim", "reading"))).spec
    assert spec.network == ["10.2.0.5:104"]
    await sessions.close()


async def recorded(store: Store) -> list[tuple[str, str | None]]:
    async with store.begin() as db:
        sessions = (await db.scalars(select(Session).order_by(Session.created_s))).all()
    return [(session.state, session.error) for session in sessions]


async def wait_until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(90):
        while not condition():  # noqa: ASYNC110 - there is no event to wait for
            await asyncio.sleep(0.005)


async def ended_by(store: Store) -> list[str | None]:
    async with store.begin() as db:
        return list((await db.scalars(select(Session.ended_by).order_by(Session.created_s))).all())


async def test_ends_a_desktop_and_remembers_who_ended_it(store: Store, folder: Path) -> None:
    launcher = EchoLauncher()
    sessions = make(store, folder, launcher)
    session = await sessions.open("kim", READING)
    assert sessions.running("kim", "reading") is session
    sessions.end(session, EndedBy.OPERATOR)
    assert sessions.running("kim", "reading") is None
    assert sessions.ended_by(session.id) is EndedBy.OPERATOR, "known before its processes have ended"
    assert sessions.state_of("kim", "reading") is SessionState.ENDED
    sessions.end(session, EndedBy.PERSON)  # too late to change anything
    await session.stopped.wait()
    assert launcher.started[0].stops == 1
    assert sessions.live() == []
    assert sessions.ended_by(session.id) is EndedBy.OPERATOR
    assert await ended_by(store) == ["operator"]
    assert await recorded(store) == [("ended", None)]
    await sessions.close()


async def test_opening_a_desktop_that_is_ending_starts_a_new_one(store: Store, folder: Path) -> None:
    sessions = make(store, folder, EchoLauncher())
    first = await sessions.open("kim", READING)
    sessions.end(first, EndedBy.PERSON)
    second = await sessions.open("kim", READING)
    assert second.id != first.id
    assert first.stopped.is_set()
    await sessions.close()
    assert await ended_by(store) == ["person", "server"]


async def test_without_isolation_one_person_has_desktops(store: Store, folder: Path) -> None:
    launcher = EchoLauncher()
    sessions = make(store, folder, launcher, one_person=True)
    first = await sessions.open("kim", READING)
    with pytest.raises(OnePersonError, match="one person at a time"):
        await sessions.open("lee", READING)
    office = Desktop(name="office", title="Office", profile="blank", width_px=800, height_px=600)
    second = await sessions.open("kim", office)
    sessions.end(first, EndedBy.PERSON)
    with pytest.raises(OnePersonError):
        await sessions.open("lee", READING)
    sessions.end(second, EndedBy.PERSON)
    await asyncio.gather(first.stopped.wait(), second.stopped.wait())
    assert (await sessions.open("lee", READING)).spec.user == "lee"
    assert len(launcher.started) == 3, "a refused desktop is never started"
    await sessions.close()


async def test_ends_a_desktop_that_is_starting(store: Store, folder: Path) -> None:
    launcher = NeverLauncher()
    sessions = make(store, folder, launcher)
    opening = asyncio.create_task(sessions.open("kim", READING))
    await wait_until(lambda: launcher.starting)
    (session,) = sessions.live()
    sessions.end(session, EndedBy.OPERATOR)
    with pytest.raises(DesktopError):
        await opening
    await session.stopped.wait()
    assert launcher.cancelled
    await sessions.close()


async def test_ends_a_desktop_whose_start_has_not_begun(store: Store, folder: Path) -> None:
    sessions = make(store, folder, EchoLauncher())
    opening = asyncio.create_task(sessions.open("kim", READING))
    while not sessions.live():  # noqa: ASYNC110 - the very next step of the loop must be this test's
        await asyncio.sleep(0)
    (session,) = sessions.live()
    sessions.end(session, EndedBy.OPERATOR)
    await asyncio.gather(opening, return_exceptions=True)
    await session.stopped.wait()
    assert sessions.live() == []
    await sessions.close()


async def test_a_person_whose_account_is_disabled_starts_no_desktop(store: Store, folder: Path) -> None:
    allowed = True

    async def may_start(username: str, desktop: str) -> bool:
        assert (username, desktop) == ("kim", "reading")
        return allowed

    launcher = EchoLauncher()
    sessions = make(store, folder, launcher, may_start=may_start)
    session = await sessions.open("kim", READING)
    sessions.end(session, EndedBy.OPERATOR)
    allowed = False
    with pytest.raises(DesktopError, match="may not start this desktop"):
        await sessions.open("kim", READING)
    assert len(launcher.started) == 1
    await sessions.close()


def test_only_transitions_in_the_table_are_allowed() -> None:
    for state, event in itertools.product(SessionState, SessionEvent):
        if (state, event) in TRANSITIONS:
            assert state in LIVE
            assert next_state(state, event) is TRANSITIONS[state, event]
        else:
            with pytest.raises(Malfunction):
                next_state(state, event)


async def test_a_session_starts_is_joined_and_ends(store: Store, folder: Path) -> None:
    launcher = EchoLauncher()
    sessions = make(store, folder, launcher)
    assert sessions.state_of("kim", "reading") is None
    session = await sessions.open("kim", READING)
    assert session.state is SessionState.READY
    assert sessions.by_id(session.id) is session
    assert session.spec.socket.exists()
    assert session.spec.home == str(folder / "homes" / "kim" / "reading")
    assert await recorded(store) == [("ready", None)]
    assert await sessions.open("kim", READING) is session
    await sessions.close()
    assert launcher.started[0].stops == 1
    assert await recorded(store) == [("ended", None)]
    assert sessions.live() == []
    with pytest.raises(DesktopError, match="shutting down"):
        await sessions.open("kim", READING)


async def test_simultaneous_requests_start_one_desktop(store: Store, folder: Path) -> None:
    launcher = SlowLauncher()
    sessions = make(store, folder, launcher)
    opening = [asyncio.create_task(sessions.open("kim", READING)) for _ in range(10)]
    await wait_until(lambda: launcher.requests > 0)
    assert sessions.state_of("kim", "reading") is SessionState.STARTING
    opening[0].cancel()
    launcher.release.set()
    ids = {(await task).id for task in opening[1:]}
    assert len(ids) == 1
    assert launcher.requests == 1
    other = await sessions.open("lee", READING)
    assert other.id not in ids
    await sessions.close()


async def test_opening_a_desktop_that_is_being_removed_starts_a_new_one(store: Store, folder: Path) -> None:
    launcher = EchoLauncher()
    sessions = make(store, folder, launcher)
    first = await sessions.open("kim", READING)
    desktop, removed = launcher.started[0], asyncio.Event()
    stop = desktop.stop

    async def slow_stop() -> None:
        await removed.wait()
        await stop()

    desktop.stop = slow_stop  # type: ignore[method-assign]
    desktop.crash("the X server died")
    await wait_until(lambda: first.stopping)
    opening = asyncio.create_task(sessions.open("kim", READING))
    await asyncio.sleep(0)
    assert not opening.done()
    removed.set()
    second = await opening
    assert (second.id != first.id, second.state) == (True, SessionState.READY)
    await sessions.close()


async def test_a_failed_desktop_can_be_opened_again(store: Store, folder: Path) -> None:
    launcher = EchoLauncher()
    sessions = make(store, folder, launcher)
    first = await sessions.open("kim", READING)
    launcher.started[0].crash("the X server died")
    await wait_until(lambda: not sessions.live())
    assert sessions.state_of("kim", "reading") is SessionState.FAILED
    assert await recorded(store) == [("failed", "the X server died")]
    second = await sessions.open("kim", READING)
    assert second.id != first.id
    await sessions.close()


async def test_remembers_which_sessions_have_ended(store: Store, folder: Path) -> None:
    launcher = EchoLauncher()
    sessions = make(store, folder, launcher)
    first = await sessions.open("kim", READING)
    assert sessions.ended_by(first.id) is None
    launcher.started[0].crash("the X server died")
    await wait_until(lambda: not sessions.live())
    second = await sessions.open("kim", READING)
    assert sessions.ended_by(first.id) is EndedBy.ITSELF
    assert sessions.ended_by(second.id) is None
    assert sessions.ended_by("that of another server") is None
    await sessions.close()


async def test_reports_a_start_that_fails(store: Store, folder: Path) -> None:
    sessions = make(store, folder, CrashingLauncher())
    with pytest.raises(DesktopError, match="Xvfb is not installed"):
        await sessions.open("kim", READING)
    assert sessions.live() == []
    assert (await recorded(store))[0][0] == "failed"


async def test_cancels_a_start_that_takes_too_long(store: Store, folder: Path) -> None:
    launcher = NeverLauncher()
    sessions = make(store, folder, launcher, start_timeout_s=0.02)
    with pytest.raises(DesktopError, match="not ready within"):
        await sessions.open("kim", READING)
    assert launcher.cancelled


async def test_closing_cancels_a_start(store: Store, folder: Path) -> None:
    launcher = NeverLauncher()
    sessions = make(store, folder, launcher)
    opening = asyncio.create_task(sessions.open("kim", READING))
    await wait_until(lambda: launcher.starting)
    await sessions.close()
    with pytest.raises(DesktopError):
        await opening
    assert launcher.cancelled
    assert await recorded(store) == [("ended", None)]


async def test_sessions_of_dead_instances_are_recorded_as_ended(store: Store, folder: Path) -> None:
    earlier = [make(store, folder, EchoLauncher(), instance=instance) for instance in ("dead", "alive")]
    for sessions, username in zip(earlier, ("lee", "kim"), strict=True):
        await sessions.open(username, READING)
    await make(store, folder, EchoLauncher(), instance="new").end_abandoned({"alive"})
    async with store.begin() as db:
        rows = (await db.execute(text("SELECT instance, state FROM sessions"))).all()
    assert {tuple(row) for row in rows} == {("dead", "ended"), ("alive", "ready")}
    for sessions in earlier:
        await sessions.close()


async def test_no_desktop_starts_while_the_database_fails(
    store: Store, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise StorageError(StorageFault.FULL, "db")

    launcher = EchoLauncher()
    sessions = make(store, folder, launcher)
    with monkeypatch.context() as patch:
        patch.setattr(store, "begin", fail)
        with pytest.raises(StorageError):
            await sessions.open("kim", READING)
        assert sessions.live() == []
    assert (await sessions.open("kim", READING)).state is SessionState.READY
    await sessions.close()


async def test_a_desktop_ends_although_the_database_fails(
    store: Store, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise StorageError(StorageFault.FULL, "db")

    sessions = make(store, folder, EchoLauncher())
    session = await sessions.open("kim", READING)
    with monkeypatch.context() as patch:
        patch.setattr(store, "begin", fail)
        sessions.end(session, EndedBy.PERSON)
        await session.stopped.wait()
    assert session.state is SessionState.ENDED
    await sessions.close()
