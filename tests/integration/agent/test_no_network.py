"""An agent in a network namespace in which not even `lo` is up: video goes over sockets that it is given."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator
from pathlib import Path

import aioice.ice
import pytest
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from av import VideoFrame

from display_server.agent.transport.webrtc.session_description import TRANSPORT_SEQUENCE
from display_server.desktop.video_settings import PortRange, VideoNetworkSettings, VideoSettings
from display_server.gateway.video_network import VideoNetwork
from tests.fakes.host_channel import open_host_channel
from tests.fakes.viewer import SECRET, FakeViewer
from tests.integration.agent.test_process import AgentProcess, agent_process
from tests.unit.gateway.test_video_network import bound, free_range

#: Runs a command without any network: as root directly, otherwise in a user namespace.
WITHOUT_NETWORK = ["unshare", "--net", *([] if os.geteuid() == 0 else ["--user", "--map-current-user"])]
VIDEO = VideoSettings(policy="economy", addresses=["127.0.0.1"])
SIZE_PX = (1280, 800)
SIDE_PX = 640
NAME = "viewer"


@pytest.fixture(autouse=True)
def _loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aioice.ice, "get_host_addresses", lambda **_: ["127.0.0.1"])


def assert_has_no_network(pid: int) -> None:
    process = Path("/proc", str(pid))
    assert (process / "ns/net").readlink() != Path("/proc/self/ns/net").readlink()
    devices = (process / "net/dev").read_text().splitlines()[2:]
    assert [line.partition(":")[0].strip() for line in devices] == ["lo"]
    assert (process / "net/fib_trie").read_text() == "", "lo is not up: there is no route at all"


@contextlib.asynccontextmanager
async def isolated_agent() -> AsyncIterator[AgentProcess]:
    async with agent_process(size=SIZE_PX, video=VIDEO, under=WITHOUT_NETWORK) as running:
        assert_has_no_network(running.process.pid)
        yield running


@contextlib.asynccontextmanager
async def host_channel(running: AgentProcess, ports: PortRange) -> AsyncIterator[None]:
    """Gives the agent what the gateway gives it for the viewer NAME."""
    network = VideoNetwork(VideoNetworkSettings(["127.0.0.1"], ports))
    channel = open_host_channel(running.folder / "host.sock", SECRET, NAME, lambda: network)
    try:
        yield
    finally:
        channel.close()


@contextlib.asynccontextmanager
async def film(running: AgentProcess) -> AsyncIterator[None]:
    """Plays on the desktop."""

    async def play() -> None:
        grey = 0
        while True:
            grey = (grey + 37) % 256
            running.painter.fill(0, 0, SIDE_PX, SIDE_PX, grey * 0x010101)
            await asyncio.sleep(1 / 30)

    playing = asyncio.create_task(play())
    try:
        yield
    finally:
        playing.cancel()
        await asyncio.gather(playing, return_exceptions=True)


async def offer_of(browser: RTCPeerConnection) -> str:
    browser.addTransceiver("video", "recvonly")
    await browser.setLocalDescription(await browser.createOffer())
    sdp = browser.localDescription.sdp
    return sdp.replace("a=recvonly", f"a=extmap:9 {TRANSPORT_SEQUENCE}\r\na=recvonly")


async def test_video_reaches_a_viewer_over_a_socket_of_the_gateway() -> None:
    ports = free_range(4)
    browser = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    async with (
        isolated_agent() as running,
        host_channel(running, ports),
        FakeViewer(running.socket, name=NAME, video=True) as viewer,
    ):
        async with film(running):
            await viewer.until(lambda: bool(viewer.received("peer")))
            await viewer.send(type="offer", sdp=await offer_of(browser))
            await viewer.until(lambda: bool(viewer.received("answer")))
            answer = viewer.received("answer")[0]["sdp"]
            (candidate,) = (line for line in answer.splitlines() if line.startswith("a=candidate:"))
            _, _, _, _, address, port, *_ = candidate.split()
            assert address == "127.0.0.1"
            assert ports.first <= int(port) <= ports.last
            await browser.setRemoteDescription(RTCSessionDescription(answer, "answer"))
            async with asyncio.timeout(90):
                received = await browser.getReceivers()[0].track.recv()
            assert isinstance(received, VideoFrame)
            assert received.width >= SIDE_PX
        await viewer.until_exact(running.frame())
        await browser.close()


async def test_without_a_free_port_the_desktop_arrives_as_tiles() -> None:
    ports = free_range(1)
    browser = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    with bound(ports.first):
        async with (
            isolated_agent() as running,
            host_channel(running, ports),
            FakeViewer(running.socket, name=NAME, video=True) as viewer,
        ):
            await viewer.send(type="watch", status=True, trace=False)
            async with film(running):
                await viewer.until(lambda: bool(viewer.received("peer")))
                await viewer.send(type="offer", sdp=await offer_of(browser))
                await viewer.until(
                    lambda: any(status["video"] == "failed" for status in viewer.received("status"))
                )
            await viewer.until_exact(running.frame())
            assert not viewer.received("answer")
            assert f"All UDP ports for video ({ports}) are in use." in running.log
    await browser.close()
