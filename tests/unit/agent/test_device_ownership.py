"""A desktop moves to the device on which it was opened last."""

from __future__ import annotations

import asyncio
import contextlib

from display_server.agent.device_ownership import AWAY_MAX_S, DeviceOwnership
from display_server.protocol.close_codes import CloseCode
from tests.fakes.agent import running_agent
from tests.fakes.viewer import FakeViewer


def test_opening_takes_the_desktop_and_reconnecting_does_not() -> None:
    ownership = DeviceOwnership(share=False)
    assert ownership.claim("ward", "Ward", (), resume=True), "no device owned it"
    assert ownership.claim("tablet", "Tablet", (), resume=False)
    assert not ownership.may_display("ward")
    assert not ownership.claim("ward", "Ward", (), resume=True)
    assert (ownership.owner_name, ownership.may_display("tablet")) == ("Tablet", True)
    assert ownership.claim("tablet", "Tablet", (), resume=True)
    assert ownership.claim("ward", "Ward", (), resume=False)
    assert ownership.owner_name == "Ward"


def test_shared_desktops_admit_every_device() -> None:
    ownership = DeviceOwnership(share=True)
    assert ownership.claim("ward", "", (), resume=False)
    assert ownership.claim("tablet", "", (), resume=True)
    assert ownership.may_display("ward")


def test_one_of_the_sharing_devices_sets_the_sizes() -> None:
    """The first device does, then the next one when it was away for long, or opened an unwatched desktop."""
    ownership = DeviceOwnership(share=True)
    assert ownership.claim("ward", "", (), resume=False)
    assert ownership.claim("tablet", "", {"ward"}, resume=False)
    assert (ownership.sets_sizes("ward"), ownership.sets_sizes("tablet")) == (True, False)
    both, one = ("ward", "tablet"), ("tablet",)
    assert not ownership.on_second(both, 0)
    assert not ownership.on_second(one, 1)
    assert not ownership.on_second(one, AWAY_MAX_S)
    assert not ownership.on_second(both, AWAY_MAX_S + 5), "it was away only for a moment"
    assert not ownership.on_second(one, AWAY_MAX_S + 6)
    assert ownership.on_second(one, 2 * AWAY_MAX_S + 6)
    assert (ownership.sets_sizes("ward"), ownership.sets_sizes("tablet")) == (False, True)
    assert not ownership.on_second((), 5 * AWAY_MAX_S)
    assert ownership.claim("ward", "", (), resume=True)
    assert ownership.sets_sizes("tablet"), "a device that reconnects by itself takes nothing"
    assert ownership.claim("ward", "", (), resume=False)
    assert ownership.sets_sizes("ward")


def test_the_owner_sets_the_sizes() -> None:
    ownership = DeviceOwnership(share=False)
    assert ownership.claim("ward", "", (), resume=False)
    assert ownership.claim("tablet", "", {"ward"}, resume=False)
    assert (ownership.sets_sizes("ward"), ownership.sets_sizes("tablet")) == (False, True)


async def test_disconnects_the_former_device_and_names_the_new_one() -> None:
    async with (
        running_agent() as running,
        FakeViewer(running.socket, device="ward", name="left") as left,
        FakeViewer(running.socket, device="ward", name="right") as right,
    ):
        for viewer in (left, right):
            await viewer.until_exact(running.frame)
        await left.send(type="pointer", x=1, y=1, buttons=1)
        await left.until(lambda: bool(running.input.done))
        async with FakeViewer(running.socket, device="tablet", name="tablet") as tablet:
            await tablet.until_exact(running.frame)
            for viewer in (left, right):
                await viewer.until(lambda viewer=viewer: viewer.close_code is not None)  # type: ignore[misc]
                assert (viewer.close_code, viewer.close_reason) == (CloseCode.TAKEN_OVER, "TABLET")
            assert ("release",) in running.input.done, "the button it held is released"
            await tablet.until_exact(running.frame)


async def test_a_device_that_lost_its_connection_does_not_take_the_desktop_back() -> None:
    async with running_agent() as running:
        async with FakeViewer(running.socket, device="tablet") as tablet:
            await tablet.until_exact(running.frame)
            async with FakeViewer(running.socket, device="ward", resume=True) as ward:
                await ward.until(lambda: ward.close_code is not None)
                assert (ward.close_code, ward.close_reason) == (CloseCode.TAKEN_OVER, "TABLET")
                assert ward.messages == [], "it is sent nothing, not even the size of the desktop"
            assert tablet.close_code is None
        async with FakeViewer(running.socket, device="ward") as ward:
            await ward.until_exact(running.frame)


async def test_ignores_what_a_dismissed_viewer_still_sends() -> None:
    async with running_agent() as running, FakeViewer(running.socket, device="ward") as ward:
        await ward.until_exact(running.frame)
        async with FakeViewer(running.socket, device="tablet") as tablet:
            for number in range(50):
                with contextlib.suppress(Exception):  # the connection may be closed by then
                    await ward.send(type="key", keysym=0x61, code=f"Key{number}", down=True)
            await tablet.until_exact(running.frame)
            await ward.until(lambda: ward.close_code is not None)
            assert ward.close_code == CloseCode.TAKEN_OVER
            before = list(running.input.done)
            await asyncio.sleep(0.05)
            assert running.input.done == before


async def test_devices_share_a_desktop_if_policy_allows() -> None:
    async with (
        running_agent(share=True) as running,
        FakeViewer(running.socket, device="ward") as ward,
        FakeViewer(running.socket, device="tablet") as tablet,
    ):
        for viewer in (ward, tablet):
            await viewer.until_exact(running.frame)
        assert ward.close_code is None


async def test_notifies_viewers_who_sets_the_sizes() -> None:
    async with (
        running_agent(share=True) as running,
        FakeViewer(running.socket, device="ward") as ward,
        FakeViewer(running.socket, device="tablet") as tablet,
    ):
        for viewer in (ward, tablet):
            await viewer.until_exact(running.frame)
        assert [viewer.messages[0]["sizes"] for viewer in (ward, tablet)] == ["window", "other"]
    async with (
        running_agent(fixed=True) as running,
        FakeViewer(running.socket, device="ward") as ward,
    ):
        await ward.until_exact(running.frame)
        assert ward.messages[0]["sizes"] == "fixed"
