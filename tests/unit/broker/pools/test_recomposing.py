"""Pools change to another version of their image, canaries first."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from display_server.broker.lease import DURATION_S
from display_server.broker.pools.breaker import PAUSE_S, Breaker, BreakerState
from display_server.broker.pools.images import MISSING, ProfileImages, installed
from display_server.broker.pools.rollout import PROOF_S, Phase
from display_server.broker.session_state import EndedBy
from display_server.desktop.profiles import folders
from display_server.desktop.spec import DesktopSpec
from display_server.errors import ConfigurationError, DesktopError
from tests.fakes.launchers import EchoLauncher, FakeDesktop, LastingEchoLauncher
from tests.unit.broker.pools import test_pools
from tests.unit.broker.pools.test_pools import Broker, Clock, MakeBroker, office

broker_with, clock = test_pools.broker_with, test_pools.clock


class BrokenVersionLauncher(EchoLauncher):
    """Starts everything but the version 2."""

    async def start(self, spec: DesktopSpec) -> FakeDesktop:
        if spec.profile.endswith("@2"):
            raise DesktopError("The program is missing.")
        return await super().start(spec)


async def recompose(broker: Broker, version: str, **options: object) -> None:
    await broker.pools.recomposing.recompose(office(), version, **options)  # type: ignore[arg-type]


def profiles(broker: Broker) -> list[str]:
    return sorted(session.spec.profile for session in broker.sessions.live())


async def test_a_share_of_the_desktops_changes_first_and_the_others_follow(
    broker_with: MakeBroker, clock: Clock
) -> None:
    broker = broker_with(EchoLauncher(), office())
    await broker.settle()
    kim = await broker.pools.open("kim", office())
    await recompose(broker, "2", percent=10)
    report = await broker.settle()
    assert (report.rollout.phase, report.canaries, report.rollout.target) == (Phase.CANARY, 1, "2")
    assert profiles(broker).count("blank@2") == 1
    clock.now_s += PROOF_S
    report = await broker.settle()
    assert (report.rollout.phase, report.rollout.version, report.former) == (Phase.ROLLING, "2", 1)
    assert profiles(broker) == ["blank", "blank@2", "blank@2"]
    assert await broker.pools.open("kim", office()) is kim, "people finish what they do"
    broker.sessions.end(kim, EndedBy.SIGN_OUT)
    await kim.stopped.wait()
    assert (await broker.settle()).rollout.phase is Phase.STEADY
    assert (await broker.pools.open("lee", office())).spec.profile == "blank@2"


async def test_failing_canaries_stop_it_and_the_pool_goes_on(broker_with: MakeBroker, clock: Clock) -> None:
    broker = broker_with(BrokenVersionLauncher(), office())
    await broker.settle()
    await recompose(broker, "2", percent=50)
    report = await broker.settle()
    assert (report.rollout.phase, report.rollout.version) == (Phase.STOPPED, "default")
    assert report.rollout.error == "The program is missing."
    assert report.breaker.state is BreakerState.NORMAL, "the other desktops have not failed"
    assert report.waiting == 2
    assert profiles(broker) == ["blank", "blank"]
    assert (await broker.pools.open("kim", office())).spec.profile == "blank"


async def test_a_canary_that_fails_as_the_probe_of_a_restrained_pool_does_not_block_it(
    broker_with: MakeBroker, clock: Clock
) -> None:
    launcher = BrokenVersionLauncher()
    broker = broker_with(launcher, office())
    await broker.settle()
    breaker = Breaker()
    for _ in range(3):
        breaker = breaker.failed(clock.now_s, "The disk is full.", most=3, within_s=600)
    broker.pools._conditions.use_breaker("office", breaker)
    await recompose(broker, "2", percent=50)
    clock.now_s += PAUSE_S
    report = await broker.settle()
    assert (report.rollout.phase, report.waiting) == (Phase.STOPPED, 2)
    kim = await broker.pools.open("kim", office())
    assert kim.spec.profile == "blank"
    assert (await broker.settle()).breaker.state is BreakerState.NORMAL


async def test_one_command_rolls_back(broker_with: MakeBroker, clock: Clock) -> None:
    broker = broker_with(EchoLauncher(), office())
    await broker.settle()
    await recompose(broker, "2")
    await broker.settle()
    assert profiles(broker) == ["blank@2", "blank@2"]
    await broker.pools.recomposing.roll_back(office())
    report = await broker.settle()
    assert (report.rollout.phase, report.rollout.version) == (Phase.STEADY, "default")
    assert profiles(broker) == ["blank", "blank"]
    await recompose(broker, "3", percent=10)
    assert (await broker.settle()).canaries == 1
    await broker.pools.recomposing.roll_back(office())
    report = await broker.settle()
    assert (report.canaries, report.rollout.version) == (0, "default")
    assert profiles(broker) == ["blank", "blank"]


async def test_people_are_warned_and_their_desktops_end_at_the_deadline(
    broker_with: MakeBroker, clock: Clock
) -> None:
    broker = broker_with(EchoLauncher(), office())
    await broker.settle()
    kim = await broker.pools.open("kim", office())
    await recompose(broker, "2", within_s=600)
    clock.now_s += 60
    await broker.settle()
    assert broker.pools.ends_in_s("kim") == [(kim, 540)]
    assert broker.pools.is_former(kim)
    lee = await broker.pools.open("lee", office())
    assert broker.pools.ends_in_s("lee") == []
    clock.now_s += 540
    report = await broker.settle()
    assert broker.sessions.ended_by(kim.id) is EndedBy.RECOMPOSED
    assert lee in broker.sessions.live()
    assert report.rollout.phase is Phase.STEADY


async def test_a_dedicated_pool_changes_as_people_open_their_desktops(
    broker_with: MakeBroker, clock: Clock
) -> None:
    desktop = office(kind="dedicated", spare=0)
    broker = broker_with(EchoLauncher(), desktop)
    await broker.pools.open("kim", desktop)
    await recompose(broker, "2", percent=30)
    lee = await broker.pools.open("lee", desktop)
    park = await broker.pools.open("park", desktop)
    assert (lee.spec.profile, park.spec.profile) == ("blank@2", "blank")
    await broker.settle()
    clock.now_s += PROOF_S
    assert (await broker.settle()).rollout.phase is Phase.ROLLING
    assert broker.pools.is_former(park)
    broker.sessions.end(park, EndedBy.PERSON)
    await park.stopped.wait()
    assert (await broker.pools.open("park", desktop)).spec.profile == "blank@2"


async def test_wrong_orders_are_refused(broker_with: MakeBroker) -> None:
    broker = broker_with(EchoLauncher(), office())
    for version, percent, error in (
        ("4", 10, "no version '4' of the profile 'blank'"),
        ("2", 0, "from 1 to 100"),
        ("default", 10, "already"),
    ):
        with pytest.raises(ConfigurationError, match=error):
            await recompose(broker, version, percent=percent)
    with pytest.raises(ConfigurationError, match="never recomposed"):
        await broker.pools.recomposing.roll_back(office())


async def test_the_next_broker_goes_on_with_it(broker_with: MakeBroker, clock: Clock) -> None:
    launcher = LastingEchoLauncher()
    first = broker_with(launcher, office())
    await first.settle()
    await recompose(first, "2", percent=10)
    await first.settle()
    clock.now_s += PROOF_S / 2
    await first.sessions.close(leave_running=True)
    second = broker_with(launcher, office())
    await second.pools.load()
    await second.sessions.adopt()
    clock.now_s += max(PROOF_S / 2, DURATION_S)
    await asyncio.gather(*(session.start_finished.wait() for session in second.sessions.live()))
    report = await second.settle()
    assert (report.rollout.phase, report.rollout.version) == (Phase.STEADY, "2")
    assert profiles(second) == ["blank@2", "blank@2"]


async def test_a_pool_has_at_most_so_many_desktops_on_this_host(broker_with: MakeBroker) -> None:
    desktop = office(per_host=1)
    broker = broker_with(EchoLauncher(), desktop)
    assert (await broker.settle()).waiting == 1
    await broker.pools.open("kim", desktop)
    with pytest.raises(DesktopError, match="in use"):
        await broker.pools.open("lee", desktop)


async def test_changed_files_of_a_profile_replace_what_waits_after_a_reload(broker_with: MakeBroker) -> None:
    broker = broker_with(EchoLauncher(), office())
    await broker.settle()
    before = {session.id for session in broker.sessions.live()}
    images = broker.images
    images.contents["default"] = "changed"
    broker.pools.use([office()])
    assert images.forgotten == 2
    await broker.settle()
    assert not before & {session.id for session in broker.sessions.live()}


def test_a_fingerprint_covers_the_profile_and_its_packages(tmp_path: Path) -> None:
    status = tmp_path / "status"
    status.write_text("Package: openbox\nVersion: 3.6.1\n\nPackage: other\nVersion: 1\n")
    assert installed(status, {"openbox", "missing"}) == ["3.6.1"]
    assert installed(tmp_path / "nothing", {"openbox"}) == []
    images = ProfileImages(status)
    first = images.fingerprint("office", "default")
    assert "3.6.1" in first
    status.write_text("Package: openbox\nVersion: 3.6.2\n")
    assert images.fingerprint("office", "default") == first
    images.forget()
    assert images.fingerprint("office", "default") != first
    assert images.fingerprint("office", "2") == MISSING
    assert images.versions("office") == folders.versions("office") == ["default"]
    assert images.profile("office", "2") == "office@2"
