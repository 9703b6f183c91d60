"""A broker is killed at any instant.

No desktop of a pool is ever shown to two people, no place of a dedicated pool belongs to two people, and each
released home is wiped.
"""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from collections import defaultdict
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Literal, cast

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncSession

from display_server.broker.audit.actor import operator_actor
from display_server.broker.desktop_specs import DesktopSpecs
from display_server.broker.folders import DesktopFolders
from display_server.broker.launchers.homes import LocalHomes
from display_server.broker.lease import TaskLease
from display_server.broker.pools.assignments import Assignments
from display_server.broker.pools.dedicated import DedicatedDesktops
from display_server.broker.pools.pools import Pools
from display_server.broker.pools.states import PoolStates
from display_server.broker.session_records import SessionRecords
from display_server.broker.session_state import EndedBy
from display_server.broker.sessions import Sessions
from display_server.broker.store import Store
from display_server.broker.tables import Desktop
from display_server.desktop.pool_settings import PoolSettings
from display_server.desktop.spec import DesktopSpec, DesktopStatus
from display_server.errors import ConfigurationError, DesktopError
from tests.examples import examples
from tests.fakes.images import FakeImages

PEOPLE = ("kim", "lee", "park")
POOL = PoolSettings(maximum=3, spare=2)
OFFICE = Desktop(
    name="office",
    title="",
    profile="blank",
    width_px=800,
    height_px=600,
    pool=msgspec.json.encode(POOL).decode(),
)


DEDICATED = PoolSettings(maximum=2, spare=1, kind="dedicated")
READING = Desktop(
    name="reading",
    title="",
    profile="blank",
    width_px=800,
    height_px=600,
    pool=msgspec.json.encode(DEDICATED).decode(),
)
OPERATOR = operator_actor("root")


class Killed(BaseException):
    """The broker does not exist any more."""


class Life:
    """The life of one broker, which is killed after some number of steps."""

    def __init__(self, steps: int | None) -> None:
        self._steps = steps

    def step(self) -> None:
        """Raises Killed if the broker is dead by now."""
        if self._steps == 0:
            raise Killed
        if self._steps is not None:
            self._steps -= 1


class Host:
    """What outlives every broker: the desktops, and who saw each of them."""

    def __init__(self) -> None:
        self.running: dict[str, DesktopSpec] = {}
        self.seen: dict[str, set[str]] = defaultdict(set)


class MortalDesktop:
    """A LastingDesktop, as a broker that may die sees it."""

    isolated = True

    def __init__(self, host: Host, life: Life, spec: DesktopSpec) -> None:
        self._host, self._life, self._spec = host, life, spec

    async def wait(self) -> str | None:
        while self._spec.session in self._host.running:  # noqa: ASYNC110 - whoever ends it tells nobody
            await asyncio.sleep(0)
        return None

    async def stop(self) -> None:
        self._life.step()
        self._host.running.pop(self._spec.session, None)
        self._life.step()

    async def release(self) -> None:
        self._life.step()

    async def restart_display(self) -> None:
        self._life.step()

    def status(self) -> DesktopStatus | None:
        return None


class MortalLauncher:
    """A LastingLauncher, as a broker that may die sees it."""

    def __init__(self, host: Host, life: Life) -> None:
        self._host, self._life = host, life

    async def start(self, spec: DesktopSpec) -> MortalDesktop:
        self._life.step()
        self._host.running[spec.session] = spec
        await asyncio.sleep(0)
        self._life.step()
        return MortalDesktop(self._host, self._life, spec)

    async def running(self) -> list[DesktopSpec]:
        self._life.step()
        return list(self._host.running.values())

    async def adopt(self, spec: DesktopSpec) -> MortalDesktop:
        self._life.step()
        return MortalDesktop(self._host, self._life, spec)

    async def remove(self, session: str) -> None:
        self._life.step()
        self._host.running.pop(session, None)
        self._life.step()


class MortalStore:
    """The store, as a broker that may die sees it: before, in and after each transaction."""

    def __init__(self, store: Store, life: Life) -> None:
        self._store, self._life = store, life

    @contextlib.asynccontextmanager
    async def begin(self) -> AsyncIterator[AsyncSession]:
        self._life.step()
        async with self._store.begin() as db:
            yield db
            self._life.step()
        self._life.step()

    @contextlib.asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncSession]:
        self._life.step()
        async with self._store.reading() as db:
            yield db
        self._life.step()


class MortalHomes:
    """The homes of the host, as a broker that may die wipes them."""

    def __init__(self, folder: Path, life: Life) -> None:
        self._homes, self._life = LocalHomes(folder), life

    async def wipe(self, username: str, desktop: str) -> None:
        self._life.step()
        await self._homes.wipe(username, desktop)
        self._life.step()


Kind = Literal["open", "end", "open own", "end own", "release", "recompose", "roll back"]
Act = tuple[Kind, int]


class Broker:
    """A broker that is killed when its life ends."""

    def __init__(self, host: Host, store: Store, folder: Path, life: Life, now_s: float) -> None:
        mortal = cast(Store, MortalStore(store, life))
        specs = DesktopSpecs(DesktopFolders(folder / "d", folder / "homes", folder / "logs"))
        records = SessionRecords(mortal, "lasting", lambda: now_s)
        self._host = host
        self.sessions = Sessions(records, MortalLauncher(host, life), specs, now_s=lambda: now_s)
        lease = TaskLease(mortal, "pools", f"broker at {now_s}", lambda: now_s)
        self.assignments = Assignments(mortal, now_s=lambda: now_s)
        homes = MortalHomes(specs.folders.homes, life)
        dedicated = DedicatedDesktops(self.sessions, self.assignments, homes)
        states = PoolStates(mortal)
        self.pools = Pools(self.sessions, specs, states, lease, dedicated, FakeImages(), now_s=lambda: now_s)

    async def run(self, acts: list[list[Act]]) -> None:
        """Adopts what runs, and does all acts of each list at the same time. Raises Killed."""
        await self.sessions.adopt()
        await self.pools.load()
        self.pools.use([OFFICE, READING])
        await self.settle()
        for at_once in acts:
            for outcome in await asyncio.gather(
                *(self._act(kind, PEOPLE[person]) for kind, person in at_once), return_exceptions=True
            ):
                if isinstance(outcome, BaseException) and not isinstance(
                    outcome, DesktopError | ConfigurationError
                ):
                    raise outcome
            await self.settle()

    async def settle(self) -> None:
        before = None
        while before != (before := (self.pools.reports(), self.sessions.transitions.total())) or (
            await self.assignments.released()
        ):
            await self.pools.reconcile()
            await self.pools.dedicated.wipe_finished()
            for session in self.sessions.live():
                await (session.stopped if session.stopping else session.start_finished).wait()
                task = session.task
                if task is not None and task.done() and not task.cancelled():
                    task.result()

    async def _act(self, kind: Kind, person: str) -> None:
        desktop = READING if kind in ("open own", "end own") else OFFICE
        if kind in ("open", "open own"):
            session = await self.pools.open(person, desktop)
            self._host.seen[session.id].add(person)
            if desktop is READING:
                write_letter(Path(session.spec.home))
        elif kind == "recompose":
            version = ("default", "2", "3")[PEOPLE.index(person)]
            await self.pools.recomposing.recompose(OFFICE, version, percent=50)
        elif kind == "roll back":
            await self.pools.recomposing.roll_back(OFFICE)
        elif kind == "release":
            await self.pools.dedicated.release("reading", person, OPERATOR)
        elif (found := self.sessions.running(person, desktop.name)) is not None:
            self.sessions.end(found, EndedBy.SIGN_OUT)


def write_letter(home: Path) -> None:
    home.mkdir(parents=True, exist_ok=True)
    (home / "letter").write_text("patient data")


def people_with_homes(folder: Path) -> set[str]:
    return {home.parent.name for home in folder.glob("homes/*/reading")}


def ignore_killed(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Nobody waits for the tasks of a broker that is dead."""
    if not isinstance(context.get("exception"), Killed):
        loop.default_exception_handler(context)


async def killed_again_and_again(lives: list[tuple[int, list[list[Act]]]], folder: Path) -> None:
    host, now_s = Host(), 0.0
    asyncio.get_running_loop().set_exception_handler(ignore_killed)
    store = await Store.open(folder / "lightbox.db")
    try:
        for steps, acts in lives:
            now_s += 100  # the lease of the former broker has ended
            broker = Broker(host, store, folder, Life(steps), now_s)
            with contextlib.suppress(Killed):
                async with asyncio.timeout(30):
                    await broker.run(acts)
            others = asyncio.all_tasks() - {asyncio.current_task()}
            for task in others:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)
        assert all(len(people) == 1 for people in host.seen.values()), host.seen
        survivor = Broker(host, store, folder, Life(None), now_s + 100)
        await survivor.run([[("open", person)] for person in range(len(PEOPLE))])
        assert all(len(people) == 1 for people in host.seen.values()), host.seen
        assert {session.id for session in survivor.sessions.live()} == set(host.running)
        assert sum(spec.desktop == "office" for spec in host.running.values()) == POOL.maximum
        version = survivor.pools.recomposing.of("office").version
        spare = {
            s.spec.profile for s in survivor.sessions.live() if s.spec.desktop == "office" and not s.opened
        }
        assert len(spare) <= 2, (spare, version)
        owners = {one.username for one in await survivor.assignments.of_desktop("reading")}
        assert len(owners) <= DEDICATED.maximum
        assert people_with_homes(folder) <= owners, "homes of released desktops are wiped"
        assert {spec.user for spec in host.running.values() if spec.desktop == "reading"} <= owners
        await survivor.sessions.close()
        assert host.running == {}
    finally:
        await store.close()


OFTEN: tuple[Kind, ...] = ("open", "open own")
SELDOM: tuple[Kind, ...] = ("end", "end own", "release", "recompose", "roll back")
act = st.tuples(st.sampled_from((*OFTEN, *OFTEN, *SELDOM)), st.integers(0, 2))
acts = st.lists(st.lists(act, min_size=1, max_size=3), max_size=4)


@examples(25)
@given(st.lists(st.tuples(st.integers(0, 60), acts), min_size=1, max_size=4))
def test_no_desktop_is_seen_by_two_people(lives: list[tuple[int, list[list[Act]]]]) -> None:
    with tempfile.TemporaryDirectory(prefix="lb") as folder:
        asyncio.run(killed_again_and_again(lives, Path(folder)))
