"""A desktop follows the person from device to device."""

from __future__ import annotations

import asyncio
import contextlib

from display_server.agent.device_ownership import AWAY_S, DeviceOwnership
from tests.fakes.agent import running_agent
from tests.fakes.viewer import FakeViewer


def test_opening_takes_and_coming_back_does_not() -> None:
    holder = DeviceOwnership(share=False)
    assert holder.arrived("ward", "Ward", (), resume=True), "nobody had it"
    assert holder.arrived("tablet", "Tablet", (), resume=False)
    assert not holder.has("ward")
    assert not holder.arrived("ward", "Ward", (), resume=True)
    assert (holder.name, holder.has("tablet")) == ("Tablet", True)
    assert holder.arrived("tablet", "Tablet", (), resume=True)
    assert holder.arrived("ward", "Ward", (), resume=False)
    assert holder.name == "Ward"


def test_devices_that_share() -> None:
    holder = DeviceOwnership(share=True)
    assert holder.arrived("ward", "", (), resume=False)
    assert holder.arrived("tablet", "", (), resume=True)
    assert holder.has("ward")


def test_one_device_gives_the_size() -> None:
    """Of those that share, the first; the next one once it is gone for good, or opens what nobody shows."""
    holder = DeviceOwnership(share=True)
    assert holder.arrived("ward", "", (), resume=False)
    assert holder.arrived("tablet", "", {"ward"}, resume=False)
    assert (holder.leads("ward"), holder.leads("tablet")) == (True, False)
    both, one = ("ward", "tablet"), ("tablet",)
    assert not holder.second(both, 0)
    assert not holder.second(one, 1)
    assert not holder.second(one, AWAY_S)
    assert not holder.second(both, AWAY_S + 5), "it was out of reach for a moment"
    assert not holder.second(one, AWAY_S + 6)
    assert holder.second(one, 2 * AWAY_S + 6)
    assert (holder.leads("ward"), holder.leads("tablet")) == (False, True)
    assert not holder.second((), 5 * AWAY_S)
    assert holder.arrived("ward", "", (), resume=True)
    assert holder.leads("tablet"), "who comes back by itself takes nothing"
    assert holder.arrived("ward", "", (), resume=False)
    assert holder.leads("ward")


def test_the_device_that_has_it_gives_the_size() -> None:
    holder = DeviceOwnership(share=False)
    assert holder.arrived("ward", "", (), resume=False)
    assert holder.arrived("tablet", "", {"ward"}, resume=False)
    assert (holder.leads("ward"), holder.leads("tablet")) == (False, True)


async def test_the_former_device_goes_and_hears_where_to() -> None:
    async with (
        running_agent() as running,
        FakeViewer(running.socket, device="ward", name="left") as left,
        FakeViewer(running.socket, device="ward", name="right") as right,
    ):
        for viewer in (left, right):
            await viewer.until_exact(running.picture)
        await left.say(type="pointer", x=1, y=1, buttons=1)
        await left.until(lambda: bool(running.hands.done))
        async with FakeViewer(running.socket, device="tablet", name="tablet") as tablet:
            await tablet.until_exact(running.picture)
            for viewer in (left, right):
                await viewer.until(lambda viewer=viewer: viewer.close_code is not None)  # type: ignore[misc]
                assert (viewer.close_code, viewer.close_reason) == (4409, "TABLET")
            assert ("release",) in running.hands.done, "what it held is let go"
            await tablet.until_exact(running.picture)


async def test_who_was_out_of_reach_does_not_take_it_back() -> None:
    async with running_agent() as running:
        async with FakeViewer(running.socket, device="tablet") as tablet:
            await tablet.until_exact(running.picture)
            async with FakeViewer(running.socket, device="ward", resume=True) as ward:
                await ward.until(lambda: ward.close_code is not None)
                assert (ward.close_code, ward.close_reason) == (4409, "TABLET")
                assert ward.messages == [], "it is shown nothing, not even the desktop's size"
            assert tablet.close_code is None
        async with FakeViewer(running.socket, device="ward") as ward:
            await ward.until_exact(running.picture)


async def test_what_a_dismissed_viewer_still_sends_counts_for_nothing() -> None:
    async with running_agent() as running, FakeViewer(running.socket, device="ward") as ward:
        await ward.until_exact(running.picture)
        async with FakeViewer(running.socket, device="tablet") as tablet:
            for number in range(50):
                with contextlib.suppress(Exception):  # the connection may be closed by then
                    await ward.say(type="key", keysym=0x61, code=f"Key{number}", down=True)
            await tablet.until_exact(running.picture)
            await ward.until(lambda: ward.close_code is not None)
            assert ward.close_code == 4409
            before = list(running.hands.done)
            await asyncio.sleep(0.05)
            assert running.hands.done == before


async def test_devices_stay_together_where_policy_allows() -> None:
    async with (
        running_agent(share=True) as running,
        FakeViewer(running.socket, device="ward") as ward,
        FakeViewer(running.socket, device="tablet") as tablet,
    ):
        for viewer in (ward, tablet):
            await viewer.until_exact(running.picture)
        assert ward.close_code is None


async def test_viewers_are_told_whose_windows_give_the_size() -> None:
    async with (
        running_agent(share=True) as running,
        FakeViewer(running.socket, device="ward") as ward,
        FakeViewer(running.socket, device="tablet") as tablet,
    ):
        for viewer in (ward, tablet):
            await viewer.until_exact(running.picture)
        assert [viewer.messages[0]["sizes"] for viewer in (ward, tablet)] == ["window", "other"]
    async with (
        running_agent(fixed=True) as running,
        FakeViewer(running.socket, device="ward") as ward,
    ):
        await ward.until_exact(running.picture)
        assert ward.messages[0]["sizes"] == "fixed"
