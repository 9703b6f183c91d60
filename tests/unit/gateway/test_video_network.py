"""The UDP ports and TURN credentials that the gateway gives to agents."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator

import pytest
from structlog.testing import capture_logs

from display_server.desktop.video_settings import PortRange, TurnServer, VideoNetworkSettings
from display_server.gateway.video_network import LOG_INTERVAL_S, VideoNetwork, VideoNetworkError

#: Computed with openssl, see the test.
EXPECTED_CREDENTIAL = "OnOYGOSCT6XhZsuyQAwp9gQq7+I="


def free_range(count: int) -> PortRange:
    """Returns a range of ports that nobody uses on 127.0.0.1."""
    for first in range(20000, 32000, count):
        with contextlib.ExitStack() as stack:
            try:
                for port in range(first, first + count):
                    stack.enter_context(bound(port))
            except OSError:
                continue
            return PortRange(first, first + count - 1)
    raise AssertionError("no range of ports is free")


def bound(port: int, address: str = "127.0.0.1") -> socket.socket:
    one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        one.bind((address, port))
    except OSError:
        one.close()
        raise
    return one


@pytest.fixture
def sockets() -> Iterator[list[socket.socket]]:
    """Closes what a test adds."""
    opened: list[socket.socket] = []
    yield opened
    for one in opened:
        one.close()


def test_sockets_are_bound_inside_the_range_only(sockets: list[socket.socket]) -> None:
    ports = free_range(4)
    network = VideoNetwork(VideoNetworkSettings(["127.0.0.1"], ports))
    for _ in range(len(ports)):
        sockets += network.open_sockets()
    assert sorted(one.getsockname() for one in sockets) == [
        ("127.0.0.1", port) for port in range(ports.first, ports.last + 1)
    ]
    assert all(one.type == socket.SOCK_DGRAM for one in sockets)


def test_an_exhausted_range_is_refused_and_logged_once_in_a_while(sockets: list[socket.socket]) -> None:
    ports, now_s = free_range(2), 100.0
    network = VideoNetwork(VideoNetworkSettings(["127.0.0.1"], ports), monotonic_s=lambda: now_s)
    sockets += [*network.open_sockets(), *network.open_sockets()]
    with capture_logs() as logs:
        for _ in range(3):
            with pytest.raises(VideoNetworkError, match=f"All UDP ports for video \\({ports}\\) are in use"):
                network.open_sockets()
        assert [line["log_level"] for line in logs] == ["error"]
        assert "video.ports" in logs[0]["next_step"]
        now_s += LOG_INTERVAL_S
        with pytest.raises(VideoNetworkError):
            network.open_sockets()
        assert len(logs) == 2
    assert network.requests == {"opened": 2, "no port": 4}
    sockets.pop().close()
    sockets += network.open_sockets()


def test_a_port_that_another_program_uses_is_skipped(sockets: list[socket.socket]) -> None:
    ports = free_range(2)
    sockets.append(bound(ports.first))
    network = VideoNetwork(VideoNetworkSettings(["127.0.0.1"], ports))
    (mine,) = network.open_sockets()
    sockets.append(mine)
    assert mine.getsockname()[1] == ports.last


def test_all_addresses_have_the_same_port(sockets: list[socket.socket]) -> None:
    ports = free_range(2)
    sockets.append(bound(ports.first, "127.0.0.2"))  # taken on one of the two addresses
    network = VideoNetwork(VideoNetworkSettings(["127.0.0.1", "127.0.0.2"], ports))
    pair = network.open_sockets()
    sockets += pair
    assert [one.getsockname() for one in pair] == [("127.0.0.1", ports.last), ("127.0.0.2", ports.last)]
    sockets.append(bound(ports.first))  # which was not kept


def test_an_address_of_another_host_is_left_out(sockets: list[socket.socket]) -> None:
    network = VideoNetwork(VideoNetworkSettings(["192.0.2.1", "127.0.0.1"], free_range(1)))
    with capture_logs() as logs:
        sockets += network.open_sockets()
    assert [one.getsockname()[0] for one in sockets] == ["127.0.0.1"]
    assert logs[0]["address"] == "192.0.2.1"


@pytest.mark.parametrize("addresses", [[], ["192.0.2.1"]])
def test_without_an_address_of_this_host_there_are_no_sockets(addresses: list[str]) -> None:
    network = VideoNetwork(VideoNetworkSettings(addresses, free_range(1)))
    with pytest.raises(VideoNetworkError, match="belongs to this host") as raised:
        network.open_sockets()
    assert raised.value.next_step


def test_relay_credentials_are_for_one_viewer_and_expire_soon() -> None:
    turn = TurnServer(["turn:192.0.2.1:3478?transport=udp"], "a secret of some length")
    network = VideoNetwork(VideoNetworkSettings(turn=turn), now_unix_s=lambda: 1_000_000.0)
    (server,) = network.relays("v1")
    assert server.urls == ["turn:192.0.2.1:3478?transport=udp"]
    assert server.username == "1000600:v1"
    # echo -n 1000600:v1 | openssl dgst -sha1 -hmac 'a secret of some length' -binary | base64
    assert server.credential == EXPECTED_CREDENTIAL
    assert network.relays("v2")[0].credential != server.credential
    assert VideoNetwork().relays("v1") == []


def test_a_log_of_the_settings_has_no_secret() -> None:
    settings = VideoNetworkSettings(turn=TurnServer(["turn:192.0.2.1"], "a secret of some length"))
    assert "a secret" not in repr(settings)
