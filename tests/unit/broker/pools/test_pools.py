"""The pools of a broker, with launchers that start nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import datetime
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import text

from display_server.broker.desktop_specs import DesktopSpecs
from display_server.broker.folders import DesktopFolders
from display_server.broker.launchers.homes import LocalHomes
from display_server.broker.launchers.launcher import Launcher
from display_server.broker.lease import DURATION_S, TaskLease
from display_server.broker.live_session import LiveSession
from display_server.broker.pools.assignments import Assignments
from display_server.broker.pools.breaker import PAUSE_S, BreakerState
from display_server.broker.pools.dedicated import DedicatedDesktops
from display_server.broker.pools.errors import PoolError
from display_server.broker.pools.pools import Pools
from display_server.broker.pools.report import PoolReport
from display_server.broker.pools.states import PoolStates
from display_server.broker.session_records import SessionRecords
from display_server.broker.session_state import EndedBy, SessionState
from display_server.broker.sessions import Sessions
from display_server.broker.storage_failures import StorageError, StorageFault
from display_server.broker.store import Store
from display_server.broker.tables import Desktop
from display_server.desktop.pool_settings import PoolSettings, SpareTimes
from display_server.errors import DesktopError
from tests.fakes.images import FakeImages
from tests.fakes.launchers import (
    CrashingLauncher,
    EchoLauncher,
    LastingEchoLauncher,
    LyingLauncher,
    NeverLauncher,
    SlowLauncher,
)


def office(**settings: object) -> Desktop:
    pool = PoolSettings(**({"maximum": 3, "spare": 2} | settings))  # type: ignore[arg-type]
    encoded = msgspec.json.encode(pool).decode()
    return Desktop(name="office", title="", profile="blank", width_px=800, height_px=600, pool=encoded)


class Clock:
    """Wall-clock time that the test moves."""

    now_s = 1_000_000.0

    def __call__(self) -> float:
        return self.now_s


class Broker:
    """The parts of a broker that pools need."""

    def __init__(self, store: Store, folder: Path, launcher: Launcher, clock: Clock, name: str) -> None:
        specs = DesktopSpecs(DesktopFolders(folder / "d", folder / "homes", folder / "logs"))
        self.records = SessionRecords(store, "lasting", clock)
        self.may_start = True
        self.images = FakeImages()
        self.sessions = Sessions(self.records, launcher, specs, may_start=self._may_start, now_s=clock)
        self.local = datetime(2026, 12, 7, 12, 0)
        self.pools = Pools(
            self.sessions,
            specs,
            PoolStates(store),
            TaskLease(store, "pools", name, clock),
            DedicatedDesktops(
                self.sessions, Assignments(store, now_s=clock), LocalHomes(specs.folders.homes)
            ),
            self.images,
            now_s=clock,
            local_time=lambda: self.local,
        )

    async def _may_start(self, _username: str, _desktop: str) -> bool:
        return self.may_start

    async def calm(self) -> None:
        """Reconciles until nothing changes any more."""
        before = None
        while before != (before := (self.pools.reports(), self.sessions.transitions.total())):
            await self.pools.reconcile()
            for session in self.sessions.live():
                await (session.stopped if session.stopping else session.start_finished).wait()

    async def settle(self) -> PoolReport:
        """Does the same, and returns what the pool is like then."""
        await self.calm()
        return self.pools.reports()[0]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def broker_with(
    store: Store, folder: Path, clock: Clock
) -> AsyncIterator[Callable[[Launcher, Desktop], Broker]]:
    brokers: list[Broker] = []

    def make(launcher: Launcher, desktop: Desktop) -> Broker:
        broker = Broker(store, folder, launcher, clock, f"broker-{len(brokers)}")
        broker.pools.use([desktop])
        brokers.append(broker)
        return broker

    yield make
    for broker in brokers:
        await broker.sessions.close()


MakeBroker = Callable[[Launcher, Desktop], Broker]


async def test_spare_desktops_start_and_the_next_person_gets_one_at_once(broker_with: MakeBroker) -> None:
    launcher = EchoLauncher()
    broker = broker_with(launcher, office())
    assert (await broker.settle()).waiting == 2
    kim = await broker.pools.open("kim", office())
    assert (kim.username, kim.spec.user) == ("kim", "place.1")
    assert len(launcher.started) == 2
    assert await broker.pools.open("kim", office()) is kim
    assert broker.sessions.running("kim", "office") is kim
    report = await broker.settle()
    assert (report.assigned, report.waiting) == (1, 2)
    lee = await broker.pools.open("lee", office())
    assert lee.id != kim.id


async def test_the_home_of_a_floating_desktop_ends_with_it(broker_with: MakeBroker, folder: Path) -> None:
    broker = broker_with(EchoLauncher(), office())
    session = await broker.pools.open("kim", office())
    assert not session.spec.keeps_home
    assert session.spec.home == f"{session.spec.folder}/home"


async def test_nobody_gets_the_desktop_of_somebody_else_after_its_end(broker_with: MakeBroker) -> None:
    broker = broker_with(EchoLauncher(), office(maximum=1, spare=1))
    await broker.settle()
    kim = await broker.pools.open("kim", office(maximum=1, spare=1))
    with pytest.raises(PoolError, match="in use") as full:
        await broker.pools.open("lee", office(maximum=1, spare=1))
    assert full.value.code == "pool-full"
    broker.sessions.end(kim, EndedBy.SIGN_OUT)
    await kim.stopped.wait()
    await broker.settle()
    lee = await broker.pools.open("lee", office(maximum=1, spare=1))
    assert lee.id != kim.id
    assert lee.spec.user == kim.spec.user == "place.1"


async def test_two_people_who_come_at_once_get_two_desktops(broker_with: MakeBroker) -> None:
    broker = broker_with(EchoLauncher(), office(spare=1))
    await broker.settle()
    people = [f"p{number}" for number in range(3)]
    sessions = await asyncio.gather(*(broker.pools.open(name, office(spare=1)) for name in people))
    assert [session.username for session in sessions] == people
    assert len({session.id for session in sessions}) == 3


async def test_two_clicks_of_one_person_get_one_desktop(broker_with: MakeBroker) -> None:
    for spare in (0, 1):
        broker = broker_with(EchoLauncher(), office(spare=spare))
        await broker.settle()
        clicks = [broker.pools.open("kim", office(spare=spare)) for _ in range(3)]
        assert len({session.id for session in await asyncio.gather(*clicks)}) == 1


async def test_a_person_may_get_a_desktop_that_is_still_starting(broker_with: MakeBroker) -> None:
    launcher = SlowLauncher()
    broker = broker_with(launcher, office(spare=1))
    await broker.pools.reconcile()
    opening = asyncio.create_task(broker.pools.open("kim", office(spare=1)))
    while broker.sessions.running("kim", "office") is None:  # noqa: ASYNC110 - there is no event for it
        await asyncio.sleep(0)
    launcher.release.set()
    assert (await opening).username == "kim"
    assert launcher.requests == 1


async def test_the_store_decides_whether_a_desktop_is_free(broker_with: MakeBroker, store: Store) -> None:
    launcher = EchoLauncher()
    broker = broker_with(launcher, office(maximum=2, spare=1))
    await broker.settle()
    async with store.begin() as db:
        await db.execute(text("UPDATE sessions SET username = 'lee'"))  # by another broker
    with pytest.raises(DesktopError, match="not recorded as one that is free"):
        await broker.pools.open("kim", office(maximum=2, spare=1))
    again = await broker.pools.open("kim", office(maximum=2, spare=1))
    assert again.id != launcher.started[0].spec.session
    assert launcher.started[0].stops == 1


async def test_a_desktop_whose_assignment_is_not_stored_is_shown_to_nobody(
    broker_with: MakeBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    launcher = EchoLauncher()
    broker = broker_with(launcher, office(spare=1))
    await broker.settle()

    both_asked = asyncio.Event()

    async def fail(_session: LiveSession) -> bool:
        await both_asked.wait()
        raise StorageError(StorageFault.FULL, "the database")

    async def ask_again() -> None:
        both_asked.set()  # the next line runs at once, and finds the desktop that is being assigned
        await broker.pools.open("kim", office(spare=1))

    monkeypatch.setattr(broker.records, "assign", fail)
    first, second = await asyncio.gather(
        broker.pools.open("kim", office(spare=1)), ask_again(), return_exceptions=True
    )
    assert isinstance(first, StorageError)
    assert isinstance(second, DesktopError)
    await broker.settle()
    assert launcher.started[0].stops == 1


async def test_a_disabled_account_gets_no_spare_desktop(broker_with: MakeBroker) -> None:
    launcher = EchoLauncher()
    broker = broker_with(launcher, office(spare=1))
    await broker.settle()
    broker.may_start = False
    with pytest.raises(DesktopError, match="may not start this desktop"):
        await broker.pools.open("kim", office(spare=1))
    await broker.settle()
    assert launcher.started[0].stops == 1


async def test_a_pool_that_fails_is_restrained_and_tries_again_after_a_pause(
    broker_with: MakeBroker, clock: Clock, store: Store
) -> None:
    broken = CrashingLauncher()
    broker = broker_with(broken, office())
    report = await broker.settle()
    assert report.breaker.state is BreakerState.RESTRAINED
    assert "Xvfb is not installed" in (report.breaker.error or "")
    attempts = broker.sessions.transitions.total()
    with pytest.raises(PoolError, match="do not start at the moment") as restrained:
        await broker.pools.open("kim", office())
    assert restrained.value.code == "pool-restrained"
    assert broker.sessions.transitions.total() == attempts

    again = broker_with(EchoLauncher(), office())  # another broker knows it as well
    await again.pools.load()
    clock.now_s += DURATION_S
    assert (await again.settle()).waiting == 0
    clock.now_s += PAUSE_S
    report = await again.settle()
    assert report.breaker.state is BreakerState.NORMAL
    assert report.waiting == 2


async def test_a_failed_probe_is_one_attempt(broker_with: MakeBroker, clock: Clock) -> None:
    broker = broker_with(CrashingLauncher(), office())
    await broker.settle()
    failed = broker.sessions.transitions[SessionState.FAILED]
    clock.now_s += PAUSE_S
    await broker.settle()
    assert broker.sessions.transitions[SessionState.FAILED] == failed + 1


async def test_an_operator_ends_a_restraint(broker_with: MakeBroker) -> None:
    broker = broker_with(CrashingLauncher(), office())
    await broker.settle()
    failed = broker.sessions.transitions[SessionState.FAILED]
    await broker.pools.end_restraint("office")
    await broker.settle()
    assert broker.sessions.transitions[SessionState.FAILED] > failed + 1
    with pytest.raises(KeyError):
        await broker.pools.end_restraint("reading")


async def test_maintenance_lets_people_go_on_and_nobody_begin(broker_with: MakeBroker, store: Store) -> None:
    broker = broker_with(EchoLauncher(), office())
    await broker.settle()
    kim = await broker.pools.open("kim", office())
    await broker.pools.set_maintenance("office", True)
    report = await broker.settle()
    assert (report.waiting, report.assigned, report.maintenance) == (0, 1, True)
    assert await broker.pools.open("kim", office()) is kim
    with pytest.raises(PoolError) as refused:
        await broker.pools.open("lee", office())
    assert refused.value.code == "pool-maintenance"

    again = broker_with(EchoLauncher(), office())
    await again.pools.load()
    assert again.pools.reports()[0].maintenance
    await broker.pools.set_maintenance("office", False)
    assert (await broker.settle()).waiting == 2


async def test_the_schedule_changes_how_many_wait(broker_with: MakeBroker) -> None:
    desktop = office(spare=0, schedule=[SpareTimes("07:00", "08:00", 3)])
    broker = broker_with(EchoLauncher(), desktop)
    assert (await broker.settle()).waiting == 0
    broker.local = datetime(2026, 12, 7, 7, 30)
    assert (await broker.settle()).waiting == 3
    broker.local = datetime(2026, 12, 7, 8, 0)
    assert (await broker.settle()).waiting == 0


async def test_a_changed_desktop_replaces_those_that_wait(broker_with: MakeBroker) -> None:
    broker = broker_with(EchoLauncher(), office())
    await broker.settle()
    kim = await broker.pools.open("kim", office())
    changed = office()
    changed.width_px = 1024
    broker.pools.use([changed])
    report = await broker.settle()
    assert (report.waiting, report.assigned) == (2, 1)
    widths = {session.spec.width_px for session in broker.sessions.live() if session.username is None}
    assert widths == {1024}
    assert await broker.pools.open("kim", changed) is kim
    broker.pools.use([])
    await broker.calm()
    assert broker.sessions.live() == [kim]


async def test_without_pools_nothing_is_written(broker_with: MakeBroker, store: Store) -> None:
    broker = broker_with(EchoLauncher(), office())
    broker.pools.use([])
    await broker.pools.reconcile()
    async with store.begin() as db:
        assert (await db.execute(text("SELECT count(*) FROM leases"))).scalar_one() == 0


async def test_one_of_two_brokers_starts_spare_desktops(broker_with: MakeBroker, clock: Clock) -> None:
    first, second = broker_with(EchoLauncher(), office()), broker_with(EchoLauncher(), office())
    assert (await first.settle()).waiting == 2
    assert (await second.settle()).waiting == 0
    clock.now_s += DURATION_S  # the first one was killed
    assert (await second.settle()).waiting == 2


async def test_the_next_broker_finds_spare_and_assigned_desktops(
    broker_with: MakeBroker, store: Store
) -> None:
    launcher = LastingEchoLauncher()
    first = broker_with(launcher, office())
    await first.settle()
    kim = await first.pools.open("kim", office())
    await first.settle()
    await first.sessions.close(leave_running=True)
    second = broker_with(launcher, office())
    await second.sessions.adopt()
    report = await second.settle()
    assert (report.waiting, report.assigned) == (2, 1)
    assert (await second.pools.open("kim", office())).id == kim.id
    lee = await second.pools.open("lee", office())
    assert lee.id != kim.id
    assert len(launcher.desktops) == 3


async def test_desktops_that_end_at_once_restrain_their_pool(broker_with: MakeBroker) -> None:
    """Without this they would be started and ended again and again."""
    broker = broker_with(LyingLauncher("ended"), office())
    report = await broker.settle()
    assert report.breaker.state is BreakerState.RESTRAINED
    assert broker.sessions.transitions[SessionState.READY] <= 4


async def test_a_launcher_that_never_answers_leaves_the_places_free_after_a_while(
    broker_with: MakeBroker,
) -> None:
    launcher = NeverLauncher()
    broker = broker_with(launcher, office(spare=1))
    broker.sessions._start_timeout_s = 0.01
    report = await broker.settle()
    assert launcher.cancelled
    assert (report.breaker.state, report.starting) == (BreakerState.RESTRAINED, 0)


async def test_a_floating_pool_may_keep_homes(broker_with: MakeBroker, folder: Path) -> None:
    desktop = office(home="kept", spare=None, maximum=1)
    broker = broker_with(EchoLauncher(), desktop)
    assert (await broker.settle()).waiting == 0
    kim, again = await asyncio.gather(*(broker.pools.open("kim", desktop) for _ in range(2)))
    assert kim is again, "a home is never in two desktops"
    assert (kim.spec.user, kim.spec.keeps_home) == ("kim", True)
    assert kim.spec.home == str(folder / "homes" / "kim" / "office")
    with pytest.raises(PoolError, match="in use"):
        await broker.pools.open("lee", desktop)
    broker.sessions.end(kim, EndedBy.SIGN_OUT)
    await kim.stopped.wait()
    lee = await broker.pools.open("lee", desktop)
    assert lee.spec.home == str(folder / "homes" / "lee" / "office")
