from __future__ import annotations

import asyncio
import itertools
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import OperationalError

from display_server.broker.catalogue import Catalogue, DesktopOffer
from display_server.broker.launchers.launcher import Launcher
from display_server.broker.session_state import LIVE, TRANSITIONS, SessionEvent, SessionState, after
from display_server.broker.sessions import Places, Sessions
from display_server.broker.store import Store
from display_server.broker.tables import Desktop, Session
from display_server.errors import DesktopError, Malfunction
from tests.fakes.launchers import CrashingLauncher, EchoLauncher, NeverLauncher, SlowLauncher

READING = Desktop(name="reading", title="Reading", profile="blank", width_px=800, height_px=600, attach=None)


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="lb") as path:
        yield Path(path)


@pytest.fixture
async def store(folder: Path) -> AsyncIterator[Store]:
    store = await Store.open(folder / "lightbox.db")
    yield store
    await store.close()


def make(
    store: Store, folder: Path, launcher: Launcher, *, instance: str = "one", start_timeout_s: float = 5
) -> Sessions:
    places = Places(folder / "d", folder / "homes", folder / "logs")
    return Sessions(store, launcher, places, instance=instance, start_timeout_s=start_timeout_s)


async def test_policies_reach_the_desktop(store: Store, folder: Path) -> None:
    offer = DesktopOffer(
        "reading", "Reading", "blank", 800, 600, ("kim",), video="economy", video_monitors={0: "exact"}
    )
    catalogue = Catalogue(store)
    await catalogue.declare([offer])
    sessions = make(store, folder, EchoLauncher())
    video = (await sessions.open("kim", await catalogue.find("kim", "reading"))).spec.video
    assert (video.policy, video.monitors) == ("economy", {0: "exact"})
    await sessions.close()
    async with store.begin() as db:  # as something newer might have written it
        await db.execute(text("""UPDATE desktops SET video = 'lively', video_monitors = '{"1": "lively"}'"""))
    sessions = make(store, folder, EchoLauncher())
    video = (await sessions.open("kim", await catalogue.find("kim", "reading"))).spec.video
    assert (video.policy, video.monitors) == ("exact", {1: "exact"})
    await sessions.close()


async def recorded(store: Store) -> list[tuple[str, str | None]]:
    async with store.begin() as db:
        sessions = (await db.scalars(select(Session).order_by(Session.created_s))).all()
    return [(session.state, session.error) for session in sessions]


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not holds():  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0.005)


def test_table_of_states() -> None:
    for state, event in itertools.product(SessionState, SessionEvent):
        if (state, event) in TRANSITIONS:
            assert state in LIVE
            assert after(state, event) is TRANSITIONS[state, event]
        else:
            with pytest.raises(Malfunction):
                after(state, event)


async def test_life_of_a_session(store: Store, folder: Path) -> None:
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
    assert launcher.started[0].stopped == 1
    assert await recorded(store) == [("ended", None)]
    assert sessions.live() == []
    with pytest.raises(DesktopError, match="shutting down"):
        await sessions.open("kim", READING)


async def test_many_clicks_start_one_desktop(store: Store, folder: Path) -> None:
    launcher = SlowLauncher()
    sessions = make(store, folder, launcher)
    opening = [asyncio.create_task(sessions.open("kim", READING)) for _ in range(10)]
    await until(lambda: launcher.asked > 0)
    assert sessions.state_of("kim", "reading") is SessionState.STARTING
    opening[0].cancel()
    launcher.go.set()
    ids = {(await task).id for task in opening[1:]}
    assert len(ids) == 1
    assert launcher.asked == 1
    other = await sessions.open("lee", READING)
    assert other.id not in ids
    await sessions.close()


async def test_opening_while_the_last_one_is_taken_away_starts_anew(store: Store, folder: Path) -> None:
    launcher = EchoLauncher()
    sessions = make(store, folder, launcher)
    first = await sessions.open("kim", READING)
    desktop, gone = launcher.started[0], asyncio.Event()
    stop = desktop.stop

    async def slow_stop() -> None:
        await gone.wait()
        await stop()

    desktop.stop = slow_stop  # type: ignore[method-assign]
    desktop.crash("the X server died")
    await until(lambda: first.ending)
    opening = asyncio.create_task(sessions.open("kim", READING))
    await asyncio.sleep(0)
    assert not opening.done()
    gone.set()
    second = await opening
    assert (second.id != first.id, second.state) == (True, SessionState.READY)
    await sessions.close()


async def test_desktop_that_breaks_can_be_opened_again(store: Store, folder: Path) -> None:
    launcher = EchoLauncher()
    sessions = make(store, folder, launcher)
    first = await sessions.open("kim", READING)
    launcher.started[0].crash("the X server died")
    await until(lambda: not sessions.live())
    assert sessions.state_of("kim", "reading") is SessionState.FAILED
    assert await recorded(store) == [("failed", "the X server died")]
    second = await sessions.open("kim", READING)
    assert second.id != first.id
    await sessions.close()


async def test_start_that_fails(store: Store, folder: Path) -> None:
    sessions = make(store, folder, CrashingLauncher())
    with pytest.raises(DesktopError, match="Xvfb is not installed"):
        await sessions.open("kim", READING)
    assert sessions.live() == []
    assert (await recorded(store))[0][0] == "failed"


async def test_start_that_never_ends(store: Store, folder: Path) -> None:
    launcher = NeverLauncher()
    sessions = make(store, folder, launcher, start_timeout_s=0.02)
    with pytest.raises(DesktopError, match="not ready within"):
        await sessions.open("kim", READING)
    assert launcher.gave_up


async def test_closing_while_starting(store: Store, folder: Path) -> None:
    launcher = NeverLauncher()
    sessions = make(store, folder, launcher)
    opening = asyncio.create_task(sessions.open("kim", READING))
    await until(lambda: launcher.at_it)
    await sessions.close()
    with pytest.raises(DesktopError):
        await opening
    assert launcher.gave_up
    assert await recorded(store) == [("ended", None)]


async def test_what_dead_instances_left_live_has_ended(store: Store, folder: Path) -> None:
    earlier = [make(store, folder, EchoLauncher(), instance=instance) for instance in ("dead", "alive")]
    for sessions, username in zip(earlier, ("lee", "kim"), strict=True):
        await sessions.open(username, READING)
    await make(store, folder, EchoLauncher(), instance="new").recover({"alive"})
    async with store.begin() as db:
        rows = (await db.execute(text("SELECT instance, state FROM sessions"))).all()
    assert {tuple(row) for row in rows} == {("dead", "ended"), ("alive", "ready")}
    for sessions in earlier:
        await sessions.close()


async def test_a_store_that_fails_costs_nobody_a_desktop(
    store: Store, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full() -> None:
        raise OperationalError("INSERT", {}, Exception("database or disk is full"))

    sessions = make(store, folder, EchoLauncher())
    with monkeypatch.context() as broken:
        broken.setattr(store, "begin", full)
        session = await sessions.open("kim", READING)
        assert session.state is SessionState.READY
    await sessions.close()
