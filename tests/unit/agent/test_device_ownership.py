"""A desktop follows the person from device to device."""

from __future__ import annotations

import asyncio
import contextlib

from display_server.agent.device_ownership import AWAY_MAX_S, DeviceOwnership
from display_server.protocol.close_codes import CloseCode
from tests.fakes.agent import running_agent
from tests.fakes.viewer import FakeViewer


def test_opening_takes_and_coming_back_does_not() -> None:
    holder = DeviceOwnership(share=False)
    assert holder.claim("ward", "Ward", (), resume=True), "nobody had it"
    assert holder.claim("tablet", "Tablet", (), resume=False)
    assert not holder.may_display("ward")
    assert not holder.claim("ward", "Ward", (), resume=True)
    assert (holder.owner_name, holder.may_display("tablet")) == ("Tablet", True)
    assert holder.claim("tablet", "Tablet", (), resume=True)
    assert holder.claim("ward", "Ward", (), resume=False)
    assert holder.owner_name == "Ward"


def test_devices_that_share() -> None:
    holder = DeviceOwnership(share=True)
    assert holder.claim("ward", "", (), resume=False)
    assert holder.claim("tablet", "", (), resume=True)
    assert holder.may_display("ward")


def test_one_device_gives_the_size() -> None:
    """Of those that share, the first; the next one once it is gone for good, or opens what nobody shows."""
    holder = DeviceOwnership(share=True)
    assert holder.claim("ward", "", (), resume=False)
    assert holder.claim("tablet", "", {"ward"}, resume=False)
    assert (holder.sets_sizes("ward"), holder.sets_sizes("tablet")) == (True, False)
    both, one = ("ward", "tablet"), ("tablet",)
    assert not holder.on_second(both, 0)
    assert not holder.on_second(one, 1)
    assert not holder.on_second(one, AWAY_MAX_S)
    assert not holder.on_second(both, AWAY_MAX_S + 5), "it was out of reach for a moment"
    assert not holder.on_second(one, AWAY_MAX_S + 6)
    assert holder.on_second(one, 2 * AWAY_MAX_S + 6)
    assert (holder.sets_sizes("ward"), holder.sets_sizes("tablet")) == (False, True)
    assert not holder.on_second((), 5 * AWAY_MAX_S)
    assert holder.claim("ward", "", (), resume=True)
    assert holder.sets_sizes("tablet"), "who comes back by itself takes nothing"
    assert holder.claim("ward", "", (), resume=False)
    assert holder.sets_sizes("ward")


def test_the_device_that_has_it_gives_the_size() -> None:
    holder = DeviceOwnership(share=False)
    assert holder.claim("ward", "", (), resume=False)
    assert holder.claim("tablet", "", {"ward"}, resume=False)
    assert (holder.sets_sizes("ward"), holder.sets_sizes("tablet")) == (False, True)


async def test_the_former_device_goes_and_hears_where_to() -> None:
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
            assert ("release",) in running.input.done, "what it held is let go"
            await tablet.until_exact(running.frame)


async def test_who_was_out_of_reach_does_not_take_it_back() -> None:
    async with running_agent() as running:
        async with FakeViewer(running.socket, device="tablet") as tablet:
            await tablet.until_exact(running.frame)
            async with FakeViewer(running.socket, device="ward", resume=True) as ward:
                await ward.until(lambda: ward.close_code is not None)
                assert (ward.close_code, ward.close_reason) == (CloseCode.TAKEN_OVER, "TABLET")
                assert ward.messages == [], "it is shown nothing, not even the desktop's size"
            assert tablet.close_code is None
        async with FakeViewer(running.socket, device="ward") as ward:
            await ward.until_exact(running.frame)


async def test_what_a_dismissed_viewer_still_sends_counts_for_nothing() -> None:
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


async def test_devices_stay_together_where_policy_allows() -> None:
    async with (
        running_agent(share=True) as running,
        FakeViewer(running.socket, device="ward") as ward,
        FakeViewer(running.socket, device="tablet") as tablet,
    ):
        for viewer in (ward, tablet):
            await viewer.until_exact(running.frame)
        assert ward.close_code is None


async def test_viewers_are_told_whose_windows_give_the_size() -> None:
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
