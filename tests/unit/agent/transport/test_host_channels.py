"""Both ends of the host channel: what the gateway gives, what the agent accepts, and who may connect."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import msgspec
import pytest

from display_server.agent.transport import host_channels
from display_server.agent.transport.host_channels import HostChannels
from display_server.agent.transport.host_network import HostNetworkError
from display_server.agent.transport.peer_check import PeerCheck
from display_server.desktop.host_channel import Introduction, Refused, Relays, Sockets, SocketsWanted
from display_server.desktop.video_settings import TurnServer, VideoNetworkSettings
from display_server.gateway import viewer_host_channel
from display_server.gateway.video_network import VideoNetwork
from display_server.gateway.viewer_host_channel import REQUESTS_BURST, ViewerHostChannel
from tests.fakes.host_channel import open_host_channel
from tests.unit.gateway.test_video_network import free_range

SECRET = "the secret of this agent"
TURN = TurnServer(["turn:192.0.2.1:3478"], "a secret of some length")


class Bench:
    """The agent's channels, and the gateway's end of the channel of the viewer `v1`."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "host.sock"
        self.channels = HostChannels(self.path, PeerCheck(SECRET))
        self.channels.start()
        self.network = VideoNetwork(VideoNetworkSettings(["127.0.0.1"], free_range(4), TURN))
        self.gateway: ViewerHostChannel | None = None

    async def connect(self, viewer: str = "v1") -> ViewerHostChannel:
        self.gateway = open_host_channel(self.path, SECRET, viewer, lambda: self.network)
        return self.gateway

    def raw(self) -> socket.socket:
        """Connects as a program that knows nothing of this protocol."""
        one = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        one.connect(str(self.path))
        one.setblocking(False)
        return one


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    with tempfile.TemporaryDirectory(prefix="lb") as folder:
        bench = Bench(Path(folder))
        yield bench
        if bench.gateway is not None:
            bench.gateway.close()
        bench.channels.stop()
        assert not bench.path.exists()


async def accepted(bench: Bench) -> None:
    """Waits until the agent knows the channel of the viewer `v1`."""
    async with asyncio.timeout(30):
        while "v1" not in bench.channels._by_viewer:  # noqa: ASYNC110 - there is no event to wait for
            await asyncio.sleep(0.001)


async def closed_by_agent(one: socket.socket) -> bool:
    """Waits for the end of a connection. Returns whether nothing was received before."""
    async with asyncio.timeout(30):
        try:
            return await asyncio.get_running_loop().sock_recv(one, 100) == b""
        except ConnectionResetError:
            return True


@contextlib.contextmanager
def introduced(bench: Bench) -> Iterator[socket.socket]:
    """Connects as the gateway does for the viewer `v1`, but answers nothing by itself."""
    with contextlib.closing(bench.raw()) as raw:
        raw.send(msgspec.json.encode(Introduction(SECRET, "v1")))
        yield raw


def open_descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


async def test_the_agent_gets_sockets_that_the_gateway_opened(bench: Bench) -> None:
    gateway = await bench.connect()
    await accepted(bench)
    before = open_descriptors()
    (one,) = await bench.channels.of("v1").open_sockets()
    assert open_descriptors() == before + 1, "the gateway keeps none"
    address, port = one.getsockname()
    assert address == "127.0.0.1"
    assert bench.network._settings.ports.first <= port <= bench.network._settings.ports.last
    assert os.get_inheritable(one.fileno()) is False
    gateway.close()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.sendto(b"still open", (address, port))
        one.setblocking(True)
        assert one.recv(100) == b"still open"
    one.close()


async def test_credentials_are_those_of_the_viewer(bench: Bench) -> None:
    await bench.connect()
    (server,) = await bench.channels.of("v1").relays()
    assert server.username.endswith(":v1")
    assert server.urls == TURN.urls


async def test_a_channel_that_comes_late_is_awaited(bench: Bench) -> None:
    asking = asyncio.create_task(bench.channels.of("v1").relays())
    await asyncio.sleep(0)
    assert not asking.done()
    await bench.connect()
    assert len(await asking) == 1


async def test_the_agent_learns_that_the_range_is_exhausted(bench: Bench) -> None:
    await bench.connect()
    opened = [await bench.channels.of("v1").open_sockets() for _ in range(4)]
    with pytest.raises(HostNetworkError, match="are in use"):
        await bench.channels.of("v1").open_sockets()
    for sockets in opened:
        sockets[0].close()
    (again,) = await bench.channels.of("v1").open_sockets()
    again.close()


async def test_one_viewer_cannot_request_without_end(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(viewer_host_channel, "REQUESTS_PER_S", 0.0)
    await bench.connect()
    for _ in range(int(REQUESTS_BURST)):
        await bench.channels.of("v1").relays()
    with pytest.raises(HostNetworkError, match="too many"):
        await bench.channels.of("v1").relays()


async def test_another_configuration_is_used_at_once(bench: Bench) -> None:
    await bench.connect()
    bench.network = VideoNetwork()
    assert await bench.channels.of("v1").relays() == []
    with pytest.raises(HostNetworkError, match="belongs to this host"):
        await bench.channels.of("v1").open_sockets()


async def test_without_a_gateway_the_agent_gives_up(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host_channels, "ANSWER_WITHIN_S", 0.01)
    with pytest.raises(HostNetworkError, match="does not answer"):
        await bench.channels.of("v1").open_sockets()


async def test_a_channel_that_closes_fails_its_requests(bench: Bench) -> None:
    with introduced(bench) as raw:
        asking = asyncio.create_task(bench.channels.of("v1").open_sockets())
        assert b"sockets-wanted" in await asyncio.get_running_loop().sock_recv(raw, 1000)
    with pytest.raises(HostNetworkError, match="closed"):
        await asking


@pytest.mark.parametrize(
    "packet",
    [
        msgspec.json.encode(Introduction("another secret", "v1")),
        msgspec.json.encode(Introduction("", "v1")),
        msgspec.json.encode(Introduction(SECRET, "")),
        msgspec.json.encode(Relays(1, [])),
        b"nonsense",
        b"x" * 100_000,
    ],
    ids=["wrong secret", "no secret", "no viewer", "no introduction", "nonsense", "too large"],
)
async def test_whoever_does_not_know_the_secret_is_disconnected(bench: Bench, packet: bytes) -> None:
    with contextlib.closing(bench.raw()) as raw:
        raw.send(packet)
        assert await closed_by_agent(raw)
    assert bench.channels._by_viewer == {}
    assert bench.channels._unknown == set()


async def test_whoever_does_not_introduce_itself_is_disconnected(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(host_channels, "INTRODUCTION_WITHIN_S", 0.01)
    with contextlib.closing(bench.raw()) as raw:
        assert await closed_by_agent(raw)


async def test_an_unexpected_user_is_disconnected(bench: Bench) -> None:
    bench.channels.stop()
    bench.channels = HostChannels(bench.path, PeerCheck(SECRET, [os.geteuid() + 1]))
    bench.channels.start()
    with contextlib.closing(bench.raw()) as raw:
        assert await closed_by_agent(raw)
    assert bench.channels._unknown == set()


def tcp_socket() -> socket.socket:
    return socket.socket(socket.AF_INET, socket.SOCK_STREAM)


async def test_descriptors_that_are_no_udp_sockets_end_the_channel(bench: Bench) -> None:
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    pipe = os.pipe()
    with introduced(bench) as raw, udp, tcp_socket() as tcp:
        await accepted(bench)
        before = open_descriptors()
        socket.send_fds(
            raw, [msgspec.json.encode(Sockets(1))], [udp.fileno(), tcp.fileno(), pipe[0], udp.fileno()]
        )
        assert await closed_by_agent(raw)
        assert open_descriptors() == before - 1, "nothing is left but what this test has opened"
    for end in pipe:
        os.close(end)


async def test_sockets_that_nobody_waits_for_are_closed(bench: Bench) -> None:
    with introduced(bench) as raw, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        await accepted(bench)
        before = open_descriptors()
        socket.send_fds(raw, [msgspec.json.encode(Sockets(999))], [udp.fileno()])
        asking = asyncio.create_task(bench.channels.of("v1").open_sockets())
        data = await asyncio.get_running_loop().sock_recv(raw, 1000)
        request = msgspec.json.decode(data, type=SocketsWanted).request
        raw.send(msgspec.json.encode(Refused(request, "no port")))
        with pytest.raises(HostNetworkError, match="no port"):
            await asking
        assert open_descriptors() == before


async def test_an_answer_that_does_not_fit_is_an_error(bench: Bench) -> None:
    with introduced(bench) as raw:
        asking = asyncio.create_task(bench.channels.of("v1").open_sockets())
        data = await asyncio.get_running_loop().sock_recv(raw, 1000)
        raw.send(msgspec.json.encode(Relays(msgspec.json.decode(data, type=SocketsWanted).request, [])))
        with pytest.raises(HostNetworkError, match="does not fit"):
            await asking


async def test_an_agent_cannot_pass_descriptors_to_the_gateway(bench: Bench) -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours:
        channel = ViewerHostChannel(theirs, SECRET, "v1", lambda: bench.network)
        before = open_descriptors()
        with tcp_socket() as tcp:
            socket.send_fds(ours, [msgspec.json.encode(SocketsWanted(1))], [tcp.fileno()])
        ours.setblocking(False)
        await asyncio.get_running_loop().sock_recv(ours, 1000)  # the introduction
        assert await asyncio.get_running_loop().sock_recv(ours, 1000) == b"", "the gateway closed the channel"
        assert open_descriptors() == before - 1
        channel.close()


@pytest.mark.parametrize("packet", [b"nonsense", b'{"type":"relays","request":1,"servers":[]}', b"\0"])
async def test_a_malformed_request_ends_the_channel(bench: Bench, packet: bytes) -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours:
        ViewerHostChannel(theirs, SECRET, "v1", lambda: bench.network)
        ours.send(packet)
        ours.setblocking(False)
        await asyncio.get_running_loop().sock_recv(ours, 1000)
        assert await closed_by_agent(ours)
