"""What the agent lets a viewer do, by the policy that the broker sends for it, also while it is connected."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from display_server.broker.agent_page import read_agent_page
from display_server.broker_link.agent_address import AgentAddress
from display_server.desktop.clipboard_policy import ClipboardPolicy, ClipboardRights
from display_server.desktop.session_policy import SessionPolicy
from display_server.desktop.x11.monitors import Monitor
from display_server.protocol.agent_pages import POLICY_PATH
from display_server.protocol.clipboard import PNG_SIGNATURE, Failure, Format
from display_server.protocol.close_codes import CloseCode
from display_server.protocol.subprotocol import DEVICE_HEADER, POLICY_HEADER
from tests.fakes.agent import RunningAgent, running_agent
from tests.fakes.viewer import SECRET, FakeViewer
from tests.unit.agent.clipboard.test_viewer_clipboard import FakeClipboard, answer, paste

OPEN = ClipboardPolicy(to_desktop=True, from_desktop=True, images=True, max_bytes=500_000)
NOTHING = SessionPolicy(share=True)
PNG = PNG_SIGNATURE + bytes(10_000)
PAIR = Monitor(0, 0, 0, 640, 400, primary=True), Monitor(1, 640, 0, 640, 400)


async def send_policy(running: RunningAgent, device: str, policy: SessionPolicy | None) -> bytes | None:
    """Replaces the policy of a device as the broker does. Returns the agent's answer, or None."""
    address = AgentAddress("session", "desktop", running.socket, Path("host.sock"), SECRET)
    headers = {DEVICE_HEADER: device}
    if policy is not None:
        headers[POLICY_HEADER] = msgspec.json.encode(policy).decode()
    return await read_agent_page(address, POLICY_PATH, headers)


async def test_a_viewer_copies_only_what_its_own_policy_allows() -> None:
    clipboard = FakeClipboard()
    rights = ClipboardRights("text", "text", text_to_desktop_bytes=2000, text_from_desktop_bytes=1000)
    async with (
        running_agent(clipboard=clipboard, clipboard_policy=OPEN, share=True) as running,
        FakeViewer(running.socket, name="v1", device="a", policy=SessionPolicy(rights, share=True)) as viewer,
        FakeViewer(running.socket, name="v2", device="b") as other,
    ):
        await viewer.until(lambda: bool(viewer.received("clipboard")))
        await other.until(lambda: bool(other.received("clipboard")))
        clipboard.copy(TEXT=b"x" * 1001, PNG=PNG)
        await viewer.until(lambda: len(viewer.received("clipboard")) == 2)
        state = viewer.received("clipboard")[1]
        assert (state["images"], state["max_bytes"], state["formats"]) == (False, 2000, ["text"])
        assert await answer(viewer, "text", 1) == (Failure.TOO_LARGE, b"")
        assert await answer(viewer, "png", 1) == (Failure.DENIED, b"")
        assert await answer(other, "png", 1) == (0, PNG)
        await paste(viewer, Format.TEXT, b"y" * 2000)
        await viewer.until(lambda: len(clipboard.pasted) == 1)
        await paste(viewer, Format.PNG, PNG_SIGNATURE)
        await viewer.until(lambda: bool(viewer.received("notice")))
        assert viewer.received("notice")[0]["code"] == "clipboard-denied"
        assert len(clipboard.pasted) == 1


async def test_a_policy_changes_while_the_viewer_is_connected() -> None:
    clipboard = FakeClipboard()
    async with (
        running_agent(clipboard=clipboard) as running,
        FakeViewer(running.socket, device="a") as viewer,
    ):
        await viewer.until(lambda: bool(viewer.received("clipboard")))
        clipboard.copy(TEXT=b"secret")
        assert await answer(viewer, "text", 1) == (Failure.DENIED, b"")
        wider = SessionPolicy(ClipboardRights("nothing", "text"))
        assert await send_policy(running, "other", wider) is not None
        assert await answer(viewer, "text", 1) == (Failure.DENIED, b""), "it is for another device"
        assert await send_policy(running, "a", wider) is not None
        assert clipboard.allowed["from_desktop"] is True, "the clipboard lists what somebody may have"
        assert await answer(viewer, "text", 1) == (0, b"secret")
        assert viewer.received("clipboard")[-1]["from_desktop"] is True
        assert await send_policy(running, "a", SessionPolicy()) is not None
        assert await answer(viewer, "text", 1) == (Failure.DENIED, b"")


async def test_a_policy_that_cannot_be_read_is_refused() -> None:
    async with running_agent() as running:
        assert await send_policy(running, "a", None) is None
        address = AgentAddress("session", "desktop", running.socket, Path("host.sock"), SECRET)
        headers = {DEVICE_HEADER: "a", POLICY_HEADER: '{"monitors":0}'}
        assert await read_agent_page(address, POLICY_PATH, headers) is None
        stranger = AgentAddress("session", "desktop", running.socket, Path("host.sock"), "guessed")
        headers = {DEVICE_HEADER: "a", POLICY_HEADER: msgspec.json.encode(SessionPolicy()).decode()}
        assert await read_agent_page(stranger, POLICY_PATH, headers) is None


async def test_more_monitors_than_allowed_are_refused() -> None:
    async with (
        running_agent() as running,
        FakeViewer(running.socket, device="a", policy=SessionPolicy(monitors=1)) as viewer,
    ):
        await viewer.until(lambda: viewer.epoch > 0)
        monitors = [{"id": n, "x": 640 * n, "y": 0, "width": 640, "height": 400} for n in (0, 1)]
        await viewer.send(type="layout", monitors=monitors)
        await viewer.until(lambda: bool(viewer.received("notice")))
        assert viewer.received("notice")[0]["code"] == "layout-refused"
        assert running.layout.requests == 0
        await send_policy(running, "a", SessionPolicy(monitors=2))
        await viewer.send(type="layout", monitors=monitors)
        await viewer.until(
            lambda: len(viewer.received("monitors")[-1:]) == 1 and running.layout.requests == 1
        )


@pytest.mark.parametrize("when", ["at the beginning", "later"])
async def test_surplus_monitors_are_removed(when: str) -> None:
    one = SessionPolicy(monitors=1)
    async with (
        running_agent(monitors=PAIR) as running,
        FakeViewer(running.socket, device="a", policy=one if when == "at the beginning" else None) as viewer,
    ):
        await viewer.until(lambda: viewer.epoch > 0)
        if when == "later":
            assert len(running.layout.monitors) == 2
            await send_policy(running, "a", one)
        await viewer.until(lambda: bool(viewer.received("monitors")))
        assert [monitor.id for monitor in running.layout.monitors] == [0]


async def test_a_desktop_that_is_no_longer_shared_has_one_device() -> None:
    async with (
        running_agent() as running,
        FakeViewer(running.socket, name="v1", device="a", policy=NOTHING) as first,
    ):
        await first.until(lambda: first.epoch > 0)
        async with FakeViewer(running.socket, name="v2", device="b", policy=NOTHING) as second:
            await second.until(lambda: second.epoch > 0)
            await first.report()
            assert first.close_code is None, "the policy shares the desktop, whatever its configuration says"
            await send_policy(running, "a", SessionPolicy())
            assert second.close_code is None, "the device that opened the desktop last decides"
            await send_policy(running, "b", SessionPolicy())
            await first.connection.wait_closed()
            await first.until(lambda: first.close_code is not None)
            assert first.close_code == CloseCode.TAKEN_OVER
