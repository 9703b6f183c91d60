"""Dedicated pools: a desktop belongs to one person until it is released and wiped."""

from __future__ import annotations

import asyncio
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import text

from display_server.broker.audit.actor import operator_actor
from display_server.broker.pools.assignment_state import AssignmentState
from display_server.broker.pools.errors import PoolError
from display_server.broker.pools.plan import WIPE_RETRY_S
from display_server.broker.session_state import EndedBy, SessionState
from display_server.broker.store import Store
from display_server.broker.tables import Desktop
from display_server.desktop.pool_settings import SpareTimes
from display_server.errors import ConfigurationError, DesktopError
from tests.fakes.launchers import EchoLauncher, LastingEchoLauncher, SlowLauncher
from tests.unit.broker.pools import test_pools
from tests.unit.broker.pools.test_pools import Broker, Clock, MakeBroker

broker_with, clock = test_pools.broker_with, test_pools.clock
OPERATOR = operator_actor("root")


def office(**settings: object) -> Desktop:
    return test_pools.office(**({"kind": "dedicated", "spare": None} | settings))


async def places(broker: Broker) -> dict[str, tuple[int, AssignmentState]]:
    found = await broker.pools.dedicated.assignments.of_desktop("office")
    return {one.username: (one.place, one.state) for one in found}


async def audited(store: Store) -> list[tuple[str, str | None, str]]:
    async with store.reading() as db:
        rows = await db.execute(text("SELECT action, account, role FROM audit_entries ORDER BY seq"))
        return [(row[0], row[1], row[2]) for row in rows]


def make_home(session_home: str) -> Path:
    home = Path(session_home)
    home.mkdir(parents=True)
    (home / "letter").write_text("patient data")
    return home


async def test_whoever_opens_it_first_keeps_it(broker_with: MakeBroker, store: Store, folder: Path) -> None:
    broker = broker_with(EchoLauncher(), office())
    assert (await broker.settle()).waiting == 0, "nobody's desktop is started ahead"
    kim = await broker.pools.open("kim", office())
    assert (kim.spec.user, kim.spec.home, kim.spec.keeps_home) == (
        "kim",
        str(folder / "homes" / "kim" / "office"),
        True,
    )
    assert await broker.pools.open("kim", office()) is kim
    assert await places(broker) == {"kim": (1, AssignmentState.ASSIGNED)}
    assert ("desktop-assigned", "kim", "user") in await audited(store)
    assert broker.pools.unattended_limits_s() == {}, "the limit of all desktops applies alone"
    broker.sessions.end(kim, EndedBy.PERSON)
    await kim.stopped.wait()
    again = await broker.pools.open("kim", office())
    assert (again.spec.home, again.place and again.place.number) == (kim.spec.home, 1)


async def test_nobody_gets_the_place_of_somebody_else(broker_with: MakeBroker) -> None:
    broker = broker_with(EchoLauncher(), office(maximum=1))
    kim = await broker.pools.open("kim", office(maximum=1))
    broker.sessions.end(kim, EndedBy.PERSON)
    await kim.stopped.wait()
    with pytest.raises(PoolError) as full:
        await broker.pools.open("lee", office(maximum=1))
    assert full.value.code == "pool-full"
    with pytest.raises(PoolError):
        await broker.pools.dedicated.assignments.assign("office", "lee", 1, OPERATOR)


async def test_two_clicks_of_one_person_get_one_desktop(broker_with: MakeBroker) -> None:
    broker = broker_with(EchoLauncher(), office())
    clicks = [broker.pools.open("kim", office()) for _ in range(3)]
    assert len({session.id for session in await asyncio.gather(*clicks)}) == 1
    people = await asyncio.gather(*(broker.pools.open(name, office()) for name in ("lee", "park")))
    assert len({session.id for session in people}) == 2
    assert sorted(place for place, _ in (await places(broker)).values()) == [1, 2, 3]


async def test_a_released_desktop_ends_and_its_home_is_wiped(
    broker_with: MakeBroker, store: Store, folder: Path
) -> None:
    broker = broker_with(EchoLauncher(), office(maximum=1))
    kim = await broker.pools.open("kim", office(maximum=1))
    home, other = make_home(kim.spec.home), make_home(str(folder / "homes" / "kim" / "reading"))
    await broker.pools.dedicated.release("office", "kim", OPERATOR)
    broker.sessions.end(kim, EndedBy.PERSON)
    with pytest.raises(PoolError) as refused:
        await broker.pools.open("kim", office(maximum=1))
    assert refused.value.code == "pool-released"
    await broker.settle()
    await broker.pools.dedicated.wipe_finished()
    assert not home.exists()
    assert (other / "letter").exists(), "homes of other desktops stay"
    assert await places(broker) == {}
    recorded = await audited(store)
    assert ("desktop-released", "root", "operator") in recorded
    assert recorded[-1] == ("home-wiped", "kim", "server")
    lee = await broker.pools.open("lee", office(maximum=1))
    assert lee.place is not None
    assert lee.place.number == 1


async def test_a_running_desktop_ends_when_it_is_released(broker_with: MakeBroker) -> None:
    broker = broker_with(EchoLauncher(), office())
    kim = await broker.pools.open("kim", office())
    await broker.pools.dedicated.release("office", "kim", OPERATOR)
    await broker.settle()
    assert broker.sessions.ended_by(kim.id) is EndedBy.RELEASED


async def test_why_a_home_was_not_wiped_is_kept_and_it_is_tried_again(
    broker_with: MakeBroker, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    broker = broker_with(EchoLauncher(), office())
    await broker.pools.dedicated.assignments.assign("office", "kim", 3, OPERATOR)
    attempts = 0

    class BusyHomes:
        async def wipe(self, username: str, desktop: str) -> None:
            nonlocal attempts
            attempts += 1
            if attempts == 1:
                raise DesktopError("A program uses the home.", next_step="Close it.")

    monkeypatch.setattr(broker.pools.dedicated, "_homes", BusyHomes())
    await broker.pools.dedicated.release("office", "kim", OPERATOR)
    for _ in range(2):
        await broker.settle()
        await broker.pools.dedicated.wipe_finished()
    [failed] = await broker.pools.dedicated.assignments.of_desktop("office")
    assert (failed.state, failed.error) == (AssignmentState.NOT_WIPED, "A program uses the home. Close it.")
    assert attempts == 1
    clock.now_s += WIPE_RETRY_S
    await broker.settle()
    await broker.pools.dedicated.wipe_finished()
    assert await places(broker) == {}


async def test_desktops_start_ahead_of_their_people_by_schedule(
    broker_with: MakeBroker, store: Store
) -> None:
    desktop = office(schedule=[SpareTimes("07:00", "08:00", 2)])
    broker = broker_with(EchoLauncher(), desktop)
    for name in ("kim", "lee", "park"):
        await broker.pools.dedicated.assignments.assign("office", name, 3, OPERATOR)
    assert (await broker.settle()).waiting == 0
    broker.local = datetime(2026, 12, 7, 7, 30)
    assert (await broker.settle()).waiting == 2
    waiting = {session.username: session for session in broker.sessions.live()}
    assert set(waiting) == {"kim", "lee"}
    assert ("desktop-opened", "kim", "server") in await audited(store)
    kim = await broker.pools.open("kim", desktop)
    assert kim is waiting["kim"]
    assert (await audited(store))[-1] == ("desktop-opened", "kim", "user")
    report = await broker.settle()
    assert (report.assigned, report.waiting) == (1, 2)
    broker.local = datetime(2026, 12, 7, 8, 0)
    report = await broker.settle()
    assert (report.assigned, report.waiting) == (1, 0), "those that nobody has opened end"


async def test_nothing_starts_ahead_of_somebody_who_may_not_start_it(broker_with: MakeBroker) -> None:
    broker = broker_with(EchoLauncher(), office(spare=2))
    await broker.pools.dedicated.assignments.assign("office", "kim", 3, OPERATOR)
    broker.may_start = False
    assert (await broker.settle()).waiting == 0
    assert broker.sessions.transitions[SessionState.FAILED] == 0


async def test_without_isolation_nothing_starts_ahead(broker_with: MakeBroker) -> None:
    broker = broker_with(EchoLauncher(), office(spare=2))
    broker.sessions.one_person = True
    await broker.pools.dedicated.assignments.assign("office", "kim", 3, OPERATOR)
    assert (await broker.settle()).waiting == 0


async def test_an_opening_that_cannot_be_recorded_ends_the_desktop(
    broker_with: MakeBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    broker = broker_with(EchoLauncher(), office(spare=1))
    await broker.pools.dedicated.assignments.assign("office", "kim", 3, OPERATOR)
    await broker.settle()
    [session] = broker.sessions.live()
    assert not session.opened

    async def fail(_session: object) -> None:
        raise DesktopError("The database is away.")

    monkeypatch.setattr(broker.records, "opened", fail)
    with pytest.raises(DesktopError, match="database is away"):
        await broker.pools.open("kim", office(spare=1))
    await session.stopped.wait()


async def test_assigned_and_released_by_an_operator(broker_with: MakeBroker) -> None:
    assignments = broker_with(EchoLauncher(), office()).pools.dedicated.assignments
    first = await assignments.assign("office", "kim", 3, OPERATOR)
    assert await assignments.assign("office", "kim", 3, OPERATOR) == first
    with pytest.raises(ConfigurationError, match="No desktop of the pool 'office' is assigned to 'lee'"):
        await assignments.release("office", "lee", OPERATOR)


async def test_the_next_broker_finds_the_desktop_of_each_person(broker_with: MakeBroker) -> None:
    launcher = LastingEchoLauncher()
    first = broker_with(launcher, office())
    kim = await first.pools.open("kim", office())
    await first.sessions.close(leave_running=True)
    second = broker_with(launcher, office())
    await second.sessions.adopt()
    assert (await second.settle()).assigned == 1
    again = await second.pools.open("kim", office())
    assert (again.id, again.place) == (kim.id, kim.place)


async def test_maintenance_and_failures_keep_people_out_but_not_those_who_work(
    broker_with: MakeBroker,
) -> None:
    broker = broker_with(EchoLauncher(), office())
    kim = await broker.pools.open("kim", office())
    await broker.pools.set_maintenance("office", True)
    await broker.settle()
    assert await broker.pools.open("kim", office()) is kim
    with pytest.raises(PoolError) as refused:
        await broker.pools.open("lee", office())
    assert refused.value.code == "pool-maintenance"


async def test_what_waited_in_a_floating_pool_is_replaced_when_it_becomes_dedicated(
    broker_with: MakeBroker,
) -> None:
    floating = test_pools.office()
    broker = broker_with(EchoLauncher(), floating)
    assert (await broker.settle()).waiting == 2
    broker.pools.use([office()])
    report = await broker.settle()
    assert (report.waiting, report.dedicated) == (0, True)
    assert not broker.pools.has_spare("office")


async def test_a_desktop_is_released_while_it_starts(broker_with: MakeBroker) -> None:
    launcher = SlowLauncher()
    broker = broker_with(launcher, office())
    opening = asyncio.create_task(broker.pools.open("kim", office()))
    while not launcher.requests:  # noqa: ASYNC110 - there is no event for it
        await asyncio.sleep(0)
    await broker.pools.dedicated.release("office", "kim", OPERATOR)
    await broker.pools.reconcile()
    with pytest.raises(DesktopError):
        await opening
    await broker.settle()
    await broker.pools.dedicated.wipe_finished()
    assert await places(broker) == {}
