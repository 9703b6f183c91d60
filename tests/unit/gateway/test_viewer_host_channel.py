"""The gateway opens a host channel beside each viewer's connection, and closes it with that."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable

import pytest

from display_server.agent.transport.host_channels import HostChannels
from display_server.agent.transport.host_network import HostNetworkError
from display_server.agent.transport.peer_check import PeerCheck
from display_server.desktop.video_settings import TurnServer, VideoNetworkSettings
from display_server.gateway.video_network import VideoNetwork
from tests.fakes.gateway import GatewayUnderTest
from tests.fakes.launchers import EchoLauncher
from tests.unit.gateway.test_video_network import free_range


@pytest.fixture
async def channels(gateway: GatewayUnderTest, launcher: EchoLauncher) -> AsyncIterator[HostChannels]:
    """The agent's end of the channels of kim's desktop, which runs."""
    client = await gateway.sign_in()
    await client.post("/api/v1/desktops/reading/viewers")
    spec = launcher.started[0].spec
    channels = HostChannels(spec.host_socket, PeerCheck(spec.secret))
    channels.start()
    yield channels
    channels.stop()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(90):
        while not condition():  # noqa: ASYNC110 - there is no event to wait for
            await asyncio.sleep(0.01)


async def test_an_agent_gets_sockets_and_relays_for_a_viewer_until_it_leaves(
    gateway: GatewayUnderTest, channels: HostChannels
) -> None:
    turn = TurnServer(["turn:192.0.2.1:3478"], "a secret of some length")
    gateway.gateway.settings.video = VideoNetwork(VideoNetworkSettings(["127.0.0.1"], free_range(2), turn))
    async with await gateway.open_viewer(await gateway.sign_in()) as viewer:
        await viewer.send("send headers")
        name = dict(json.loads(await viewer.recv()))["Lightbox-Viewer"]
        (one,) = await channels.of(name).open_sockets()
        assert one.getsockname()[0] == "127.0.0.1"
        one.close()
        (server,) = await channels.of(name).relays()
        assert server.username.endswith(f":{name}")
        assert b'lightbox_video_socket_requests_total{result="opened"} 1.0' in gateway.gateway.metrics.text()
    await until(lambda: channels._by_viewer == {})


async def test_each_viewer_has_a_channel_of_its_own(
    gateway: GatewayUnderTest, channels: HostChannels
) -> None:
    client = await gateway.sign_in()
    async with await gateway.open_viewer(client), await gateway.open_viewer(client):
        await until(lambda: len(channels._by_viewer) == 2)


async def test_without_an_address_there_are_no_sockets(
    gateway: GatewayUnderTest, channels: HostChannels
) -> None:
    async with await gateway.open_viewer(await gateway.sign_in()):
        await until(lambda: len(channels._by_viewer) == 1)
        (name,) = channels._by_viewer
        with pytest.raises(HostNetworkError, match="belongs to this host"):
            await channels.of(name).open_sockets()


async def test_a_viewer_connects_although_its_agent_has_no_host_channels(gateway: GatewayUnderTest) -> None:
    async with await gateway.open_viewer(await gateway.sign_in()) as viewer:
        await viewer.send("still there")
        assert await viewer.recv() == "still there"
