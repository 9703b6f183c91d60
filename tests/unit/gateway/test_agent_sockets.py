"""The broker passes connections to agents for viewers that were admitted and are not gone, and no others."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import pytest

from display_server.broker.gateway_sockets import GatewaySockets
from display_server.broker_link.agent_connections import receive_answer, send_answer
from display_server.gateway.agent_sockets import PassedAgentSockets
from tests.fakes.gateway import GatewayUnderTest
from tests.fakes.launchers import EchoLauncher


def open_descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


async def test_an_admitted_viewer_gets_a_connection_until_it_leaves(gateway: GatewayUnderTest) -> None:
    agents = PassedAgentSockets(gateway.broker.agents)
    async with await gateway.open_viewer(await gateway.sign_in()):
        (relay,) = gateway.relays.open
        assert relay.viewer is not None
        first, channel = await agents.connect(relay.viewer)
        with first:
            assert first.getpeername().endswith("agent.sock")
            assert channel is None, "the agent of this test accepts none"
    async with asyncio.timeout(90):
        while gateway.services.viewers.open:  # noqa: ASYNC110 - there is no event to wait for
            await asyncio.sleep(0.01)
    with pytest.raises(ConnectionError):
        await agents.connect(relay.viewer)


async def test_a_viewer_of_a_locked_screen_gets_none(gateway: GatewayUnderTest) -> None:
    """Not even if a broken gateway leaves it connected."""
    client = await gateway.sign_in()
    async with await gateway.open_viewer(client):
        (relay,) = gateway.relays.open
        assert relay.viewer is not None
        gateway.relays.disconnect = lambda viewers: None  # type: ignore[method-assign]
        assert (await client.post("/api/v1/sign-out")).status_code < 300
        with pytest.raises(ConnectionError):
            await PassedAgentSockets(gateway.broker.agents).connect(relay.viewer)


@pytest.mark.parametrize("viewer", ["", "unknown", "x" * 1000, "../agent.sock", "\0"])
async def test_nobody_else_gets_one(gateway: GatewayUnderTest, viewer: str) -> None:
    async with await gateway.open_viewer(await gateway.sign_in()):
        with pytest.raises(ConnectionError):
            await PassedAgentSockets(gateway.broker.agents).connect(viewer)


async def test_an_agent_that_does_not_listen_is_an_error_at_once(
    gateway: GatewayUnderTest, launcher: EchoLauncher
) -> None:
    async with await gateway.open_viewer(await gateway.sign_in()):
        (relay,) = gateway.relays.open
        assert relay.viewer is not None
        launcher.started[0].spec.socket.unlink()
        with pytest.raises(ConnectionError):
            await PassedAgentSockets(gateway.broker.agents).connect(relay.viewer)


async def test_a_broker_that_does_not_listen_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        await PassedAgentSockets(GatewaySockets(tmp_path).agents).connect("viewer")


def test_answers_that_do_not_fit_leave_no_descriptor_open() -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, theirs:
        send_answer(theirs, [ours, ours])
        for one in receive_answer(ours):
            one.close()
        before = open_descriptors()
        for data, count in ((b"\2", 1), (b"\3", 3), (b"\1", 2)):
            socket.send_fds(theirs, [data], [ours.fileno()] * count)
            with pytest.raises(ConnectionError):
                receive_answer(ours)
        theirs.send(b"\0")
        with pytest.raises(ConnectionError):
            receive_answer(ours)
        assert open_descriptors() == before
        theirs.close()
        with pytest.raises(ConnectionError):
            receive_answer(ours)
